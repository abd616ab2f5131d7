import torch
from hypothesis import given
from hypothesis import strategies as st

from iptq_mm.calibration import ChannelRange, Collector, Site
from iptq_mm.lowering import equalized_attention, lowering_of
from iptq_mm.lowering.equalization.attention import query_factors
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS

from quantized import float_swin, sqnr_db

SMALL = dict(
    embed_dims=16, depths=(2, 1), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)
magnitudes = st.lists(
    st.floats(0, 2.**60, allow_subnormal=False), min_size=1, max_size=9)


@torch.no_grad()
def ranges(network, image):
    attentions = [
        names.attn for names in lowering_of(network, DEFAULT_BITS).blocks()
    ]
    channels = {name: ChannelRange() for name in attentions}
    sites = {name: Site(f'{name}.qkv', 'output', 16) for name in attentions}
    with Collector(network, sites, channels):
        network(image)
    return {name: channel.largest for name, channel in channels.items()}


@torch.no_grad()
def test_function_stays_and_ranges_become_like():
    swin = float_swin(**SMALL)
    for block in (*swin.stages[0].blocks, *swin.stages[1].blocks):
        rows = block.attn.w_msa.qkv.weight
        rows *= torch.logspace(-1, 1, len(rows))[:, None]
    image = torch.randn(1, 3, 36, 64, generator=torch.manual_seed(1))
    before = ranges(swin, image)
    other = equalized_attention(swin, before, before, DEFAULT_BITS)
    assert min(map(sqnr_db, swin(image), other(image))) > 100
    for name, found in ranges(other, image).items():
        queries, keys, values = found.chunk(3)
        torch.testing.assert_close(queries, keys)
        *_, earlier = before[name].chunk(3)
        assert values.max() / values.min() < earlier.max() / earlier.min()


@given(magnitudes, st.data())
def test_query_factors_are_positive_whatever_the_ranges(queries, data):
    keys = data.draw(
        st.lists(
            st.floats(0, 2.**60, allow_subnormal=False),
            min_size=len(queries), max_size=len(queries)))
    found = query_factors(torch.tensor(queries), torch.tensor(keys))
    assert found.isfinite().all() and (found > 0).all()
