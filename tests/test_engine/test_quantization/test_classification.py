"""A classifier goes the way of a detector, from config to artifacts."""
import json
import textwrap

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image

from iptq_mm.engine.artifact.int_model import load_int_model
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.inputs.options import PTQOptions
from iptq_mm.engine.ptq import run_ptq

NETWORKS = dict(
    deit=('deit_tiny_distilled_patch16_224',
          'patch_size=8, embed_dim=32, depth=2, num_heads=2'),
    swin=('swin_tiny_patch4_window7_224',
          'patch_size=2, embed_dim=16, depths=(2, 1), num_heads=(1, 2), '
          'window_size=4'))


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp('images')
    generator = np.random.default_rng(0)
    for label in 'abc':
        (root / label).mkdir()
        for i in range(2):
            pixels = generator.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(root / label / f'{i}.png')
    return root


def config_file(folder, images, network):
    name, options = NETWORKS[network]
    path = folder / f'{network}.py'
    path.write_text(
        textwrap.dedent(f'''
        default_scope = 'mmengine'
        val_root = '{images}'
        dataset = dict(
            type='iptq_mm.TimmImageDataset', data_root=val_root,
            name='{name}', input_size=32, crop_pct=1.)
        model = dict(
            type='iptq_mm.TimmClassifier', name='{name}',
            options=dict(img_size=32, num_classes=3, {options}))
        loader = dict(
            batch_size=2, num_workers=0, dataset=dataset,
            sampler=dict(type='DefaultSampler', shuffle=False))
        test_dataloader = loader
        test_cfg = dict(type='TestLoop')
        test_evaluator = dict(type='iptq_mm.TopAccuracy')
        custom_hooks = [
            dict(type='iptq_mm.PTQHook', num_batches=2,
                 calib_dataloader=loader)
        ]
    '''))
    return path


@pytest.mark.parametrize('network', NETWORKS)
def test_report_artifacts_and_the_config_that_loads_them(
        network, images, tmp_path):
    options = PTQOptions(
        config=str(config_file(tmp_path, images, network)),
        work_dir=str(tmp_path / 'out'),
        device='cpu',
        verify_integer=True)
    report = run_ptq(options)
    assert json.loads((tmp_path / 'out' / 'ptq_report.json').read_text())
    assert report['integer_only'] is True
    assert set(report['float']) == set(report['integer']) == {'top1', 'top5'}
    assert report['integer']['top5'] == 100  # of three classes
    assert report['checkpoint'] is None
    assert set(report['sqnr_db']) > {'patch_embed', 'out0'}
    assert {path.name for path in (tmp_path / 'out' / 'pictures').iterdir()
            } == {'sqnr.png', *(f'classes_{i}.png' for i in range(6))}
    weights = load_int_model(tmp_path / 'out' / 'int_model.pth').weights
    assert not any(tensor.is_floating_point() for tensor in weights.values())

    config = Config.fromfile(tmp_path / 'out' / 'int_config.py')
    config.work_dir = str(tmp_path / 'again')
    config.log_level = 'WARNING'
    runner = Runner.from_cfg(config)
    metrics = runner.test()
    assert metrics == report['integer']
    for name, tensor in runner.model.backbone.state_dict().items():
        assert tensor.dtype in (torch.int8, torch.int16, torch.int32,
                                torch.int64), name


@pytest.mark.parametrize('network', NETWORKS)
def test_pixels_give_what_normalized_images_give(network, images, tmp_path):
    """From one rule to the other nothing changes but where the normalization
    is rounded: in the image, or in the weights of the patch embedding."""
    reports = {}
    for kind in ('normalized', 'uint8'):
        options = PTQOptions(
            config=str(config_file(tmp_path, images, network)),
            work_dir=str(tmp_path / kind),
            cfg_options={'custom_hooks.0.input': kind})
        reports[kind] = run_ptq(options)
    pixels, normalized = (reports[kind]['sqnr_db']['out0']
                          for kind in ('uint8', 'normalized'))
    assert pixels > normalized - 3

    assert reports['uint8']['float_parts'] == ['softmax of scores']

    config = Config.fromfile(tmp_path / 'uint8' / 'int_config.py')
    config.work_dir = str(tmp_path / 'again')
    config.log_level = 'WARNING'
    runner = Runner.from_cfg(config)
    assert runner.test() == reports['uint8']['integer']
    batch = next(iter(runner.test_dataloader))
    inputs = runner.model.data_preprocessor(batch)['inputs']
    assert inputs.dtype == torch.uint8
    assert runner.model.backbone.quantize(inputs).dtype == torch.int8


def test_weights_out_of_reach_are_an_error_of_the_user(images, tmp_path):
    with pytest.raises(UserError, match='out of reach.*model.pretrained'):
        run_ptq(
            PTQOptions(
                config=str(config_file(tmp_path, images, 'deit')),
                work_dir=str(tmp_path / 'out'),
                cfg_options={'model.pretrained': str(tmp_path / 'none.pth')}))


def test_a_missing_val_root_is_named(images, tmp_path):
    with pytest.raises(UserError, match='nowhere.tar'):
        run_ptq(
            PTQOptions(
                config=str(config_file(tmp_path, images, 'deit')),
                cfg_options=dict(val_root=str(tmp_path / 'nowhere.tar'))))
