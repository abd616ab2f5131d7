from types import SimpleNamespace

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.model import ImgDataPreprocessor
from mmengine.structures import BaseDataElement

from iptq_mm.engine.diagnosis.certainty import (
    NORMALIZATIONS,
    causes_in_channels,
    causes_in_normalization,
    first_batches,
    normalized,
)
from iptq_mm.engine.diagnosis.images import Pixels


class Batches(list):
    batch_size = 2


class Sure(torch.nn.Module):
    """Is as sure as a function of the normalized images says."""

    def __init__(self, certainty, **preprocessor):
        super().__init__()
        self.certainty = certainty
        self.data_preprocessor = ImgDataPreprocessor(**preprocessor)

    def test_step(self, data):
        inputs = self.data_preprocessor(data, False)['inputs']
        return [BaseDataElement(pred_score=self.certainty(image).view(1))
                for image in inputs]


def runner_of(model, **preprocessor):
    image = torch.tensor([200, 90, 50], dtype=torch.uint8)[:, None, None]
    loader = Batches(dict(inputs=[image.expand(3, 4, 4)] * 2)
                     for _ in range(3))
    config = dict(data_preprocessor=preprocessor) if preprocessor else {}
    return SimpleNamespace(model=model, test_dataloader=loader,
                           cfg=ConfigDict(model=config))


@pytest.mark.parametrize('channel, remedies', [
    (0, []), (1, []), (2, ['model.data_preprocessor.bgr_to_rgb=False'])
])
def test_channels_of_which_the_model_is_surer(channel, remedies):
    runner = runner_of(Sure(lambda image: image[channel].mean()),
                       bgr_to_rgb=True)
    causes = causes_in_channels(
        runner, first_batches(runner.test_dataloader, 4))
    assert [cause.remedy for cause in causes] == remedies
    first = runner.test_dataloader[0]['inputs'][0]
    assert first[:, 0, 0].tolist() == [200, 90, 50]


def test_a_classifier_has_no_option_for_its_channels():
    runner = runner_of(Sure(lambda image: image[2].mean()))
    cause, = causes_in_channels(
        runner, first_batches(runner.test_dataloader, 4))
    assert 'data set' in cause.remedy


@pytest.mark.parametrize('name', NORMALIZATIONS)
def test_the_normalization_that_makes_a_model_surest(name):
    mean, std = NORMALIZATIONS[name]
    wanted = (torch.tensor([200., 90., 50.]) - torch.tensor(mean)
              ) / torch.tensor(std)
    runner = runner_of(Sure(
        lambda image: -(image.mean((1, 2)) - wanted).abs().sum()))
    batches = first_batches(runner.test_dataloader, 4)
    cause, = causes_in_normalization(runner, batches, Pixels(4, 113., 60.))
    assert cause.name == 'wrong normalization' and name in cause.seen
    assert f'std=[{std[0]:g},' in cause.remedy
    assert causes_in_normalization(
        runner, batches, Pixels(4, .1, 1.1)) == []


@pytest.mark.parametrize('own', [{}, dict(mean=[1.] * 3, std=[2.] * 3)])
def test_another_normalization_lasts_for_a_while(own):
    model = Sure(lambda image: image.mean(), **own)
    before, data = model.data_preprocessor, dict(
        inputs=[torch.full((3, 2, 2), 30, dtype=torch.uint8)])
    first = before(data, False)['inputs'][0]
    with normalized(model, [10.] * 3, [4.] * 3):
        seen = model.data_preprocessor(data, False)['inputs'][0]
    assert torch.equal(seen, torch.full((3, 2, 2), 5.))
    assert model.data_preprocessor is before
    assert torch.equal(before(data, False)['inputs'][0], first)
