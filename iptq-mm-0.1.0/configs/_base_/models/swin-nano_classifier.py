# A Swin of 1.5 million parameters for ten classes at 32 x 32.
model = dict(
    type='iptq_mm.TimmClassifier',
    name='swin_tiny_patch4_window7_224',
    options=dict(
        img_size=32,
        patch_size=2,
        num_classes=10,
        embed_dim=48,
        depths=(2, 4, 2),
        num_heads=(2, 4, 8),
        window_size=4,
        drop_path_rate=0.05))
