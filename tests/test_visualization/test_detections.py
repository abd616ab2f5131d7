import matplotlib.image
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from iptq_mm.visualization.detections import draw_detections, paint

META = dict(classes=('disc', ), palette=[(255, 0, 0)])


def sample(scores, with_masks=True):
    instances = InstanceData(
        scores=torch.tensor(scores),
        labels=torch.zeros(len(scores), dtype=torch.long),
        bboxes=torch.tensor([[8., 8., 24., 24.]] * len(scores)).view(-1, 4))
    if with_masks:
        masks = torch.zeros(len(scores), 40, 60, dtype=torch.bool)
        masks[:, 8:24, 8:24] = True
        instances.masks = masks
    return DetDataSample(pred_instances=instances)


@pytest.mark.parametrize('with_masks', [True, False])
def test_a_panel_for_each_model(tmp_path, with_masks):
    path = tmp_path / 'detections.png'
    image = np.full((40, 60, 3), 128, np.uint8)
    draw_detections(
        image,
        dict(float=sample([0.9], with_masks), other=sample([0.1], with_masks)),
        META, path)
    picture = matplotlib.image.imread(path)[..., :3]
    left, right = np.array_split(picture, 2, axis=1)
    red = [(half[..., 0] > half[..., 2] + 0.2).sum() for half in (left, right)]
    # The right one's only detection is below the threshold.
    assert red[0] > 100 and red[1] == 0


def test_no_detections(tmp_path):
    path = tmp_path / 'detections.png'
    draw_detections(
        np.zeros((40, 60, 3), np.uint8), dict(float=sample([])), META, path)
    assert path.stat().st_size > 0


def test_a_mask_has_one_colour_in_all_panels():
    image = np.full((40, 60, 3), 128, np.uint8)
    panels = [
        paint(image, sample([0.9]).pred_instances, META, 0.5)
        for _ in range(2)
    ]
    assert np.array_equal(*panels)
