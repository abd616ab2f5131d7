import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import BaseDataElement

from iptq_mm.engine.report import pictures
from iptq_mm.engine.report.prediction_hook import Prediction, PredictionHook


@pytest.fixture
def drawn(monkeypatch):
    """Titles of the panels by the function that draws them."""
    titles = {}
    for name in ('draw_classes', 'draw_detections'):

        def draw(image, predictions, meta, path, name=name):
            titles[name] = list(predictions)
            path.write_bytes(b'')

        monkeypatch.setattr(pictures, name, draw)
    return titles


@pytest.mark.parametrize('sample, parts, expected, file', [
    (DetDataSample(metainfo=dict(img_id=7)), ['backbone'],
     dict(draw_detections=['float', 'integer backbone']), 'detections_7.png'),
    (DetDataSample(metainfo=dict(img_id=7)), ['backbone', 'neck'],
     dict(draw_detections=['float', 'integer']), 'detections_7.png'),
    (BaseDataElement(), ['backbone'],
     dict(draw_classes=['float', 'integer']), 'classes_0.png')])
def test_titles_say_what_is_integer(drawn, tmp_path, sample, parts, expected,
                                    file):
    some = [Prediction(np.zeros((4, 4, 3), np.uint8), sample)]
    paths = pictures.save_pictures(
        tmp_path / 'pictures', some, some, {}, dict(out0=30.), parts)
    assert drawn == expected
    assert [path.name for path in paths] == [file, 'sqnr.png']


def test_images_of_a_classifier_are_as_it_takes_them():
    pixels = torch.arange(24, dtype=torch.uint8).view(3, 2, 4)
    hook = PredictionHook(num_images=1)
    hook.after_test_iter(
        None, 0, dict(inputs=[pixels, pixels]), [BaseDataElement()] * 2)
    image, = (one.image for one in hook.predictions)
    assert np.array_equal(image, pixels.permute(1, 2, 0).numpy())
