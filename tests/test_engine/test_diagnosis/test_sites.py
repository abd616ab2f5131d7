import pytest
import torch

from iptq_mm.calibration.histogram import Histogram
from iptq_mm.engine.diagnosis.sites import (
    SeenSite,
    causes_in_ratios,
    causes_in_sites,
    share_beyond,
)


def site(name='a', clipped=0., expected=0., farthest=1.):
    return SeenSite(name, 1., clipped, expected, farthest)


@pytest.mark.parametrize('threshold, share', [
    (0., 1.), (.5, .75), (2., .25), (3.9, .25), (4.5, 0.)
])
def test_share_of_values_beyond_a_threshold(threshold, share):
    histogram = Histogram()
    histogram.observe(torch.tensor([.1, -1., 1.5, -4.]))
    assert share_beyond(histogram, threshold) == share


def test_nothing_is_beyond_nothing():
    histogram = Histogram()
    histogram.observe(torch.zeros(3))
    assert share_beyond(histogram, 0.) == 0.


@pytest.mark.parametrize('sites, names', [
    ([site()] * 20, []),
    # One of many always clips.
    ([site(clipped=.2)] + [site()] * 20, []),
    ([site(clipped=.2)] * 2 + [site()] * 20, ['test images are clipped']),
    ([site(clipped=.2, expected=.1)] * 20, []),
    ([site(farthest=9.)] + [site()] * 20,
     ['ranges reach as far as the farthest outlier']),
])
def test_causes_of_sites(sites, names):
    causes = causes_in_sites(sites)
    assert [cause.name for cause in causes] == names


def test_the_channel_that_stands_out_most_is_named():
    assert causes_in_ratios(dict(a=3., b=2.)) == []
    cause, = causes_in_ratios(dict(a=40., b=90., c=2.))
    assert cause.seen.startswith('the largest channel of b reaches 90')
    assert cause.remedy == 'custom_hooks.0.equalize=True'
