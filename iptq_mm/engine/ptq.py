"""What ``tools/ptq.py`` does: evaluate, quantize, evaluate, write."""
from __future__ import annotations

import copy
import shutil
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.runner import Runner

from ..environment import is_detector
from ..registry import HOOKS
from .artifact.int_config import int_config, save_int_config
from .artifact.int_model import (
    IntModel,
    part_weights,
    save_int_model,
    stored_bytes,
)
from .inputs.config import ptq_hook_config
from .inputs.options import PTQOptions, resolve
from .inputs.runner import build_runner
from .quantization.ptq_hook import PTQHook
from .report.evaluation import Evaluation, evaluate
from .report.float_parts import float_parts
from .report.page import save_page
from .report.pictures import save_pairs, save_pictures
from .report.prediction_hook import PredictionHook
from .report.report import peak_memory_mb, save_json, size_bytes, versions
from .report.run_progress import (
    EVALUATING_INTEGER,
    EvaluationProgress,
    expected,
    run_progress,
)
from .report.sqnr import backbone_sqnr
from .report.summary import print_summary
from .report.verify import detections, verify_integer

FEW_BATCHES = 4
"""Calibration batches over which the SQNR is taken, and which the integer
model sees under the guard."""


def run_ptq(options: PTQOptions) -> dict[str, Any] | None:
    """Evaluate the float model, quantize it, evaluate it again, and write
    artifacts, report and pictures to the work dir.

    Returns:
        dict: What ``ptq_report.json`` holds; None in all processes but the
        first, which writes for all.

    Raises:
        UserError: For input that cannot be worked with.
    """
    config = resolve(options)
    runner = build_runner(config, options.device, options.trust_checkpoint)
    keeper = PredictionHook()
    runner.register_hook(keeper)
    hook: PTQHook = HOOKS.build(copy.deepcopy(ptq_hook_config(config)))

    # Calibration takes a minute, an evaluation hours: what cannot work shows
    # early.
    statistics = Path(config.work_dir) / 'calibration'
    with run_progress(_stages(hook, runner), runner.logger) as progress:
        quantization = hook.quantize(
            runner, statistics, options.resume, progress)
        memory = peak_memory_mb()
        watcher = EvaluationProgress(progress)
        runner.register_hook(watcher)
        float_run = evaluate(runner, keeper)
        float_weights = runner.model.state_dict()
        hook.install(runner)
        watcher.what = EVALUATING_INTEGER
        int_run = evaluate(runner, keeper)
    if not is_main_process():
        return None
    few, seen = min(FEW_BATCHES, hook.num_batches), hook.images
    assert seen is not None  # quantize() has set it
    images = list(islice(seen, few))
    sqnr_db = backbone_sqnr(hook.source, quantization.backbone, images)
    if options.verify_integer:
        regions = verify_integer(quantization.backbone, quantization.backbone,
                                 images)
        if hook.parts is not None:
            regions = verify_integer(
                runner.model, partial(detections, runner.model),
                islice(seen.dataloader, few))
        runner.logger.info(
            f'No floating-point tensor in {", ".join(regions)}, and every '
            f'operator equal to its reference, on {few} batches.')

    parts = hook.part_names
    integers = part_weights(runner.model.state_dict(), parts)
    size = dict(
        float=size_bytes(part_weights(float_weights, parts)),
        integer=stored_bytes(integers))
    weights = config.load_from or getattr(runner.model, 'weights', None)
    report = _report(options, weights, hook, float_run, int_run, sqnr_db, size,
                     memory, float_parts(runner.model))
    metainfo = runner.test_dataloader.dataset.metainfo
    meta = {
        key: metainfo[key]
        for key in ('classes', 'palette') if key in metainfo
    }
    folder = Path(config.work_dir)
    files = [folder / 'int_model.pth', folder / 'int_config.py',
             folder / 'assignment.json', folder / 'ptq_report.json']
    seen_by = float_run.predictions, int_run.predictions, meta
    files += save_pictures(folder / 'pictures', *seen_by, sqnr_db, parts)
    report['images'] = save_pairs(folder / 'pictures', *seen_by)
    save_int_model(
        files[0],
        IntModel(
            runner.model.state_dict(),
            dict(
                config=report['config'],
                checkpoint=report['checkpoint'],
                integer_parts=parts,
                bits=hook.bits,
                weight_bits=hook.widths,
                functions=hook.functions,
                seed=hook.seed,
                versions=report['versions'],
                dataset_meta=meta)))
    save_int_config(
        files[1],
        int_config(config, hook.model_config(config.model), files[0].name))
    save_json(files[2], hook.functions)
    save_json(files[3], report)
    files.append(folder / 'report.html')
    save_page(files[-1], [folder])
    shutil.rmtree(statistics)
    print_summary(report, float_run, int_run, files)
    return report


def _stages(hook: PTQHook, runner: Runner) -> dict[str, float]:
    loader, detector = hook.calib_dataloader, is_detector(runner.model)
    return expected(
        hook.num_batches * loader.get('batch_size', 1),
        len(runner.test_dataloader.dataset), hook.equalize, detector,
        whole=detector and hook.scope == 'all')


def _report(options: PTQOptions, weights: str | None, hook: PTQHook,
            float_run: Evaluation, int_run: Evaluation,
            sqnr_db: dict[str, float], size: dict[str, int], memory: float,
            float_parts: list[str]) -> dict[str, Any]:
    quantization = hook.done()
    return dict(
        options=options.plain(),
        config=str(options.config),
        checkpoint=weights,
        bits={
            key: hook.bits[key]
            for key in ('weight', 'activation', 'residual')
        },
        weight_bits=hook.widths,
        float=float_run.metrics,
        integer=int_run.metrics,
        classes=dict(float=float_run.classes, integer=int_run.classes),
        integer_only=True if options.verify_integer else None,
        integer_parts=hook.part_names,
        float_parts=float_parts,
        size_bytes=size,
        peak_memory_mb=dict(quantize=memory),
        milliseconds={
            name: dict(backbone=run.backbone_ms, model=run.model_ms)
            for name, run in (('float', float_run), ('integer', int_run))
        },
        seconds=dict(
            quantization.seconds,
            eval_float=float_run.seconds,
            eval_integer=int_run.seconds),
        layers=[
            choice.report(layer)
            for layer, choice in hook.choices.items()
        ],
        sqnr_db=sqnr_db,
        versions=versions(),
        seed=hook.seed)
