import torch

from iptq_mm.calibration import Site, output_site
from iptq_mm.calibration.observers import min_max
from iptq_mm.engine.quantization.calibrate import Calibration, thresholds


def of(site):
    observer = min_max()
    observer.observe(torch.tensor([-3., 2.]))
    return thresholds(dict(x=site), dict(x=observer))['x']


def test_an_output_has_room_above_what_was_seen():
    assert of(Site('head', 'output', 16)) == 3
    assert of(output_site('head', 16)) == 12


def test_narrow_outputs_cannot_afford_it():
    assert of(output_site('head', 8)) == 3


def test_what_is_looked_at_can_be_a_part():
    assert output_site('head', 16, torch.relu) == Site(
        'head', 'output', 16, torch.relu, headroom=4)


def test_what_is_bounded_keeps_its_range_and_no_more():
    """Whatever the observer of the others."""
    calibration = Calibration([], 0, dict(type='min_max', headroom=2.), 0,
                              lambda *_: None)
    sites = dict(image=Site('embed', 'input', 8, bounded=True),
                 other=Site('embed', 'output', 8))
    observers = calibration.observers(sites)
    for observer in observers.values():
        observer.observe(torch.tensor([-3., 2.]))
    assert thresholds(sites, observers) == dict(image=3, other=6)
