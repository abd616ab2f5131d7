"""What the tests of native kernels share."""
from contextlib import contextmanager

import pytest
import torch

from iptq_mm import ops
from iptq_mm.functions import ILayerNorm
from iptq_mm.ops import native
from iptq_mm.ops.native import blocks, border, boxes, layers
from iptq_mm.ops.native.core import calls_seen

ISAS = native.isas() if native.available() else []


@pytest.fixture(params=ISAS, autouse=True)
def isa(request):
    """Every test of a module that imports this runs on each of them."""
    best = native.isa()
    native.set_isa(request.param)
    yield
    native.set_isa(best)


def calls_of(function):
    """Names of the library's functions that are called."""
    names = []

    def see(name, call, *arguments):
        names.append(name)
        return call(*arguments)

    with calls_seen(see):
        function()
    return names


def keeps_objects():
    """Whether the library's objects are found again at the next call. Torch
    2.1 hands a kernel another Python object for a tensor each time."""
    if not native.available():
        return False
    x = torch.ones(1, 4, dtype=torch.int16)
    params = ILayerNorm().lower(2.0**-8, 0.02, torch.ones(4), torch.zeros(4),
                                1e-5)

    def norm():
        ops.layer_norm(x, 'i_layernorm', params, 8)

    norm()
    return calls_of(norm) == ['iptq_layer_norm_run']


needs_recordings = pytest.mark.skipif(
    not keeps_objects(), reason='no kernels, or a torch that hides tensors')


@contextmanager
def no_reference():
    """Fail where a kernel leaves its work to the reference."""
    def refuse(name, *_):
        raise AssertionError(f'{name} was left to the reference')

    with pytest.MonkeyPatch.context() as patch:
        for module in (layers, blocks, border, boxes):
            patch.setattr(module, 'to_reference', refuse)
        yield
