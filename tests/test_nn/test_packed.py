import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from iptq_mm.nn import IntLinear
from iptq_mm.nn.packed import (
    codes_and_steps,
    pack_int4,
    pack_weight,
    packed_bytes,
    stored_bits,
    unpack_int4,
    unpacked_weight,
)


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
    state['0.weight'] = pack_weight(weight)
    model.load_state_dict(state)
    assert torch.equal(model[0].weight, weight)
    assert state['0.weight'].dtype == torch.uint8  # as the caller had it


@given(rows=st.integers(1, 4), length=st.integers(5, 100),
       seed=st.integers(0, 10**6))
def test_weights_in_groups_come_back(rows, length, seed):
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(-7, 8, (rows, length), generator=generator)
    steps = torch.randint(1, 19, (rows, -(-length // 32)),
                          generator=generator)
    weight = (codes * steps.repeat_interleave(32, 1)[:, :length]).to(
        torch.int8)
    assert stored_bits(weight) == 4
    packed = pack_weight(weight)
    assert packed.dtype == torch.uint8
    assert packed.shape == (rows, -(-length // 2) + -(-length // 32))
    assert torch.equal(unpacked_weight(packed, length), weight)


def test_the_step_is_the_greatest_that_all_are_multiples_of():
    weight = torch.zeros(1, 70, dtype=torch.int8)
    weight[0, 3], weight[0, 9], weight[0, 40] = -36, 54, 126
    codes, steps = codes_and_steps(weight)
    assert steps.tolist() == [[18, 126, 1]]
    assert codes[0, [3, 9, 40]].tolist() == [-2, 3, 1]


@given(rows=st.integers(1, 4), length=st.integers(1, 70),
       bits=st.integers(2, 8), seed=st.integers(0, 10**6))
def test_every_width_comes_back(rows, length, bits, seed):
    """In as many bytes as were promised, but where chance makes codes of 4
    bits of wider ones."""
    generator = torch.Generator().manual_seed(seed)
    half = 1 << (bits - 1)
    weight = torch.randint(-half + (bits == 8), half, (rows, length),
                           generator=generator, dtype=torch.int8)
    packed = pack_weight(weight)
    assert packed.nbytes <= packed_bytes(rows, length, bits)
    if packed.dtype == torch.uint8:
        packed = unpacked_weight(packed, length)
    assert packed.dtype == torch.int8
    assert torch.equal(packed, weight)


def test_the_planes_that_files_have():
    weight = torch.tensor([[-32, 31, 1, -1, 17]], dtype=torch.int8)
    assert stored_bits(weight) == 6
    assert pack_weight(weight).tolist() == [[0xf0, 0xf1, 0x01, 0xc6, 0x01]]


def test_weights_of_8_bits_stay_as_they_are():
    weight = torch.arange(-127, 128, dtype=torch.int8)[None]
    assert stored_bits(weight) == 8
    assert pack_weight(weight) is weight
