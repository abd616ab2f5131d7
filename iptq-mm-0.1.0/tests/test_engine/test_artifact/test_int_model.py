import json

import pytest
import torch
from mmengine.runner import load_checkpoint
from torch import nn

from iptq_mm.engine.artifact import int_model as artifact
from iptq_mm.engine.artifact.int_model import (
    SCHEMA_VERSION,
    IntModel,
    load_int_model,
    save_int_model,
)
from iptq_mm.engine.errors import UserError
from iptq_mm.nn import IntLinear


@pytest.fixture
def model():
    return IntModel(
        weights={
            'backbone.weight':
            8 + torch.arange(6, dtype=torch.int8).view(2, 3),
            'neck.weight': torch.rand(3)
        },
        meta=dict(
            integer_parts=['backbone'], bits=dict(weight=8),
            dataset_meta=dict(classes=['a'])))


def test_round_trip(tmp_path, model):
    path = tmp_path / 'int_model.pth'
    save_int_model(path, model)
    read = load_int_model(path)
    assert read.meta == model.meta
    assert read.weights.keys() == model.weights.keys()
    for name, tensor in model.weights.items():
        assert read.weights[name].dtype == tensor.dtype
        assert torch.equal(read.weights[name], tensor)


def test_stock_torch_and_mmengine_load_it(tmp_path, model):
    path = tmp_path / 'int_model.pth'
    save_int_model(path, model)
    plain = torch.load(path, weights_only=True)
    assert plain['schema_version'] == SCHEMA_VERSION
    assert json.loads(json.dumps(plain['meta'])) == model.meta
    target = nn.Module()
    target.backbone, target.neck = nn.Module(), nn.Module()
    target.backbone.register_buffer('weight',
                                    torch.zeros(2, 3, dtype=torch.int8))
    target.neck.register_buffer('weight', torch.zeros(3))
    load_checkpoint(target, str(path), strict=True)
    assert torch.equal(target.backbone.weight,
                       model.weights['backbone.weight'])


@pytest.fixture
def four_bits():
    """A model of one linear layer, and what an integer model of 4 bits
    holds of it."""
    target = nn.Module()
    target.backbone = IntLinear(5, 3, 8)
    target.backbone.weight.copy_(torch.arange(15).view(3, 5) - 7)
    target.backbone.m.fill_(2**30)
    weights = {
        name: tensor.clone()
        for name, tensor in target.state_dict().items()
    }
    meta = dict(
        integer_parts=['backbone'], bits=dict(weight=4), dataset_meta={})
    return target, IntModel(weights, meta)


def test_4_bit_weights_are_stored_two_to_a_byte(tmp_path, four_bits):
    _, model = four_bits
    path = tmp_path / 'int_model.pth'
    save_int_model(path, model)
    stored = torch.load(path, weights_only=True)['state_dict']
    assert stored['backbone.weight'].dtype == torch.uint8
    assert stored['backbone.weight'].shape == (3, 3 + 1)
    read = load_int_model(path).weights
    assert read.keys() == model.weights.keys()
    for name, tensor in model.weights.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


def test_integers_are_stored_as_narrow_as_they_are(tmp_path, four_bits):
    target, model = four_bits
    model.weights['backbone.bias'] = torch.tensor([0, 2**15, 1]).int()
    path = tmp_path / 'int_model.pth'
    save_int_model(path, model)
    stored = torch.load(path, weights_only=True)['state_dict']
    assert {name: tensor.dtype for name, tensor in stored.items()} == {
        'backbone.weight': torch.uint8, 'backbone.bias': torch.int32,
        'backbone.m': torch.int32, 'backbone.n': torch.int8}
    read = load_int_model(path).weights
    assert read['backbone.m'].dtype == read['backbone.n'].dtype == torch.int64
    load_checkpoint(target, str(path), strict=True)
    assert target.backbone.m.dtype == torch.int64
    assert torch.equal(target.backbone.m, model.weights['backbone.m'])


def test_mmengine_loads_packed_weights(tmp_path, four_bits):
    target, model = four_bits
    path = tmp_path / 'int_model.pth'
    save_int_model(path, model)
    target.backbone.weight.zero_()
    load_checkpoint(target, str(path), strict=True)
    assert torch.equal(target.backbone.weight,
                       model.weights['backbone.weight'])


def test_float_backbone_is_refused(tmp_path, model):
    model.weights['backbone.scale'] = torch.tensor(0.5)
    with pytest.raises(ValueError, match='backbone.scale is torch.float32'):
        save_int_model(tmp_path / 'int_model.pth', model)
    assert not list(tmp_path.iterdir())


def test_every_integer_part_is_checked(tmp_path, model):
    model.meta['integer_parts'].append('neck')
    with pytest.raises(ValueError, match='neck.weight is torch.float32'):
        save_int_model(tmp_path / 'int_model.pth', model)


def test_truncated(tmp_path, model):
    path = tmp_path / 'int_model.pth'
    save_int_model(path, model)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match='int_model.pth .*truncated'):
        load_int_model(path)


def test_foreign(tmp_path):
    path = tmp_path / 'epoch_12.pth'
    torch.save(dict(state_dict={}, meta={}), path)
    with pytest.raises(UserError, match='no int_model.pth of IPTQ-MM'):
        load_int_model(path)


@pytest.mark.parametrize('version, says', [
    (SCHEMA_VERSION + 1, 'newer .*Update IPTQ-MM'),
    (SCHEMA_VERSION - 1, 'older .*Make it again'),
    (None, 'older'),
])
def test_other_schema(tmp_path, model, monkeypatch, version, says):
    path = tmp_path / 'int_model.pth'
    monkeypatch.setattr(artifact, 'SCHEMA_VERSION', version)
    save_int_model(path, model)
    monkeypatch.undo()
    with pytest.raises(UserError, match=says):
        load_int_model(path)


def test_damaged(tmp_path, model):
    path = tmp_path / 'int_model.pth'
    save_int_model(path, model)
    content = torch.load(path, weights_only=True)
    del content['state_dict']
    torch.save(content, path)
    with pytest.raises(UserError, match='is damaged: what it holds does not'):
        load_int_model(path)


def test_killed_while_writing_leaves_no_model(tmp_path, model, monkeypatch):

    def half(content, file):
        file.write(b'half of it')
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, 'save', half)
    with pytest.raises(KeyboardInterrupt):
        save_int_model(tmp_path / 'int_model.pth', model)
    assert not list(tmp_path.iterdir())


def test_meta_that_is_not_plain_is_refused(tmp_path, model):
    model.meta['device'] = torch.device('cpu')
    with pytest.raises(TypeError):
        save_int_model(tmp_path / 'int_model.pth', model)
    assert not list(tmp_path.iterdir())
