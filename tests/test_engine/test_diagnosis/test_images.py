from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import BaseDataElement

from iptq_mm.engine.diagnosis.images import (
    causes_in_channels,
    causes_in_images,
)


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
    (images(mean=110, spread=60), images(mean=110, spread=60),
     ['wrong normalization']),
    (images(spread=.01), images(spread=.01), ['wrong normalization']),
])
def test_causes_are_named(calibration, test, names):
    causes = causes_in_images(calibration, test)
    assert [cause.name for cause in causes] == names
    assert all(cause.seen and cause.remedy for cause in causes)


class Reddish(torch.nn.Module):
    """Is the surer the more of a channel there is."""

    def __init__(self, channel):
        super().__init__()
        self.channel = channel

    def test_step(self, data):
        return [BaseDataElement(pred_score=image[self.channel].float().mean()
                                .view(1)) for image in data['inputs']]


@pytest.mark.parametrize('channel, names', [
    (0, []), (1, []), (2, ['wrong order of the channels'])
])
def test_channels_of_which_the_model_is_surer(channel, names):
    image = torch.tensor([200, 90, 50], dtype=torch.uint8)[:, None, None]
    loader = [dict(inputs=[image.expand(3, 4, 4)] * 2) for _ in range(3)]
    runner = SimpleNamespace(model=Reddish(channel), test_dataloader=loader)
    assert [cause.name for cause in causes_in_channels(runner, 4)] == names
    assert torch.equal(loader[2]['inputs'][0][:, 0, 0], image[:, 0, 0])
