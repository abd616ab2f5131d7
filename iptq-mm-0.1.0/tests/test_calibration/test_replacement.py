import pytest
import torch
from torch import nn

from iptq_mm.calibration import Collector, Replacement, Site
from iptq_mm.registry import OBSERVERS


class Doubled:
    kind = 'gelu'

    @staticmethod
    def ideal(x):
        return 2 * x


class Shifted:
    kind = 'layernorm'

    @staticmethod
    def ideal(x, weight, bias, eps):
        return x * weight + bias + eps


class Flat:
    kind = 'softmax'

    @staticmethod
    def ideal(x):
        return torch.full_like(x, 1 / x.shape[-1])


@pytest.fixture
def model():
    model = nn.Sequential(nn.LayerNorm(3, eps=.5), nn.GELU(), nn.Softmax(-1))
    nn.init.constant_(model[0].weight, 3.)
    nn.init.constant_(model[0].bias, 1.)
    return model.eval()


x = torch.tensor([[1., 2., 4.]])


@torch.no_grad()
def test_each_kind_answers_with_the_ideal_form(model):
    plain = model(x)
    with Replacement(model, {'0': Shifted(), '1': Doubled(), '2': Flat()}):
        assert torch.equal(model[0](x), 3 * x + 1.5)
        assert torch.equal(model[1](x), 2 * x)
        assert torch.equal(model(x), torch.full((1, 3), 1 / 3))
    assert torch.equal(model(x), plain)


@pytest.mark.parametrize('collector_first', [True, False])
def test_the_collector_sees_what_was_put_in_place(model, collector_first):
    observer = OBSERVERS.build(dict(type='min_max'))
    watching = Collector(model, dict(a=Site('0', 'output', 8)),
                         dict(a=observer))
    replaced = Replacement(model, {'0': Shifted()})
    contexts = (watching, replaced) if collector_first else (replaced,
                                                             watching)
    with contexts[0], contexts[1]:
        model(x)
    assert (observer.min, observer.max) == (4.5, 13.5)


def test_all_is_undone_after_an_error(model):
    plain = model(x)
    with pytest.raises(ZeroDivisionError):
        with Replacement(model, {'1': Doubled()}):
            raise ZeroDivisionError
    assert torch.equal(model(x), plain)


def test_an_unknown_module_is_named(model):
    with pytest.raises(ValueError, match='blocks.7'):
        Replacement(model, {'blocks.7': Doubled()})
