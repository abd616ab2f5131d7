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
from .setting import Setting, headline


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

    say('evaluating the float model')
    found: dict[str, Any] = dict(
        float=headline(evaluate(runner, keeper).metrics), candidates={})
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
        found['candidates'][name] = dict(
            headline(evaluate(runner, keeper).metrics),
            **asdict(scores[name]))
        runner.model = float_model
    return dict(setting.describe(hook), bits=hook.bits, **found)
