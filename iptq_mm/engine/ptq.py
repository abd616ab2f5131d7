"""What ``tools/ptq.py`` does: evaluate, quantize, evaluate, write."""
import copy
from itertools import islice
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import nn

from ..registry import HOOKS
from .artifact import IntModel, save_int_model
from .config import ptq_hook_config
from .evaluation import Evaluation, evaluate
from .int_config import int_config, save_int_config
from .options import PTQOptions, resolve
from .pictures import save_pictures
from .prediction_hook import PredictionHook
from .ptq_hook import PTQHook
from .report import save_json, size_bytes, versions
from .runner import build_runner
from .sqnr import backbone_sqnr
from .summary import print_summary
from .verify import verify_integer

FEW_BATCHES = 4
"""Calibration batches over which the SQNR is taken, and which the integer
backbone sees under the guard."""


def run_ptq(options: PTQOptions) -> dict[str, Any]:
    """Evaluate the float model, quantize it, evaluate it again, and write
    artifacts, report and pictures to the work dir.

    Returns:
        dict: What ``ptq_report.json`` holds.

    Raises:
        UserError: For input that cannot be worked with.
    """
    config = resolve(options)
    runner = build_runner(config, options.device, options.trust_checkpoint)
    float_backbone = runner.model.backbone
    keeper = PredictionHook()
    runner.register_hook(keeper)
    hook: PTQHook = HOOKS.build(copy.deepcopy(ptq_hook_config(config)))

    # Calibration takes a minute, an evaluation hours: what cannot work shows
    # early.
    quantization = hook.quantize(runner)
    runner.logger.info('Evaluating the float model.')
    float_run = evaluate(runner, keeper)
    hook.install(runner)
    runner.logger.info('Evaluating the model with the integer backbone.')
    int_run = evaluate(runner, keeper)
    images = list(islice(hook.images, min(FEW_BATCHES, hook.num_batches)))
    sqnr_db = backbone_sqnr(float_backbone, quantization.backbone, images)
    if options.verify_integer:
        verify_integer(quantization.backbone, images)
        runner.logger.info(
            f'No floating-point tensor in the integer backbone, and every '
            f'operator equal to its reference, on {len(images)} batches.')

    report = _report(options, config, hook, float_backbone, float_run,
                     int_run, sqnr_db)
    metainfo = runner.test_dataloader.dataset.metainfo
    meta = {key: metainfo[key] for key in ('classes', 'palette')}
    folder = Path(config.work_dir)
    files = [folder / 'int_model.pth', folder / 'int_config.py',
             folder / 'assignment.json', folder / 'ptq_report.json']
    files += save_pictures(folder / 'pictures', float_run.predictions,
                           int_run.predictions, meta, sqnr_db)
    save_int_model(
        files[0],
        IntModel(
            runner.model.state_dict(),
            dict(
                config=report['config'],
                checkpoint=report['checkpoint'],
                integer_parts=['backbone'],
                bits=hook.bits,
                functions=quantization.functions,
                seed=hook.seed,
                versions=report['versions'],
                dataset_meta=meta)))
    save_int_config(
        files[1],
        int_config(config, quantization.functions, hook.bits, files[0].name))
    save_json(files[2], quantization.functions)
    save_json(files[3], report)
    print_summary(report, float_run, int_run, files)
    return report


def _report(options: PTQOptions, config: Config, hook: PTQHook,
            float_backbone: nn.Module, float_run: Evaluation,
            int_run: Evaluation, sqnr_db: dict[str, float]) -> dict[str, Any]:
    quantization = hook.quantization
    return dict(
        config=str(options.config),
        checkpoint=config.load_from,
        bits={
            key: hook.bits[key]
            for key in ('weight', 'activation', 'residual')
        },
        float=float_run.metrics,
        integer=int_run.metrics,
        integer_only=True if options.verify_integer else None,
        size_bytes=dict(
            float=size_bytes(float_backbone.state_dict()),
            integer=size_bytes(quantization.backbone.state_dict())),
        seconds=dict(
            quantization.seconds,
            eval_float=float_run.seconds,
            eval_integer=int_run.seconds),
        layers=[
            choice.report(layer)
            for layer, choice in quantization.choices.items()
        ],
        sqnr_db=sqnr_db,
        versions=versions(),
        seed=hook.seed)
