import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm.arithmetic import dyadic
from iptq_mm.lowering.linear import lower_linear
from iptq_mm.lowering.scale import dyadic_tensors, fill, scale_of
from iptq_mm.nn import IntLinear


def lowered(weight, bias, in_scale, out_scale, bits=8):
    linear = IntLinear(weight.shape[1], weight.shape[0], 16)
    lower_linear(linear, weight, bias, in_scale, out_scale, bits)
    return linear


@settings(max_examples=50)
@given(
    seed=st.integers(0, 10**6), magnitude=st.floats(-6, 6),
    bits=st.sampled_from([4, 8]))
def test_outputs_stay_within_the_rounding_of_the_weights(seed, magnitude,
                                                         bits):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(6, 12, generator=generator).double() * 10**magnitude
    bias = torch.randn(6, generator=generator).double() * 10**magnitude
    q = torch.randint(-127, 128, (20, 12), generator=generator).double()
    in_scale = 0.01
    exact = q * in_scale @ weight.T + bias
    out_scale = exact.abs().max().item() / 32767
    linear = lowered(weight, bias, in_scale, out_scale, bits)
    assert linear.weight.abs().max() <= 2**(bits - 1) - 1
    got = linear(q.to(torch.int8)).double() * out_scale
    # Half a step of every weight, of the bias, and of the result.
    step = weight.abs().amax(1) / (2**(bits - 1) - 1)
    bound = (step / 2 * (q * in_scale).abs().sum(1, keepdim=True) +
             step * in_scale + out_scale)
    assert ((got - exact).abs() <= bound).all()


def test_channels_without_weights_give_their_bias():
    weight = torch.tensor([[0., 0.], [1e-30, 0.], [1., 1.]])
    bias = torch.tensor([3., -2., 0.])
    linear = lowered(weight, bias, 0.01, 3 / 32767)
    q = linear(torch.tensor([[127, -127]], dtype=torch.int8))
    assert q.tolist() == [[32767, round(-2 / 3 * 32767), 0]]


def test_an_accumulator_that_could_overflow_is_refused():
    inputs = 2**31 // 127**2 + 10
    with pytest.raises(ValueError, match=f'{inputs} inputs'):
        lowered(torch.ones(1, inputs), None, 0.01, 1.)


def test_fill_never_wraps_around():
    buffer = torch.zeros(2, dtype=torch.int8)
    with pytest.raises(ValueError, match='int8'):
        fill(buffer, torch.tensor([1, 128]))
    with pytest.raises(ValueError, match='shape'):
        fill(buffer, torch.tensor([1]))
    assert buffer.tolist() == [0, 0]


def test_a_site_of_zeros_has_a_scale():
    assert scale_of(0., 8) > 0


@settings(max_examples=200)
@given(st.lists(st.floats(2.0**-31, 2.0**30), min_size=1, max_size=9))
def test_many_ratios_are_dyadic_as_one_is(ratios):
    edges = [2.0**-31, 2.0**30, 1 - 2.0**-53, 1 - 2.0**-32, 1.0]
    m, n = dyadic_tensors(torch.tensor(ratios + edges).double())
    ratios = torch.tensor(ratios + edges).double().tolist()
    assert list(zip(m.tolist(), n.tolist())) == [dyadic(r) for r in ratios]


def test_a_ratio_without_a_dyadic_form_is_refused():
    for ratio in (2.0**31, float('inf'), float('nan')):
        with pytest.raises(ValueError, match='ratio'):
            dyadic_tensors(torch.tensor([1., ratio]).double())


def test_ratios_too_small_to_matter_still_round_to_zero():
    m, n = dyadic_tensors(1e-30)
    assert (127 * 127 * m.item()) >> n.item() == 0


@given(st.integers(-127, 127), st.integers(0, 2**16))
def test_the_bias_takes_up_a_zero_point(zero, seed):
    generator = torch.manual_seed(seed)
    weight = torch.randn(3, 5, generator=generator)
    bias = torch.randn(3, generator=generator)
    plain, shifted = IntLinear(5, 3, 8), IntLinear(5, 3, 8)
    lower_linear(plain, weight, bias, 0.02, 0.1, 8)
    lower_linear(shifted, weight, bias, 0.02, 0.1, 8, zero=zero)
    least, most = max(-127, -127 - zero), min(127, 127 - zero)
    x = torch.randint(least, most + 1, (9, 5), generator=generator)
    assert torch.equal(plain(x.to(torch.int8)),
                       shifted((x + zero).to(torch.int8)))
