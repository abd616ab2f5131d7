import torch

from iptq_mm.calibration import ChannelRange, Collector, Site
from iptq_mm.lowering import lowering_of, ordered_by_reach
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS
from iptq_mm.ops import group_ends

from quantized import float_swin, quantized, sqnr_db

SMALL = dict(
    embed_dims=16, depths=(2, 1), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)


@torch.no_grad()
def with_outliers(channels):
    """A backbone in which a few hidden channels reach far."""
    swin = float_swin(**SMALL)
    for block in (*swin.stages[0].blocks, *swin.stages[1].blocks):
        fc1, fc2 = block.ffn.layers[0][0], block.ffn.layers[1]
        fc1.weight[channels] *= 20
        fc2.weight[:, channels] /= 20
    return swin


@torch.no_grad()
def highest(network, image):
    names = [block.gelu for block in lowering_of(network,
                                                 DEFAULT_BITS).blocks()]
    sites = {name: Site(name, 'input', 16) for name in names}
    channels = {name: ChannelRange() for name in names}
    with Collector(network, sites, channels):
        network(image)
    return {name: channel.high for name, channel in channels.items()}


def ordered(network, image):
    return ordered_by_reach(network,
                            lowering_of(network, DEFAULT_BITS).blocks(),
                            highest(network, image))


@torch.no_grad()
def test_function_stays_and_outliers_come_last():
    swin = with_outliers([3, 17])
    image = torch.randn(1, 3, 36, 64, generator=torch.manual_seed(1))
    other = ordered(swin, image)
    assert min(map(sqnr_db, swin(image), other(image))) > 100
    for name, found in highest(other, image).items():
        torch.testing.assert_close(
            found, highest(swin, image)[name].sort().values)


@torch.no_grad()
def test_outliers_leave_the_other_channels_their_codes():
    swin = with_outliers([3, 17])
    image = torch.randn(1, 3, 64, 64, generator=torch.manual_seed(1))
    exact = swin(image)
    apart = quantized(ordered(swin, image), image)
    mixed = quantized(swin, image)
    found, without = (min(map(sqnr_db, exact, integer(image)))
                      for integer in (apart, mixed))
    assert found > without + 1


@torch.no_grad()
def test_each_group_has_scales_of_its_own():
    swin = with_outliers([3, 17])
    image = torch.randn(1, 3, 64, 64, generator=torch.manual_seed(1))
    mlp = quantized(ordered(swin, image), image).body.stages[0].blocks[0].mlp
    assert mlp.fc1.ends == group_ends(64) == [32, 48, 56, 60, 62, 63, 64]
    assert mlp.fc1.params.unique(dim=0).shape == mlp.fc1.params.shape
    assert len(mlp.fc1.params) == 7


def test_no_group_is_empty_in_the_narrowest_layer():
    assert [group_ends(n) for n in (1, 2, 5)] == [[1], [1, 2], [3, 4, 5]]
    assert group_ends(1536)[-3:] == [1488, 1512, 1536]
