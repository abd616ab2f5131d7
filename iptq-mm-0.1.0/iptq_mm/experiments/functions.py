"""One setting of the study of the functions, measured from end to end."""
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from statistics import mean, stdev
from typing import Any

import torch
from mmengine.runner import Runner
from scipy.stats import spearmanr

from ..assignment import FITS, NORMALIZATIONS
from ..engine.inputs.options import PTQOptions
from ..engine.quantization.images import CalibrationImages
from ..engine.quantization.ptq_hook import PTQHook
from ..engine.report.evaluation import evaluate
from ..engine.report.prediction_hook import PredictionHook
from ..evaluation.front import front, gap_db
from ..evaluation.probe import Probe
from .assignments import EVALUATED, contestants
from .search import random_assignments, score, search
from .setting import Setting, headline
from .subject import Subject, prepare


@dataclass(frozen=True)
class StudyOptions:
    """How much is measured.

    Args:
        seeds (int): Calibration sets; the first is searched as well.
        num_search (int): Training images to search on.
        num_val (int): Test images of the SQNR.
        num_random (int): Random assignments for the rank correlation.
        rank_map (bool): Rank them by mAP too.
    """
    seeds: int
    num_search: int
    num_val: int
    num_random: int
    rank_map: bool


class _Model:
    """A runner whose backbone is exchanged before each evaluation."""

    def __init__(self, runner: Runner):
        self.runner, self.float_backbone = runner, runner.model.backbone
        self.keeper = PredictionHook(0)
        runner.logger.setLevel('ERROR')

    def scores(self, backbone: torch.nn.Module) -> dict[str, float]:
        """bbox and segm mAP, or top-1, over all test images."""
        self.runner.model.backbone = backbone
        try:
            metrics = evaluate(self.runner, self.keeper).metrics
        finally:
            self.runner.model.backbone = self.float_backbone
        return headline(metrics)


def study(options: PTQOptions, amount: StudyOptions,
          say: Callable[[str], None]) -> dict[str, Any]:
    """Measure one setting.

    Args:
        options (PTQOptions): Which model, with which widths.
        amount (StudyOptions): How much is measured.
        say (Callable): Is told what is being done.

    Returns:
        dict: ``families``, ``gap_db``, ``below_best_db``, ``fit``, ``front``,
        ``rank_correlation`` and how it was measured.

    Raises:
        UserError: For input that cannot be worked with.
    """
    setting = Setting.of(options)
    runner = setting.runner
    model = _Model(runner)
    say('evaluating the float model')
    float_scores = model.scores(model.float_backbone)
    images = list(
        islice(
            CalibrationImages(runner.test_dataloader,
                              runner.model.data_preprocessor),
            amount.num_val))
    seeds, found = [], {}
    for seed in range(amount.seeds):
        hook = setting.with_seed(seed).hook()
        say(f'calibrating, seed {seed}')
        subject = prepare(runner, hook, amount.num_search)
        probe = subject.probe(images, hook.fit)
        if seed == 0:
            found = _front(subject, hook, probe, model, amount, say)
        seeds.append(_families(subject, hook, probe, model, say))
    return dict(
        config=options.config,
        cfg_options=dict(options.cfg_options),
        bits=hook.bits,
        images=dict(
            calibration=hook.num_batches, search=amount.num_search,
            sqnr=len(images)),
        seeds=amount.seeds,
        default=hook.normalization,
        families=dict(
            float={name: _spread([value])
                   for name, value in float_scores.items()},
            **{
                name: {
                    quantity: _over(seeds, 'families', name, quantity)
                    for quantity in seeds[0]['families'][name]
                }
                for name in seeds[0]['families']
            }),
        fit={name: _over(seeds, 'fit', name)
             for name in seeds[0]['fit']},
        **found)


def _families(subject: Subject, hook: PTQHook, probe: Probe,
              model: _Model, say: Callable[[str], None]) -> dict:
    """mAP, SQNR and operations of the contestants; SQNR of IPTQ-ViT's
    functions by whose data they are fitted to."""
    everyone = contestants(subject, hook)
    tried: dict[tuple, dict] = {}
    families = {}
    for name in EVALUATED:
        key = tuple(everyone[name].values())
        if key not in tried:
            say(f'evaluating {name}')
            point = probe.attempt(everyone[name])
            tried[key] = dict(
                model.scores(probe.lower(everyone[name])),
                sqnr_db=point.sqnr_db, int_ops=point.operations)
        families[name] = tried[key]
    fit = {
        name: subject.probe(probe.images, name).sqnr_db(everyone['iptq'])
        for name in FITS.module_dict
    }
    return dict(families=families, fit=fit)


def _front(subject: Subject, hook: PTQHook, probe: Probe,
           model: _Model, amount: StudyOptions,
           say: Callable[[str], None]) -> dict:
    """Search the front on training images, take it on test images."""
    everyone = contestants(subject, hook)
    say('searching the front')
    tried = search(
        subject.probe(subject.search, hook.fit),
        [everyone['tables'], everyone['iptq']], lambda: None)
    points = {name: probe.attempt(one) for name, one in everyone.items()}
    best = front([probe.attempt(p.assignment) for p in front(tried)] +
                 list(points.values()))
    say(f'tried {len(tried)} assignments; ranking random ones')
    return dict(
        tried=len(tried),
        gap_db={name: gap_db(point, best)
                for name, point in points.items()},
        below_best_db={
            name: best[-1].sqnr_db - point.sqnr_db
            for name, point in points.items()
        },
        sqnr_db={name: point.sqnr_db for name, point in points.items()},
        front=[dict(int_ops=p.operations, sqnr_db=p.sqnr_db) for p in best],
        rank_correlation=_rank_correlation(subject, hook, probe, model,
                                           amount))


def _rank_correlation(subject: Subject, hook: PTQHook, probe: Probe,
                      model: _Model,
                      amount: StudyOptions) -> dict[str, dict[str, float]]:
    """Spearman's between the mean Omega of an assignment and its worth."""
    measures = subject.measures(hook.fit)
    everything = {layer: sorted(some) for layer, some in measures.items()}
    drawn = list(random_assignments(everything, amount.num_random, 0))
    worth = dict(sqnr_db=[probe.sqnr_db(one) for one in drawn])
    if amount.rank_map:
        maps = [model.scores(probe.lower(one)) for one in drawn]
        for name in maps[0]:
            worth[name] = [one[name] for one in maps]
    result = {}
    for reading in sorted(NORMALIZATIONS.module_dict):
        scores = score(measures, reading, everything)
        omegas = [
            mean(scores[layer][name].omega for layer, name in one.items())
            for one in drawn
        ]
        result[reading] = {
            name: float(spearmanr(omegas, values).statistic)
            for name, values in worth.items()
        }
    return result


def _over(seeds: list[dict], *path: str) -> dict[str, float]:
    """Mean and standard deviation of one figure over the seeds."""
    values = []
    for one in seeds:
        for key in path:
            one = one[key]
        values.append(one)
    return _spread(values)


def _spread(values: list[float]) -> dict[str, float]:
    return dict(
        mean=mean(values),
        std=stdev(values) if len(values) > 1 else math.nan)
