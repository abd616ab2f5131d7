import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

from iptq_mm.datasets import TimmImageDataset
from iptq_mm.registry import DATASETS

DEIT = 'deit_tiny_patch16_224'  # crops 0.9 of 248 to 224


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / 'images'
    generator = np.random.default_rng(0)
    for synset in ('n01440764', 'n01514859'):
        (root / synset).mkdir(parents=True)
        for i in range(3):
            pixels = generator.integers(0, 256, (60, 50, 3), np.uint8)
            Image.fromarray(pixels).save(root / synset / f'{i}.png')
    return root


@pytest.fixture
def tar(folder, tmp_path):
    path = tmp_path / 'images.tar'
    with tarfile.open(path, 'w') as file:
        file.add(folder, '.')
    return path


def dataset(root, **config):
    return DATASETS.build(
        dict(
            type='iptq_mm.TimmImageDataset', data_root=str(root), name=DEIT,
            **config))


def test_size_and_crop_are_the_models(folder):
    images = dataset(folder)
    item = images[0]
    assert len(images) == 6
    assert item['inputs'].shape == (3, 224, 224)
    assert item['inputs'].dtype == torch.uint8
    assert item['data_samples'].gt_label == 0
    assert item['data_samples'].img_path == 'n01440764/0.png'
    assert dataset(folder, input_size=32)[0]['inputs'].shape == (3, 32, 32)


def test_a_tar_gives_what_the_folder_gives(folder, tar):
    for ours, theirs in zip(dataset(folder), dataset(tar)):
        assert torch.equal(ours['inputs'], theirs['inputs'])
        assert (ours['data_samples'].gt_label ==
                theirs['data_samples'].gt_label)


def test_some_of_imagenets_classes_keep_their_labels(folder):
    images = dataset(folder, imagenet=True)
    assert images[5]['data_samples'].gt_label == 8  # hen
    assert len(images.metainfo['classes']) == 1000
    assert images.metainfo['classes'][8] == 'n01514859'
    assert dataset(folder).metainfo['classes'] == ('n01440764', 'n01514859')


def test_a_sample_depends_on_the_seed_alone(folder):

    def paths(**config):
        return [
            item['data_samples'].img_path
            for item in dataset(folder, **config)
        ]

    assert paths(num_images=4) == paths(num_images=4)
    assert len(set(paths(num_images=4))) == 4
    assert paths(num_images=4) != paths(num_images=4, seed=1)
    with pytest.raises(ValueError, match='6 images, 7'):
        dataset(folder, num_images=7)


def test_training_images_vary(folder):
    images = TimmImageDataset(
        str(folder), DEIT, input_size=32,
        augment=dict(auto_augment='rand-m7-mstd0.5', scale=(.3, 1)))
    torch.manual_seed(0)
    first, second = images[0]['inputs'], images[0]['inputs']
    assert first.shape == (3, 32, 32) and first.dtype == torch.uint8
    assert not torch.equal(first, second)
