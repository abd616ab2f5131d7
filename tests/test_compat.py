import sys
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from iptq_mm import compat


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.data())
def test_unravel_index(shape, data):
    x = torch.arange(torch.Size(shape).numel()).reshape(shape)
    places = torch.tensor(data.draw(
        st.lists(st.integers(0, x.numel() - 1), min_size=1)))
    assert torch.equal(x[compat.unravel_index(places, shape)], places)


def test_tree_leaves():
    assert compat.tree_leaves([1, (2, {'a': 3}), []]) == [1, 2, 3]


def test_set_submodule():
    network = nn.Sequential(nn.Sequential(nn.ReLU()), nn.ReLU())
    compat.set_submodule(network, '0.0', nn.Identity())
    compat.set_submodule(network, '1', nn.Identity())
    assert isinstance(network[0][0], nn.Identity)
    assert isinstance(network[1], nn.Identity)


def test_before_loading():
    seen = []
    layer = nn.Linear(2, 3)
    compat.before_loading(layer, lambda *args: seen.append(args[:3]))
    nn.Sequential(layer).load_state_dict(
        {'0.weight': torch.ones(3, 2), '0.bias': torch.zeros(3)})
    (module, state, prefix), = seen
    assert module is layer and prefix == '0.'
    assert set(state) == {'0.weight', '0.bias'}


def test_safe_globals(tmp_path):
    path = tmp_path / 'file.pth'
    torch.save(Fraction(1, 3), path)
    with compat.safe_globals([torch.Size]):
        with pytest.raises(Exception, match='Fraction'):
            torch.load(path, weights_only=True)
    with compat.safe_globals([Fraction]):
        assert torch.load(path, weights_only=True) == Fraction(1, 3)
    with pytest.raises(Exception, match='Fraction'):
        torch.load(path, weights_only=True)


@pytest.mark.parametrize('version', [(3, 9), (3, 13)])
def test_zip_strict(monkeypatch, version):
    if version >= (3, 10) > sys.version_info:
        pytest.skip('this Python has no zip(strict=True)')
    monkeypatch.setattr(sys, 'version_info', version)
    assert list(compat.zip_strict('ab', [1, 2])) == [('a', 1), ('b', 2)]
    with pytest.raises(ValueError):
        list(compat.zip_strict('ab', [1]))
    with pytest.raises(ValueError):
        list(compat.zip_strict('a', [1, 2]))
