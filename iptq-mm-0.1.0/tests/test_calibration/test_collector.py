import itertools

import pytest
import torch
from mmdet.models.backbones import SwinTransformer
from torch import nn

from iptq_mm.calibration import (
    Collector,
    Sampler,
    Site,
    collect,
    take,
    unmasked_scores,
)
from iptq_mm.registry import OBSERVERS


def min_max():
    return OBSERVERS.build(dict(type='min_max'))


def hooks(model):
    return sum(
        len(m._forward_hooks) + len(m._forward_pre_hooks)
        for m in model.modules())


@pytest.fixture(scope='module')
def swin():
    torch.manual_seed(0)
    model = SwinTransformer(
        embed_dims=16,
        depths=(1, 2),
        num_heads=(1, 2),
        window_size=4,
        strides=(4, 2),
        out_indices=(0, 1))
    model.train(False)  # mmdet's own returns None
    return model


@pytest.fixture
def images():
    g = torch.Generator().manual_seed(1)
    return [torch.randn(1, 3, 44, 60, generator=g) for _ in range(3)]


@pytest.fixture
def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.GELU())


def watch(model, sites, **kwargs):
    return Collector(model, sites, {name: min_max() for name in sites},
                     **kwargs)


def test_ranges_of_swin_equal_direct_computation(swin, images):
    block = 'stages.1.blocks.1'
    sites = {
        'gelu': Site(f'{block}.ffn.layers.0.1', 'input', 8),
        'stream': Site(block, 'output', 16),
        'norm': Site(f'{block}.norm1', 'input', 16),
        'k': Site(f'{block}.attn.w_msa.qkv', 'output', 8,
                  lambda x: x.chunk(3, -1)[1]),
        'patch': Site('patch_embed', 'output', 16),  # a tuple
    }
    collector = watch(swin, sites)
    collect(collector, swin, images, 3)

    known = dict(gelu=[], norm=[], k=[])
    with torch.no_grad():
        for image in images:
            x, hw = swin.patch_embed(image)
            known.setdefault('patch', []).append(x)
            x, hw, _, _ = swin.stages[0](x, hw)
            x = swin.stages[1].blocks[0](x, hw)
            last = swin.stages[1].blocks[1]
            known['norm'].append(x)
            known.setdefault('stream', []).append(last(x, hw))
            x = last.norm1(x)
            windows = x.view(1, *hw, -1)
            pads = [-hw[1] % 4, -hw[0] % 4]
            windows = nn.functional.pad(windows, (0, 0, 0, pads[0], 0,
                                                  pads[1]))
            known['k'].append(last.attn.w_msa.qkv(windows).chunk(3, -1)[1])
            x = known['norm'][-1] + last.attn(x, hw)
            known['gelu'].append(last.ffn.layers[0][0](last.norm2(x)))
    for name in sites:
        x = torch.cat([t.flatten() for t in known[name]])
        observer = collector.observers[name]
        assert observer.min == pytest.approx(x.min().item(), rel=1e-5), name
        assert observer.max == pytest.approx(x.max().item(), rel=1e-5), name
    assert hooks(swin) == 0


def test_masks_do_not_stretch_the_range(swin, images):
    softmax = Site('stages.1.blocks.1.attn.w_msa.softmax', 'input', 16)
    sites = dict(
        masked=softmax,
        unmasked=Site(softmax.module, 'input', 16, unmasked_scores))
    collector = watch(swin, sites)
    collect(collector, swin, images, 1)
    assert collector.observers['masked'].min < -90
    assert collector.observers['unmasked'].min > -10
    assert (collector.observers['unmasked'].max ==
            collector.observers['masked'].max)


def test_unmasked_scores():
    x = torch.tensor([[3., -97., -46.5, 1.], [-100., -100., -99., -100.]])
    assert unmasked_scores(x).tolist() == [[3., 3., -46.5, 1.],
                                           [-100., -100., -99., -100.]]


def test_shared_observer_sees_both_sites(linear):
    sites = dict(a=Site('0', 'input', 8), b=Site('0', 'output', 8))
    shared = min_max()
    x = torch.randn(5, 4)
    with Collector(linear, sites, dict(a=shared, b=shared)):
        linear(x)
    y = linear[0](x)
    assert shared.max == max(x.max().item(), y.max().item())


def test_a_sample_has_the_number_of_its_batch(linear):
    sites = {'gelu': Site('1', 'input', 8)}
    batches = [torch.randn(40, 4) for _ in range(6)]

    def sample(numbers):
        sampler = Sampler(max_elements=60)
        collector = Collector(linear, sites, {}, {'gelu': sampler}, numbers)
        return collector, sampler

    collector, whole = sample(None)
    collect(collector, linear, batches, 6)
    odd_collector, odd = sample(itertools.count(1, 2))
    collect(odd_collector, linear, batches[1::2], 3)
    even_collector, even = sample(itertools.count(0, 2))
    collect(even_collector, linear, batches[::2], 3)
    odd.merge(even)
    assert torch.equal(odd.rows, whole.rows)


def test_nothing_of_a_batch_is_kept(linear):
    import weakref
    x = torch.randn(5, 4)
    gone = weakref.ref(x)
    with Collector(linear, dict(a=Site('0', 'input', 8)), dict(a=min_max()),
                   ) as collector:
        linear(x)
        del x
        assert gone() is None
    assert collector.observers['a'].max > 0


def test_hooks_come_off_after_an_error(linear):
    with pytest.raises(ZeroDivisionError):
        with watch(linear, dict(a=Site('0', 'input', 8))):
            assert hooks(linear) > 0
            raise ZeroDivisionError
    assert hooks(linear) == 0


@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
def test_not_a_number_names_the_site_and_the_batch(linear, bad):
    sites = dict(first=Site('0', 'output', 8), second=Site('1', 'output', 8))
    batches = [torch.ones(2, 4), torch.full((2, 4), bad)]
    with pytest.raises(FloatingPointError,
                       match="site 'first'.*module '0'.*batch 1.*Check"):
        collect(watch(linear, sites), linear, batches, 2)
    assert hooks(linear) == 0


def test_a_site_never_reached_is_named(linear):
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = linear, nn.Linear(1, 1)

        def forward(self, x):
            return self.used(x)

    sites = dict(a=Site('used', 'input', 8), b=Site('idle', 'input', 8))
    model = Half()
    with pytest.raises(RuntimeError, match='never reached: b.*leaves'):
        collect(watch(model, sites), model, [torch.ones(1, 4)], 1)
    with pytest.raises(RuntimeError, match='a, b.*not called'):
        with watch(model, sites):
            pass


def test_sites_that_cannot_be_watched(linear):
    with pytest.raises(ValueError, match="'a'.*no module 'nowhere'"):
        watch(linear, dict(a=Site('nowhere', 'input', 8)))
    with pytest.raises(ValueError, match='do not match: b'):
        Collector(linear, dict(a=Site('0', 'input', 8)),
                  dict(a=min_max(), b=min_max()))


def test_a_module_called_by_keyword_only_is_named(linear):
    class ByName(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = linear

        def forward(self, x):
            return self.inner(input=x)

    model = ByName()
    with pytest.raises(ValueError, match="'a'.*positional"):
        with watch(model, dict(a=Site('inner', 'input', 8))):
            model(torch.ones(1, 4))


class TestTake:

    @pytest.mark.parametrize('make', [list, iter])
    def test_too_few_says_how_many_there_are(self, make):
        with pytest.raises(ValueError, match='has 2 batches.*num_batches=3'):
            list(take(make([0, 1]), 3))

    @pytest.mark.parametrize('make', [list, iter])
    def test_an_empty_set_says_so(self, make):
        with pytest.raises(ValueError, match='has 0 batches'):
            list(take(make([]), 1))

    def test_a_short_set_costs_no_batch(self):
        with pytest.raises(ValueError):
            next(take([0, 1], 3))

    def test_no_more_is_read_than_asked_for(self):
        source = iter(range(5))
        assert list(take(source, 2)) == [0, 1]
        assert next(source) == 2

    def test_at_least_one(self):
        with pytest.raises(ValueError, match='at least one'):
            list(take([0], 0))


def test_progress_is_told(linear):
    told = []
    collect(watch(linear, dict(a=Site('0', 'input', 8))), linear,
            [torch.ones(1, 4)] * 3, 2, lambda *p: told.append(p))
    assert told == [(1, 2), (2, 2)]


def test_no_graph_is_kept(linear):
    sites = dict(a=Site('1', 'input', 8))
    sampler = Sampler()
    with Collector(linear, sites, {}, dict(a=sampler)):
        linear(torch.ones(1, 4))
    assert not sampler.rows.requires_grad
