"""A detector's Softmax of class scores by each candidate, all else the same.
"""
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ..assignment import choose
from ..assignment.policy import registered
from ..engine.errors import UserError
from ..engine.inputs.options import PTQOptions
from ..engine.report.evaluation import evaluate
from ..engine.report.prediction_hook import PredictionHook
from ..models.detectors.program import SCORES
from .setting import Setting


def score_functions(options: PTQOptions,
                    say: Callable[[str], None]) -> dict[str, Any]:
    """mAP of the whole integer detector with each candidate.

    Args:
        options (PTQOptions): Which detector, with which widths.
        say (Callable): Is told what is being done.

    Returns:
        dict: ``float`` (mAP), ``chosen`` by the Unified Metric, and for each
        of the ``candidates`` its mAP, ``Q``, ``P``, ``C`` and ``omega``.

    Raises:
        UserError: For input that cannot be worked with.
    """
    setting = Setting.of(options)
    runner, float_model = setting.runner, setting.runner.model
    keeper = PredictionHook(0)

    def mean_precision() -> dict[str, float]:
        metrics = evaluate(runner, keeper).metrics
        return {key.rpartition('/')[2]: value
                for key, value in metrics.items() if key.endswith('_mAP')}

    say('evaluating the float model')
    found: dict[str, Any] = dict(float=mean_precision(), candidates={})
    for name in registered('softmax'):
        say(f'quantizing and evaluating with {name}')
        hook = setting.hook()
        hook.assignment = {SCORES: name}
        hook.quantize(runner)
        if hook.parts is None:
            raise UserError(f'{options.config} is no detector that becomes '
                            f'integer as a whole: it has no scores to study.')
        hook.install(runner)
        scores = hook.choices[SCORES].scores
        found['chosen'] = choose(scores)
        found['candidates'][name] = dict(mean_precision(),
                                         **asdict(scores[name]))
        runner.model = float_model
    return dict(setting.describe(hook), bits=hook.bits, **found)
