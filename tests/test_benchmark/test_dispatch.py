import pytest
import torch

from iptq_mm.benchmark.dispatch import Dispatch, measure_dispatch
from iptq_mm.ops import native
from iptq_mm.ops.native.core import core

from classifiers import float_vit, images, integer_twin


@pytest.mark.skipif(
    not native.available(), reason='installed without the native kernels')
def test_counts_the_calls_and_leaves_the_library_as_it_was():
    model = integer_twin(float_vit(), images())
    before = core().iptq_block_run
    found = measure_dispatch(model, images(), 3)
    assert core().iptq_block_run is before
    # Patches, positions, blocks and the head: each once.
    assert len(model.body.blocks) < found.calls < 40
    assert 0 < found.kernels_ms < found.ms
    assert torch.equal(model(images()), model(images()))


def test_overhead_is_what_is_not_in_the_kernels():
    assert Dispatch(10., 9.5, 20).overhead == pytest.approx(.05)
