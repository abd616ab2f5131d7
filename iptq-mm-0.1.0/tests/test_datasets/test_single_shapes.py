import numpy as np
import pytest
import torch

from iptq_mm.datasets import SingleShapesDataset
from iptq_mm.datasets.outlines import OUTLINES


def test_classes_are_balanced_and_named():
    images = SingleShapesDataset('train', 16)
    labels = [item['data_samples'].gt_label
              for item in map(images.__getitem__, range(16))]
    assert set(np.bincount(labels)) == {2, 3}
    assert images.metainfo['classes'] == tuple(OUTLINES)
    assert images[0]['inputs'].shape == (3, 64, 64)
    assert images[0]['inputs'].dtype == torch.uint8


def test_the_seed_makes_the_image_and_splits_share_none():
    first, again = (SingleShapesDataset('val', 2, 48) for _ in range(2))
    assert torch.equal(first[1]['inputs'], again[1]['inputs'])
    others = (SingleShapesDataset('train', 2, 48),
              SingleShapesDataset('val', 2, 48, seed=1))
    for other in others:
        assert not torch.equal(first[1]['inputs'], other[1]['inputs'])


def test_the_figure_lies_inside():
    images = SingleShapesDataset('train', 7)
    for i in range(7):
        pixels = images[i]['inputs'].float()
        middle, border = pixels[:, 24:40, 24:40], pixels[:, :4]
        # Its colours are not those of the background.
        assert (middle.mean((1, 2)) - border.mean((1, 2))).abs().max() > 10


@pytest.mark.parametrize('wrong', [dict(num_images=0), dict(split='test')])
def test_nonsense_is_refused(wrong):
    with pytest.raises(ValueError):
        SingleShapesDataset(**{**dict(split='val', num_images=1), **wrong})


def test_the_end_of_the_images_is_the_end():
    with pytest.raises(IndexError):
        SingleShapesDataset('val', 2)[2]
