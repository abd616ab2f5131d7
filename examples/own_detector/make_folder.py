"""Write a COCO-format folder to try the tutorial on; it stands for yours.

FOLDER/train and FOLDER/val hold PNG images, FOLDER/annotations/train.json and
val.json their objects, as COCO's own files do.
"""
import argparse
import json
from pathlib import Path

import cv2

import iptq_mm  # noqa: F401  # registers the data set
from iptq_mm.datasets import ShapesDataset


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--train', type=int, default=24, metavar='N')
    parser.add_argument('--val', type=int, default=16, metavar='N')
    return parser.parse_args()


def annotation(number, image, instance):
    left, top, right, bottom = instance['bbox']
    return dict(
        id=number, image_id=image, category_id=instance['bbox_label'] + 1,
        bbox=[left, top, right - left, bottom - top],
        area=(right - left) * (bottom - top), iscrowd=0,
        segmentation=instance['mask'])


def write(folder, split, count):
    dataset = ShapesDataset(split=split, num_images=count, pipeline=[],
                            test_mode=True)
    images, annotations = [], []
    (folder / split).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        info = dataset.get_data_info(i)
        name = f'{i:04}.png'
        cv2.imwrite(str(folder / split / name), info['img'])
        images.append(dict(id=i, file_name=name, width=info['width'],
                           height=info['height']))
        for instance in info['instances']:
            annotations.append(annotation(len(annotations), i, instance))
    categories = [dict(id=label + 1, name=name) for label, name in
                  enumerate(dataset.metainfo['classes'])]
    path = folder / 'annotations' / f'{split}.json'
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(dict(
        images=images, annotations=annotations, categories=categories)))


if __name__ == '__main__':
    args = parse_args()
    for split in ('train', 'val'):
        write(args.folder, split, vars(args)[split])
