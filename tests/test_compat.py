import sys
from fractions import Fraction
from pickle import UnpicklingError

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.overrides import TorchFunctionMode

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


@pytest.fixture(params=['own', 'restricted'])
def loading(request, monkeypatch):
    """torch's own way, where it has one, and that of torch 2.1."""
    if request.param == 'restricted':
        monkeypatch.delattr(torch.serialization, 'safe_globals',
                            raising=False)
    elif not hasattr(torch.serialization, 'safe_globals'):
        pytest.skip('this torch has no safe_globals')


def test_load_tensors(tmp_path, loading):
    path = tmp_path / 'file.pth'
    content = dict(x=torch.arange(3), y=[1, 'a', None, b'b', (2., True)])
    torch.save(content, path)
    found = compat.load_tensors(path)
    assert torch.equal(found['x'], content['x']) and found['y'] == content['y']
    torch.save(Fraction(1, 3), path)
    with pytest.raises(UnpicklingError, match='GLOBAL fractions.Fraction'):
        compat.load_tensors(path, [torch.Size])
    assert compat.load_tensors(path, [Fraction]) == Fraction(1, 3)
    with pytest.raises(UnpicklingError, match='Fraction'):
        compat.load_tensors(path)


class Evil:

    def __reduce__(self):
        return print, ('run', )


@pytest.mark.parametrize('protocol', [2, 4])
def test_load_tensors_runs_nothing(tmp_path, loading, capsys, protocol):
    path = tmp_path / 'file.pth'
    torch.save(dict(x=Evil()), path, pickle_protocol=protocol)
    with pytest.raises(UnpicklingError):
        compat.load_tensors(path)
    assert not capsys.readouterr().out


def test_load_tensors_knows_names_of_python_2(tmp_path, loading):
    path = tmp_path / 'file.pth'
    torch.save(Evil(), path)  # as __builtin__.print
    compat.load_tensors(path, [(len, 'builtins.print')])


@pytest.mark.parametrize('dtype', [torch.float16, torch.float32])
def test_aminmax(dtype):
    x = torch.tensor([[1, -2], [3, 0.5]], dtype=dtype)
    assert compat.aminmax(x).tolist() == [-2, 3]
    assert compat.aminmax(x, dim=0).tolist() == [[1, -2], [3, 0.5]]


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


def test_a_mode_sees_every_index():
    seen = []

    class Watch(TorchFunctionMode):

        def __torch_function__(self, function, types, args=(), kwargs=None):
            if function.__name__ == '__getitem__':
                seen.append(args[1])
            return function(*args, **(kwargs or {}))

    x = torch.arange(6).view(2, 3)
    with compat.all_indices_seen(), Watch():
        found = [x[1], x[None], x[1:], x[..., 2], x[torch.tensor([0])]]
    assert len(seen) == 5
    assert [y.tolist() for y in found] == [
        [3, 4, 5], [[[0, 1, 2], [3, 4, 5]]], [[3, 4, 5]], [2, 5], [[0, 1, 2]]]
    with Watch():
        x[..., 1]
    assert len(seen) == 6
