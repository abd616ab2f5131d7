import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from iptq_mm.nn import IntLinear
from iptq_mm.nn.int4 import pack_int4, unpack_int4


@given(
    rows=st.integers(0, 5), length=st.integers(1, 9),
    seed=st.integers(0, 10**6))
def test_round_trip(rows, length, seed):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randint(-8, 8, (rows, length), generator=generator,
                           dtype=torch.int8)
    packed = pack_int4(weight)
    assert packed.dtype == torch.uint8
    assert packed.shape == (rows, -(-length // 2))
    unpacked = unpack_int4(packed, length)
    assert unpacked.dtype == torch.int8
    assert torch.equal(unpacked, weight)


def test_the_layout_that_files_have():
    weight = torch.tensor([[1, -1, 7], [-7, -8, 0]], dtype=torch.int8)
    assert pack_int4(weight).tolist() == [[0xf1, 0x07], [0x89, 0x00]]


@pytest.mark.parametrize('value', [-9, 8])
def test_wider_values_are_refused(value):
    with pytest.raises(ValueError, match=f'{value}.*4 bits'):
        pack_int4(torch.tensor([[0, value]], dtype=torch.int8))


def test_a_module_inside_another_loads_packed_weights():
    model = nn.Sequential(IntLinear(5, 3, 8))
    weight = torch.randint(-7, 8, (3, 5), dtype=torch.int8)
    state = model.state_dict()
    state['0.weight'] = pack_int4(weight)
    model.load_state_dict(state)
    assert torch.equal(model[0].weight, weight)
    assert state['0.weight'].dtype == torch.uint8  # as the caller had it
