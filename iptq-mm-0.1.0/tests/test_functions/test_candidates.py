"""What every registered candidate has to keep, whatever its kind."""
import math

import pytest
import torch

from iptq_mm.functions import base
from iptq_mm.guard import IntegerOnly
from iptq_mm.registry import APPROXIMATIONS

CHANNELS = 24
KINDS = {'gelu': base.GELU, 'softmax': base.Softmax,
         'layernorm': base.LayerNorm}
NAMES = sorted(APPROXIMATIONS.module_dict)


def lowered(candidate):
    if candidate.kind == 'gelu':
        return candidate.lower(0.05, 0.04)
    if candidate.kind == 'softmax':
        return candidate.lower(0.01)
    return candidate.lower(
        0.01, 0.03, torch.linspace(-1, 2, CHANNELS),
        torch.linspace(-3, 3, CHANNELS), 1e-5)


def inputs(cls):
    generator = torch.Generator().manual_seed(0)
    if cls.kind == 'gelu':
        limit = 2**(7 + cls.extra_bits) - 1
        dtype = torch.int16 if cls.extra_bits else torch.int8
    else:
        limit, dtype = {'softmax': (2000, torch.int32),
                        'layernorm': (32767, torch.int16)}[cls.kind]
    return torch.randint(
        -limit, limit + 1, (3, 4, CHANNELS), generator=generator).to(dtype)


def test_all_candidates_of_the_design_are_registered():
    assert set(NAMES) >= {
        'i_gelu', 'shift_gelu', 'poly_gelu', 'table_gelu', 'i_softmax',
        'shiftmax', 'bit_softmax', 'log_int_softmax', 'table_softmax',
        'i_layernorm', 'ptf_layernorm'}


@pytest.mark.parametrize('name', NAMES)
class TestEveryCandidate:

    def test_has_the_surface_of_its_kind(self, name):
        candidate = APPROXIMATIONS.build(dict(type=name))
        assert candidate.name == name
        assert isinstance(candidate, KINDS[candidate.kind])

    def test_params_have_the_announced_shape(self, name):
        cls = APPROXIMATIONS.get(name)
        params = lowered(cls())
        assert params.dtype == torch.int64
        assert tuple(params.shape) == cls.params_shape(CHANNELS)

    def test_runs_on_integers_only(self, name):
        cls = APPROXIMATIONS.get(name)
        params, x = lowered(cls()), inputs(cls)
        with IntegerOnly():
            y = cls.integer(x, params)
        assert y.shape == x.shape
        assert y.dtype in (torch.int32, torch.int64)

    def test_rows_do_not_depend_on_each_other(self, name):
        cls = APPROXIMATIONS.get(name)
        params, x = lowered(cls()), inputs(cls)
        alone = torch.stack([cls.integer(row, params)
                             for row in x.flatten(0, 1)])
        assert torch.equal(alone.view(x.shape), cls.integer(x, params))

    def test_leaves_its_arguments_alone(self, name):
        cls = APPROXIMATIONS.get(name)
        params, x = lowered(cls()), inputs(cls)
        before = params.clone(), x.clone()
        cls.integer(x, params)
        assert torch.equal(before[0], params) and torch.equal(before[1], x)

    @pytest.mark.parametrize('samples', [
        torch.zeros(0, CHANNELS), torch.zeros(5, CHANNELS),
        torch.full((5, CHANNELS), math.nan),
        torch.full((5, CHANNELS), math.inf)])
    def test_degenerate_samples_give_the_published_form(self, name, samples):
        cls = APPROXIMATIONS.get(name)
        candidate = cls.fit(samples)
        assert candidate.fitted is False
        assert torch.equal(lowered(candidate), lowered(cls()))

    def test_counts_operations(self, name):
        candidate = APPROXIMATIONS.get(name)()
        counts = [candidate.operations(n) for n in (1, 49, 4096)]
        assert all(count >= 2 for count in counts)
        assert counts == sorted(counts, reverse=True)

    @pytest.mark.parametrize('scale', [0., -1., math.nan, math.inf])
    def test_refuses_scales_that_are_none(self, name, scale):
        candidate = APPROXIMATIONS.get(name)()
        one = torch.ones(4)
        arguments = {'gelu': [(scale, 1.), (1., scale)],
                     'softmax': [(scale, )],
                     'layernorm': [(scale, 1., one, one, 1e-5),
                                   (1., scale, one, one, 1e-5)]}
        for argument in arguments[candidate.kind]:
            with pytest.raises(ValueError, match='scale'):
                candidate.lower(*argument)
