"""How far a file and its model agree on many images."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from onnx import ModelProto
from torch import Tensor, nn

from ...evaluation.accuracy import TopAccuracy
from ..region import region_of
from .comparison import Comparer
from .samples import batches


@dataclass(frozen=True)
class Agreement:
    """What :func:`compare_file` found.

    Args:
        images (int): Number of images.
        equal (int): Those on which all outputs are equal in every bit.
        referenced (int): Those on which the references were run, too.
        difference (str | None): The first node that differs, and where.
        accuracy (tuple[float, float] | None): Top-1 in percent of the file
            and of the model in PyTorch, where the images are labelled.
    """
    images: int
    equal: int
    referenced: int
    difference: str | None
    accuracy: tuple[float, float] | None


def compare_file(model: nn.Module, file: ModelProto,
                 sources: Sequence[str | Path], count: int, batch_size: int,
                 references: int,
                 progress: Callable[[int], None]) -> Agreement:
    """Run a file in ONNX Runtime beside the model in PyTorch.

    Args:
        model (nn.Module): As ``iptq_mm.load`` gives it.
        file (ModelProto): What was exported of it.
        sources (Sequence[str | Path]): Of the images, see ``batches``.
        count (int): At most so many images.
        batch_size (int): At most so many at once.
        references (int): The first so many run with the references of all
            operators as well.
        progress (Callable[[int], None]): Told the number of images done.

    Raises:
        UserError: If images cannot be read, or the file does not take their
            size.
    """
    images = equal = referenced = 0
    difference = None
    accuracies = TopAccuracy((1, )), TopAccuracy((1, ))
    with Comparer(region_of(model), file) as comparer:
        for batch in batches(model, sources, count, batch_size):
            with_references = images < references
            compared = comparer.compare(batch.run, with_references)
            images += batch.size
            referenced += batch.size * with_references
            equal += batch.size * (compared.difference is None)
            difference = difference or compared.difference
            for accuracy, samples in zip(
                    accuracies, _labelled(compared.outputs, compared.result)):
                accuracy.process({}, samples)
            progress(images)
    return Agreement(images, equal, referenced, difference,
                     _top1(accuracies))


def _labelled(outputs: tuple[Tensor, ...],
              samples: Sequence) -> tuple[list[dict], list[dict]]:
    """Scores and labels, of the file and of the model."""
    if not all('gt_label' in sample for sample in samples):
        return [], []
    return [
        dict(pred_score=logits, gt_label=sample.gt_label)
        for logits, sample in zip(outputs[0], samples)
    ], [
        dict(pred_score=sample.pred_score, gt_label=sample.gt_label)
        for sample in samples
    ]


def _top1(
    accuracies: tuple[TopAccuracy, TopAccuracy]
) -> tuple[float, float] | None:
    if not accuracies[0].results:
        return None
    file, model = (accuracy.compute_metrics(accuracy.results)['top1']
                   for accuracy in accuracies)
    return file, model
