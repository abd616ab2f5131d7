# A ViT with a class token, 1.6 million parameters, ten classes at 32 x 32.
model = dict(
    type='iptq_mm.TimmClassifier',
    name='vit_tiny_patch16_224',
    options=dict(
        img_size=32,
        patch_size=4,
        num_classes=10,
        embed_dim=128,
        depth=8,
        num_heads=4))
