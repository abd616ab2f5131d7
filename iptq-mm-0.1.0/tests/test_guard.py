import pytest
import torch
from torch import nn

from iptq_mm import ops
from iptq_mm.functions import PolyGELU
from iptq_mm.guard import (
    FloatingPointTensorError,
    IntegerOnly,
    integer_only_regions,
)


class Region(nn.Module):
    integer_region = True

    def __init__(self, compute):
        super().__init__()
        self.compute = compute

    def forward(self, x):
        return self.compute(x)


def test_integers_pass():
    with IntegerOnly():
        x = torch.arange(6, dtype=torch.int8).view(2, 3)
        x = (x.to(torch.int32) @ x.to(torch.int32).T) >> 1
    assert x.dtype == torch.int32


@pytest.mark.parametrize('compute', [
    lambda x: x / 2,
    lambda x: x.float().round().to(torch.int8),
    lambda x: torch.sqrt(x),
    lambda x: x.to(torch.int32).double().long(),
])
def test_floats_are_caught_even_when_hidden(compute):
    with pytest.raises(FloatingPointTensorError, match='shape'):
        with IntegerOnly():
            compute(torch.arange(4, dtype=torch.int8))


def test_own_operators_are_opened(monkeypatch):
    x = torch.arange(-127, 128, dtype=torch.int8)
    params = ops.with_zero_point(0, PolyGELU().lower(2.0**-4, 2.0**-4))
    with IntegerOnly():
        ops.gelu(x, 'poly_gelu', params)  # all integers inside

    monkeypatch.setattr(PolyGELU, 'integer',
                        staticmethod(lambda x, params: x.float().long()))
    ops.gelu(x, 'poly_gelu', params)  # nobody looks
    with pytest.raises(FloatingPointTensorError):
        with IntegerOnly():
            ops.gelu(x, 'poly_gelu', params)


def test_regions_are_guarded_and_released():
    model = nn.Sequential(nn.Identity(), Region(lambda x: x / 2))
    x = torch.arange(4)
    with integer_only_regions(model) as regions:
        assert regions == ['1']
        with pytest.raises(FloatingPointTensorError):
            model(x)
        torch.ones(1) / 3  # outside of the region: floats are free
    model(x)  # the guard is gone


def test_a_float_model_has_no_region():
    with pytest.raises(ValueError, match='integer region'):
        with integer_only_regions(nn.Linear(1, 1)):
            pass
