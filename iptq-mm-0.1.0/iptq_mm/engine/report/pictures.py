"""The pictures of a run."""
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...environment import has_mmdet, is_detection
from ...visualization.classes import draw_classes
from ...visualization.sqnr import draw_sqnr
from ..atomic import atomic_file
from .prediction_hook import Prediction

if has_mmdet():
    from ...visualization.detections import draw_detections


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
