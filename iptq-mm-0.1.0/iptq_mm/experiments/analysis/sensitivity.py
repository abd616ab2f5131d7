"""What quantizing one kind of function alone costs, candidate by candidate.

The table by which IPTQ-ViT (arXiv:2511.15369) motivates its functions.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from mmdet.evaluation import CocoMetric
from mmengine.runner import Runner

from ...assignment.policy import KINDS, registered
from ...engine.errors import UserError
from ...engine.inputs.options import PTQOptions
from ...engine.report.evaluation import evaluate
from ...engine.report.prediction_hook import PredictionHook
from ...evaluation.integer_functions import integer_functions
from ...evaluation.sensitivity import Row
from .calibrated import calibrate

SCORES = ('mAP', 'top1')
"""How the names of end-task scores end."""

FLOAT = ('float', '')
"""Kind and candidate of the evaluation in which nothing is quantized."""


class Sensitivity:
    """The table, calibrated and still to be evaluated row by row.

    Args:
        options (PTQOptions): Which model, calibrated how.
        num_images (int, optional): How many of the test set, from its first
            on. Defaults to all.

    Attributes:
        num_images (int): Test images of one evaluation.
        num_batches (int): Test batches of all evaluations together.

    Raises:
        UserError: For input that cannot be worked with.
    """

    def __init__(self, options: PTQOptions, num_images: int | None = None):
        if num_images is not None and num_images < 1:
            raise UserError(f'--num-images {num_images}: a test needs at '
                            'least one image.')
        # mmengine's data sets take as many as there are at most.
        chosen = {} if num_images is None else {
            'test_dataloader.dataset.indices': num_images
        }
        self._work = calibrate(
            replace(options, cfg_options={**options.cfg_options, **chosen}))
        self._candidates = self._work.subject.candidates(self._work.hook.fit)
        self._variants = [FLOAT] + [(kind, name) for kind in KINDS
                                    for name in registered(kind)]
        runner = self._work.runner
        self.num_images = len(runner.test_dataloader.dataset)
        self.num_batches = len(self._variants) * len(runner.test_dataloader)
        if num_images is not None:
            _limit_ground_truth(runner)

    def rows(self, advance: Callable[[], None]) -> Iterator[Row]:
        """Evaluate one variant after the other, the float model first.

        Args:
            advance (Callable): Called after each test batch.

        Raises:
            UserError: If the evaluator gives no end-task score.
        """
        runner, subject = self._work.runner, self._work.subject
        for kind, name in self._variants:
            quantized = {
                layer: some[name]
                for layer, some in self._candidates.items() if name in some
            }
            with integer_functions(subject.backbone, subject.layers,
                                   quantized):
                sqnr_db = self._work.sqnr()
                handle = runner.model.register_forward_hook(
                    lambda *_: advance())
                try:
                    metrics = evaluate(runner, PredictionHook(0)).metrics
                finally:
                    handle.remove()
            yield Row(kind, name, sqnr_db, _scores(metrics))


def _limit_ground_truth(runner: Runner) -> None:
    """``CocoMetric`` would count every image of its annotation file, seen or
    not."""
    dataset = runner.test_dataloader.dataset
    for metric in runner.test_evaluator.metrics:
        if isinstance(metric, CocoMetric):
            metric.img_ids = [
                dataset.get_data_info(i)['img_id'] for i in range(len(dataset))
            ]


def _scores(metrics: dict[str, float]) -> dict[str, float]:
    scores = {
        name: value
        for name, value in metrics.items() if name.endswith(SCORES)
    }
    if not scores:
        raise UserError('the evaluator of the config gives no score whose '
                        f'name ends with {" or ".join(SCORES)}; it gives: '
                        f'{", ".join(metrics) or "nothing"}.')
    return scores
