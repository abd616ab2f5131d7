import pytest
import torch

from iptq_mm.engine.diagnosis.images import causes_in_images, pixels_of


def images(count=16, mean=0., spread=1.):
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(count, 3, 16, 16, generator=generator)
    return [mean + spread * noise]


UNLIKE = ['calibration images unlike the test images']


@pytest.mark.parametrize('calibration, test, names', [
    (images(), images(), []),
    (images(4), images(), ['few calibration images']),
    (images(spread=0), images(), UNLIKE),
    (images(mean=3), images(), UNLIKE),
])
def test_causes_are_named(calibration, test, names):
    causes = causes_in_images(pixels_of(calibration), pixels_of(test))
    assert [cause.name for cause in causes] == names
    assert all(cause.seen and cause.remedy for cause in causes)


def test_pixels_of_batches_of_any_size():
    whole = torch.cat([batch.flatten() for batch in (
        *images(3, mean=2.), *images(5, spread=3.))])
    found = pixels_of([*images(3, mean=2.), *images(5, spread=3.)])
    assert found.images == 8
    assert found.mean == pytest.approx(whole.mean().item(), rel=1e-5)
    assert found.spread == pytest.approx(whole.std().item(), rel=1e-3)
