"""Detections of the float model beside those of the integer model."""
from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import mmcv
import numpy as np
from matplotlib.figure import Figure
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer
from mmengine.structures import InstanceData

SCORE = 0.5
"""Detections below this score are not drawn, where nobody asks for another."""

SIDE = 500
"""Images much smaller than this, in pixels, are enlarged before they are
drawn on: mmdet's labels have a fixed size."""


def _enlarged(instances: InstanceData, factor: int) -> InstanceData:
    """Detections in an image that is ``factor`` times as large."""
    result = InstanceData(
        scores=instances.scores,
        labels=instances.labels,
        bboxes=instances.bboxes * factor)
    if 'masks' in instances:
        result.masks = instances.masks.repeat_interleave(
            factor, -1).repeat_interleave(factor, -2)
    return result


@contextmanager
def _same_colours() -> Iterator[None]:
    """mmdet moves the colour of each mask a little, at random: alike in all
    panels, so that they can be compared."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)


def paint(image: np.ndarray, instances: InstanceData, dataset_meta: Mapping,
          score: float = SCORE) -> np.ndarray:
    """Detections in their image.

    Args:
        image (np.ndarray): uint8 [H, W, 3], RGB.
        instances (InstanceData): On the CPU, in pixels of the image.
        dataset_meta (Mapping): ``classes`` and ``palette``.
        score (float): Detections below it are not drawn.

    Returns:
        np.ndarray: uint8 [k H, k W, 3], k times as large if it was small.
    """
    factor = max(1, round(SIDE / max(image.shape[:2])))
    visualizer = DetLocalVisualizer()
    visualizer.dataset_meta = dict(dataset_meta)
    with _same_colours(), warnings.catch_warnings():
        # A box at the border is drawn as far as it is inside.
        warnings.filterwarnings('ignore', message='.*out of bounds')
        visualizer.add_datasample(
            'detections',
            mmcv.imrescale(image, float(factor)),
            DetDataSample(pred_instances=_enlarged(instances, factor)),
            draw_gt=False,
            pred_score_thr=score)
    return visualizer.get_image()


def draw_detections(image: np.ndarray,
                    predictions: Mapping[str, DetDataSample],
                    dataset_meta: Mapping,
                    path: str | Path,
                    score: float = SCORE) -> None:
    """Draw one picture, a panel for each model.

    Args:
        image (np.ndarray): uint8 [H, W, 3], RGB.
        predictions (Mapping[str, DetDataSample]): Title of the panel ->
            predictions on the CPU, in the pixels of ``image``.
        dataset_meta (Mapping): ``classes`` and ``palette``.
        path (str | Path): PNG to write.
        score (float): Detections below it are not drawn.
    """
    height, width = image.shape[:2]
    figure = Figure(
        figsize=(7 * len(predictions), 7 * height / width + 0.5),
        layout='tight')
    panels = figure.subplots(1, len(predictions), squeeze=False)[0]
    for axes, (title, sample) in zip(panels, predictions.items()):
        instances = sample.pred_instances
        count = int((instances.scores > score).sum())
        axes.imshow(paint(image, instances, dataset_meta, score))
        axes.set_title(f'{title}: {count} detections above {score}')
        axes.axis('off')
    figure.savefig(path, dpi=120)
