"""The pictures of a run."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ...environment import has_mmdet, is_detection
from ...visualization.classes import draw_classes
from ...visualization.sqnr import draw_sqnr
from ..atomic import atomic_file
from .changed import change
from .prediction_hook import Prediction

if has_mmdet():
    from ...visualization.detections import SCORE, draw_detections, paint


def save_pictures(folder: Path, float_predictions: Sequence[Prediction],
                  int_predictions: Sequence[Prediction],
                  dataset_meta: Mapping, sqnr_db: Mapping[str, float],
                  integer_parts: Sequence[str]) -> list[Path]:
    """Draw what both models see and the SQNR of each part.

    Args:
        folder (Path): Made where it is missing.
        float_predictions (Sequence[Prediction]): For some images.
        int_predictions (Sequence[Prediction]): For the same images.
        dataset_meta (Mapping): ``classes``; of a detector ``palette`` too.
        sqnr_db (Mapping[str, float]): In dB by site.
        integer_parts (Sequence[str]): Modules that are integer.

    Returns:
        list[Path]: What was drawn.
    """
    folder.mkdir(exist_ok=True)
    paths = []
    for i, (ours, theirs) in enumerate(
            zip(int_predictions, float_predictions)):
        draw, what, name = draw_classes, 'classes', i
        title = 'integer'
        if is_detection(theirs.sample):
            draw, what, name = (draw_detections, 'detections',
                                theirs.sample.img_id)
            if list(integer_parts) == ['backbone']:
                title = 'integer backbone'
        paths.append(folder / f'{what}_{name}.png')
        with atomic_file(paths[-1]) as temporary:
            draw(theirs.image, {
                'float': theirs.sample,
                title: ours.sample
            }, dataset_meta, temporary)
    paths.append(folder / 'sqnr.png')
    with atomic_file(paths[-1]) as temporary:
        draw_sqnr(sqnr_db, temporary)
    return paths


def save_pairs(folder: Path, float_predictions: Sequence[Prediction],
               int_predictions: Sequence[Prediction],
               dataset_meta: Mapping) -> list[dict[str, Any]]:
    """Draw what each detector sees by itself, for ``report.html``; of a
    classifier the pictures of :func:`save_pictures` do.

    Args:
        folder (Path): That of :func:`save_pictures`.
        float_predictions, int_predictions, dataset_meta: As there.

    Returns:
        list[dict]: Of each image ``name``, ``change`` in [0, 1], and the name
        of its picture, ``both``; or of a detector its pictures ``float`` and
        ``integer``, and how many things are in them, ``float_found`` and
        ``integer_found``.
    """
    images = []
    for i, (ours, theirs) in enumerate(
            zip(int_predictions, float_predictions)):
        image: dict[str, Any] = dict(
            name=f'image {i}', change=change(theirs.sample, ours.sample))
        if is_detection(theirs.sample):
            number = theirs.sample.img_id
            image['name'] = f'image {number}'
            for model, one in (('float', theirs), ('integer', ours)):
                found = one.sample.pred_instances
                image[model] = f'image_{number}_{model}.jpg'
                image[f'{model}_found'] = int((found.scores > SCORE).sum())
                with atomic_file(folder / image[model]) as temporary:
                    Image.fromarray(paint(one.image, found, dataset_meta)
                                    ).save(temporary, 'JPEG', quality=88)
        else:
            image['both'] = f'classes_{i}.png'
        images.append(image)
    return images
