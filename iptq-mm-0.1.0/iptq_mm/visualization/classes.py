"""An image and what several models take it for."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from mmengine.structures import BaseDataElement

BEST = 3
"""So many classes are shown of each model, the likeliest first."""


def draw_classes(image: np.ndarray,
                 predictions: Mapping[str, BaseDataElement],
                 dataset_meta: Mapping,
                 path: str | Path) -> None:
    """Draw one picture: the image, and bars of each model's best classes.

    Bars of the right class are green.

    Args:
        image (np.ndarray): uint8 [H, W, 3], RGB.
        predictions (Mapping[str, BaseDataElement]): Title of the panel ->
            sample with ``pred_score`` (Tensor [classes], probabilities) and
            ``gt_label`` (int).
        dataset_meta (Mapping): ``classes``; a label beyond them is shown as
            its number.
        path (str | Path): PNG to write.
    """
    names = dict(enumerate(dataset_meta['classes']))
    figure = Figure(figsize=(3 + 3 * len(predictions), 3), layout='tight')
    first, *panels = figure.subplots(1, 1 + len(predictions))
    first.imshow(image)
    first.axis('off')
    for axes, (title, sample) in zip(panels, predictions.items()):
        label = sample.gt_label
        first.set_title(names[label])
        scores, labels = sample.pred_score.topk(
            min(BEST, len(sample.pred_score)))
        labels = labels.tolist()
        bars = axes.barh([str(names.get(i, i)) for i in labels],
                         (100 * scores).tolist(),
                         color=['C2' if i == label else 'C7' for i in labels])
        axes.bar_label(bars, fmt='%.1f', padding=3, fontsize=8)
        axes.invert_yaxis()
        axes.set_xlim(0, 115)
        axes.set_xlabel('probability [%]')
        axes.set_title(title)
    figure.savefig(path, dpi=120)
