import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm.calibration.histogram import NUM_BINS, Histogram, bin_edges


def floats(magnitude):
    # No subnormals: libraries built with -ffast-math switch them off.
    return st.floats(-magnitude, magnitude, width=32, allow_subnormal=False)


values = st.lists(floats(2.**100) | floats(4), max_size=40)


def seen(*batches) -> Histogram:
    histogram = Histogram()
    for batch in batches:
        histogram.observe(torch.tensor(batch, dtype=torch.float32))
    return histogram


def equal(a: Histogram, b: Histogram) -> bool:
    return (torch.equal(a.counts, b.counts)
            and (a.low, a.high) == (b.low, b.high))


@settings(max_examples=60)
@given(values, values, values)
def test_merge_is_exact_and_knows_no_order(a, b, c):
    whole = seen(a + b + c)
    forward, backward = seen(a), seen(c)
    forward.merge(seen(b))
    forward.merge(seen(c))
    backward.merge(seen(b, a))
    assert equal(forward, whole)
    assert equal(backward, whole)


@settings(max_examples=60)
@given(values)
def test_every_value_lies_in_its_bin(batch):
    for value in batch:
        (bin_, ), (count, ) = seen([value]).occupied()
        lower, upper = bin_edges(bin_[None])
        assert lower <= abs(np.float32(value)) < upper
        assert count == 1


def test_bins_are_less_than_a_128th_wide():
    lower, upper = bin_edges(torch.arange(128, 254 * 128))
    assert ((upper - lower) / lower).max() <= 2**-7


def test_every_element_counts_also_of_a_permuted_tensor():
    x = torch.randn(3, 4, 5)
    histogram = Histogram()
    histogram.observe(x.permute(2, 0, 1)[1:])
    assert equal(histogram, seen(x[:, :, 1:].flatten().tolist()))
    assert histogram.counts.sum() == 48


def test_state_returns():
    histogram, loaded = seen([1., -3., 0.]), seen([100.])
    loaded.load_state_dict(histogram.state_dict())
    assert equal(loaded, histogram)
    assert all(isinstance(v, torch.Tensor)
               for v in histogram.state_dict().values())


def test_counts_stay_exact_above_2_to_24():
    histogram = seen([1.])
    histogram.counts[:] *= 2**24
    histogram.observe(torch.tensor([1.]))
    assert histogram.counts.max() == 2**24 + 1
    assert histogram.counts.shape == (NUM_BINS, )


@pytest.mark.parametrize('bad', [float('nan'), float('inf'), -float('inf')])
def test_not_a_number_is_refused_and_leaves_no_trace(bad):
    histogram = seen([1., 2.])
    with pytest.raises(FloatingPointError):
        histogram.observe(torch.tensor([5., bad, 1.]))
    assert equal(histogram, seen([1., 2.]))
