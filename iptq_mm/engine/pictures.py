"""The pictures of a run."""
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..visualization.detections import draw_detections
from ..visualization.sqnr import draw_sqnr
from .atomic import atomic_file
from .prediction_hook import Prediction


def save_pictures(folder: Path, float_predictions: Sequence[Prediction],
                  int_predictions: Sequence[Prediction],
                  dataset_meta: Mapping,
                  sqnr_db: Mapping[str, float]) -> list[Path]:
    """Draw the detections of both models and the SQNR of each part.

    Args:
        folder (Path): Made where it is missing.
        float_predictions (Sequence[Prediction]): For some images.
        int_predictions (Sequence[Prediction]): For the same images.
        dataset_meta (Mapping): ``classes`` and ``palette``.
        sqnr_db (Mapping[str, float]): In dB by site.

    Returns:
        list[Path]: What was drawn.
    """
    folder.mkdir(exist_ok=True)
    paths = []
    for ours, theirs in zip(int_predictions, float_predictions):
        paths.append(folder / f'detections_{theirs.sample.img_id}.png')
        with atomic_file(paths[-1]) as temporary:
            draw_detections(
                theirs.image, {
                    'float': theirs.sample,
                    'integer backbone': ours.sample
                }, dataset_meta, temporary)
    paths.append(folder / 'sqnr.png')
    with atomic_file(paths[-1]) as temporary:
        draw_sqnr(sqnr_db, temporary)
    return paths
