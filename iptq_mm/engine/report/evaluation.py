"""One run of the stock test loop, with what the comparison needs of it."""
import contextlib
import io
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

from mmengine.runner import Runner

from .prediction_hook import Prediction, PredictionHook
from .stopwatch import Stopwatch

OF_CLASSES = ('_precision', '_recall')
"""Ends of the names of metrics of single classes. mmdet's is the AP of the
last metric that its config names."""


@dataclass(frozen=True)
class Evaluation:
    """What a test run gave.

    Args:
        metrics (dict[str, float]): As ``Runner.test`` returns them.
        classes (dict[str, float]): Those of single classes, likewise.
        seconds (float): The whole run.
        backbone_ms (float): Median time of the backbone per image.
        model_ms (float): Median time of the whole model per image, without
            loading and preprocessing.
        predictions (list[Prediction]): For the first images.
    """
    metrics: dict[str, float]
    classes: dict[str, float]
    seconds: float
    backbone_ms: float
    model_ms: float
    predictions: list[Prediction]


def evaluate(runner: Runner, keeper: PredictionHook) -> Evaluation:
    """Run ``Runner.test`` and watch it; metrics are those of single classes
    too, where there are such.

    Args:
        runner (Runner): Its model has a ``backbone``.
        keeper (PredictionHook): Registered in the runner.
    """
    network = runner.model.backbone
    if hasattr(runner.model, 'integer_program'):
        network = network.body  # the program has no borders around it
    for metric in runner.test_loop.evaluator.metrics:
        if hasattr(metric, 'classwise'):  # mmdet's CocoMetric, TopAccuracy
            metric.classwise = True
    began = time.perf_counter()
    # pycocotools prints each of its tables; the logger has the numbers too.
    with (Stopwatch(runner.model) as model,
          Stopwatch(network) as backbone,
          contextlib.redirect_stdout(io.StringIO()),
          _without_tables(runner.logger)):
        metrics = runner.test()
    classes = {name: metrics.pop(name) for name in list(metrics)
               if name.endswith(OF_CLASSES)}
    return Evaluation(metrics, classes,
                      time.perf_counter() - began, backbone.milliseconds,
                      model.milliseconds, keeper.predictions)


@contextlib.contextmanager
def _without_tables(logger: logging.Logger) -> Iterator[None]:
    """A logger that leaves out mmdet's tables of single classes, which are in
    the report: of COCO they are 80 lines each."""

    def is_line(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith('\n+-')

    logger.addFilter(is_line)
    try:
        yield
    finally:
        logger.removeFilter(is_line)
