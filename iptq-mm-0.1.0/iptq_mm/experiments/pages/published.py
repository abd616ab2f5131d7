"""Top-1 on ImageNet as the papers have it: never measured here."""

FQ_VIT = {
    'DeiT-T': 71.61, 'DeiT-S': 79.17, 'DeiT-B': 81.20, 'ViT-B': 83.31,
    'Swin-T': 80.51, 'Swin-S': 82.71, 'Swin-B': 82.97
}
"""W8A8 without retraining (Lin et al., arXiv:2111.13824)."""

I_VIT = {'DeiT-T': 72.24, 'DeiT-S': 80.12, 'Swin-T': 81.50}
"""W8A8 with retraining (Li and Gu, arXiv:2207.01405)."""
