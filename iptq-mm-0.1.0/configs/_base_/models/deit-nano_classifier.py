# The ViT of that size with a second token, which is a DeiT.
_base_ = ['vit-nano_classifier.py']

model = dict(name='deit_tiny_distilled_patch16_224')
