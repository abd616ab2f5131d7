import json
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import Runner
from torch import nn

from iptq_mm.engine.errors import UserError
from iptq_mm.engine.quantization.ptq_hook import PTQHook
from iptq_mm.models import IntSwinTransformer
from iptq_mm.registry import HOOKS

from detectors import TINY, Detector, Images
from quantized import float_swin


@pytest.fixture
def runner():
    return SimpleNamespace(
        model=Detector(float_swin(**TINY)),
        build_dataloader=Runner.build_dataloader)


def hook(**settings):
    loader = dict(
        batch_size=1,
        dataset=Images(),
        collate_fn=dict(type='default_collate'),
        sampler=dict(type='DefaultSampler', shuffle=True))
    return PTQHook(**{
        **dict(calib_dataloader=loader, num_batches=2),
        **settings
    })


def state(model):
    return model.backbone.state_dict()


def test_a_config_finds_it():
    assert HOOKS.get('PTQHook') is PTQHook


def test_quantizes_once_before_the_test(runner):
    ptq = hook()
    ptq.before_test(runner)
    first = runner.model.backbone
    assert isinstance(first, IntSwinTransformer)
    assert not first.training
    ptq.before_test(runner)
    assert runner.model.backbone is first


def test_model_in_a_wrapper(runner):
    inner = runner.model
    runner.model = nn.DataParallel(inner)
    hook().before_test(runner)
    assert isinstance(inner.backbone, IntSwinTransformer)


def test_same_seed_same_integers_whatever_the_global_seed(runner):
    states = []
    for seed in range(2):
        torch.manual_seed(seed)
        other = SimpleNamespace(
            model=Detector(float_swin(**TINY)),
            build_dataloader=Runner.build_dataloader)
        torch.manual_seed(seed + 10)
        hook().before_test(other)
        states.append(state(other.model))
    assert all(
        torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_seed_picks_the_images(runner):
    picked = []
    for seed in range(3):
        ptq = hook(seed=seed)
        ptq.quantize(runner)
        picked.append(next(iter(ptq.images)))
    assert not (torch.equal(picked[0], picked[1])
                and torch.equal(picked[0], picked[2]))


def test_assignment_of_an_earlier_run(runner, tmp_path):
    path = tmp_path / 'assignment.json'
    layer = 'stages.0.blocks.0.ffn.layers.0.1'
    path.write_text(json.dumps({layer: 'i_gelu'}))
    quantization = hook(assignment=str(path)).quantize(runner)
    assert quantization.functions[layer] == 'i_gelu'


@pytest.mark.parametrize('settings, says', [
    (dict(assignment='gone.json'), 'gone.json'),
    (dict(num_batches=6), 'has 5 batches, num_batches=6'),
])
def test_wrong_settings(runner, settings, says):
    with pytest.raises(UserError, match=says):
        hook(**settings).before_test(runner)


def test_weights_that_are_not_finite(runner):
    runner.model.backbone.norm0.weight.data[0] = float('nan')
    with pytest.raises(UserError, match='the backbone: .*norm0.weight'):
        hook().before_test(runner)


def test_checkpoint_that_does_not_fit(runner):
    weights = runner.model.state_dict()
    weights.popitem()
    with pytest.raises(UserError, match='1 keys of the checkpoint'):
        hook().after_load_checkpoint(runner, dict(state_dict=weights))


def test_backbone_that_is_no_swin(runner):
    runner.model = Detector(nn.Conv2d(3, 8, 3))
    with pytest.raises(UserError, match='Conv2d'):
        hook().before_test(runner)
