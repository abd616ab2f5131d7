"""One run of the stock test loop, with what the comparison needs of it."""
import contextlib
import io
import time
from dataclasses import dataclass

from mmengine.runner import Runner

from .prediction_hook import Prediction, PredictionHook
from .stopwatch import Stopwatch


@dataclass(frozen=True)
class Evaluation:
    """What a test run gave.

    Args:
        metrics (dict[str, float]): As ``Runner.test`` returns them.
        seconds (float): The whole run.
        backbone_ms (float): Median time of the backbone per image.
        model_ms (float): Median time of the whole model per image, without
            loading and preprocessing.
        predictions (list[Prediction]): For the first images.
    """
    metrics: dict[str, float]
    seconds: float
    backbone_ms: float
    model_ms: float
    predictions: list[Prediction]


def evaluate(runner: Runner, keeper: PredictionHook) -> Evaluation:
    """Run ``Runner.test`` and watch it.

    Args:
        runner (Runner): Its model has a ``backbone``.
        keeper (PredictionHook): Registered in the runner.
    """
    network = runner.model.backbone
    if hasattr(runner.model, 'integer_program'):
        network = network.body  # the program has no borders around it
    began = time.perf_counter()
    # pycocotools prints each of its tables; the logger has the numbers too.
    with (Stopwatch(runner.model) as model,
          Stopwatch(network) as backbone,
          contextlib.redirect_stdout(io.StringIO())):
        metrics = runner.test()
    return Evaluation(metrics,
                      time.perf_counter() - began, backbone.milliseconds,
                      model.milliseconds, keeper.predictions)
