"""What the tests of native kernels share."""
from contextlib import contextmanager

import pytest
import torch

from iptq_mm.ops import REFERENCES, native

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
    library = torch.library.Library('iptq_reference', 'IMPL')
    for name in {name.split('::')[1] for name in REFERENCES} - {'gelu'}:

        def refuse(*_, name=name):
            raise AssertionError(f'{name} was left to the reference')

        library.impl(name, refuse, 'CPU')
    try:
        yield
    finally:
        library._destroy()
