# ImageNet-1k for classifiers of timm: folders of synsets, or tars of them
# (--cfg-options val_root=FILE.tar train_root=FILE.tar).
default_scope = 'mmengine'
custom_imports = dict(imports=['iptq_mm'], allow_failed_imports=False)

data_source = 'https://image-net.org: ILSVRC 2012, train and val'
data_root = '{{$IPTQ_DATA:data}}/imagenet/'
train_root = data_root + 'train'
val_root = data_root + 'val'

# Whose crop: the eight models of configs/iptq_*_imagenet.py have the same.
name = 'deit_small_patch16_224'

model = dict(type='iptq_mm.TimmClassifier', pretrained=True)

test_dataloader = dict(
    batch_size=1,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='iptq_mm.TimmImageDataset',
        data_root=val_root,
        name=name,
        imagenet=True))
test_cfg = dict(type='TestLoop')
test_evaluator = dict(type='iptq_mm.TopAccuracy')

custom_hooks = [
    dict(
        type='iptq_mm.PTQHook',
        num_batches=32,
        calib_dataloader=dict(
            batch_size=1,
            num_workers=1,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(
                type='iptq_mm.TimmImageDataset',
                data_root=train_root,
                name=name,
                imagenet=True)))
]
