# CIFAR-10 as tars of JPEGs, 30,000 for training and 5,000 for validation;
# folders will do as well (--cfg-options val_root=FOLDER train_root=FOLDER).
# Leaf configs give `name` and `input_size` of the datasets.
default_scope = 'mmengine'
custom_imports = dict(imports=['iptq_mm'], allow_failed_imports=False)

data_source = ('https://www.cs.toronto.edu/~kriz/cifar.html, saved as '
               'CLASS/NAME.jpg')
data_root = '{{$IPTQ_DATA:data}}/cifar10/'
train_root = data_root + 'train.tar'
val_root = data_root + 'val.tar'

test_dataloader = dict(
    batch_size=1,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='iptq_mm.TimmImageDataset', data_root=val_root, crop_pct=1.))
test_cfg = dict(type='TestLoop')
test_evaluator = dict(type='iptq_mm.TopAccuracy')
