import matplotlib.image
import numpy as np
import torch
from mmengine.structures import BaseDataElement

from iptq_mm.visualization.classes import draw_classes

GREEN = np.array([44, 160, 44]) / 255


def sample(scores, label):
    result = BaseDataElement()
    result.set_field(torch.tensor(scores), 'pred_score')
    result.set_field(label, 'gt_label')
    return result


def test_the_right_class_is_green_where_it_is_among_the_best(tmp_path):
    path = tmp_path / 'classes.png'
    draw_classes(
        np.full((8, 8, 3), 255, np.uint8),
        dict(
            float=sample([0.02, 0.7, 0.2, 0.05, 0.03], 1),
            integer=sample([0.5, 0.02, 0.2, 0.2, 0.08], 1)),
        dict(classes=('cat', 'dog')), path)
    picture = matplotlib.image.imread(path)[..., :3]
    panels = np.array_split(picture, 3, axis=1)
    green = [(abs(panel - GREEN).max(-1) < 0.01).sum() for panel in panels]
    assert green[0] == green[2] == 0 and green[1] > 1000
