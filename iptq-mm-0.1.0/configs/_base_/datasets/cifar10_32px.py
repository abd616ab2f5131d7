# CIFAR-10 as the bundled classifiers are tested on it: neither scaled nor
# cropped, so that `name` says nothing here but what timm's reader asks for.
_base_ = ['cifar10.py']

name = 'vit_tiny_patch16_224'

test_dataloader = dict(batch_size=50, dataset=dict(name=name, input_size=32))
