"""A bad disk, a copy with holes: never other integers without a word."""
import random

import pytest
import torch

from iptq_mm.engine.artifact.int_model import (
    IntModel,
    load_int_model,
    save_int_model,
)
from iptq_mm.engine.artifact.load import load
from iptq_mm.engine.errors import UserError

TRIES = 24


@pytest.fixture(scope='module')
def original(saved):
    return (saved / 'int_model.pth').read_bytes()


def damaged_bit(data, draw):
    at = draw.randrange(len(data))
    data[at] ^= 1 << draw.randrange(8)


def damaged_hole(data, draw):
    at = draw.randrange(len(data) - 4096)
    data[at:at + 4096] = bytes(4096)


@pytest.mark.parametrize('damage', [damaged_bit, damaged_hole])
@pytest.mark.parametrize('seed', range(TRIES))
def test_a_damaged_file_is_refused_or_the_same(saved, original, damage, seed,
                                               tmp_path):
    data = bytearray(original)
    damage(data, random.Random(seed))
    path = tmp_path / 'int_model.pth'
    path.write_bytes(data)
    whole = load_int_model(saved / 'int_model.pth')
    try:
        model = load_int_model(path)
    except UserError as error:
        assert str(path) in str(error)
        return
    # The bit was one of what nobody reads, such as a date in the archive.
    assert model.meta == whole.meta
    assert model.weights.keys() == whole.weights.keys()
    for name, tensor in whole.weights.items():
        assert torch.equal(model.weights[name], tensor)


@pytest.mark.parametrize('kind, value', [
    ('integers', 1), ('floats', 1.), ('meta', None)])
def test_every_part_has_its_digest(saved, kind, value, tmp_path):
    path = tmp_path / 'int_model.pth'
    model = load_int_model(saved / 'int_model.pth')
    rest = {'a_float_part.weight': torch.ones(2, 2)}
    save_int_model(path, IntModel({**model.weights, **rest}, model.meta))
    checkpoint = torch.load(path, weights_only=True)
    if kind == 'meta':
        checkpoint['meta']['seed'] += 1
    else:
        name = next(
            name for name, tensor in checkpoint['state_dict'].items()
            if tensor.is_floating_point() == (kind == 'floats')
            and tensor.dim() > 1)
        checkpoint['state_dict'][name].view(-1)[0] += value
    torch.save(checkpoint, path)
    with pytest.raises(UserError, match=f'is damaged: its {kind} are not'):
        load(saved / 'int_config.py', path)


@pytest.mark.parametrize('ending, value', [
    ('proj.m', 0), ('proj.m', 2**31), ('qkv.n', 2**40), ('qkv.n', -1),
    ('fc1.weight', -128)])
def test_numbers_outside_the_contract_are_named(saved, ending, value,
                                                tmp_path):
    """A file that somebody has written with digests that fit."""
    model = load_int_model(saved / 'int_model.pth')
    name = next(name for name in model.weights if name.endswith(ending))
    model.weights[name].view(-1)[0] = value
    path = tmp_path / 'int_model.pth'
    save_int_model(path, model)
    with pytest.raises(UserError, match=rf'{name} holds {value}, and must '):
        load_int_model(path)
