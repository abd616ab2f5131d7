"""What the tests of native kernels share."""
from contextlib import contextmanager

import pytest

from iptq_mm.ops import native
from iptq_mm.ops.native import blocks, border, boxes, layers

ISAS = native.isas() if native.available() else []


@pytest.fixture(params=ISAS, autouse=True)
def isa(request):
    """Every test of a module that imports this runs on each of them."""
    best = native.isa()
    native.set_isa(request.param)
    yield
    native.set_isa(best)


@contextmanager
def no_reference():
    """Fail where a kernel leaves its work to the reference."""
    def refuse(name, *_):
        raise AssertionError(f'{name} was left to the reference')

    with pytest.MonkeyPatch.context() as patch:
        for module in (layers, blocks, border, boxes):
            patch.setattr(module, 'to_reference', refuse)
        yield
