"""A runner with a float model, before anything is quantized."""
import itertools
import os
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner

from ...models.classifiers.weights import WeightsUnavailableError
from ..errors import UserError
from .checkpoint import load_weights, read_checkpoint, weights_of
from .config import without_ptq_hook
from .preflight import check_backbone

_NUMBERS = itertools.count()


def _unique_name(config: Config) -> str:
    """mmengine names a runner by the second, and those of one name share
    their logger, message hub, visualizer and default scope."""
    stem = Path(config.filename or 'config').stem
    return f'{stem}_{os.getpid()}_{next(_NUMBERS)}'


def build_runner(config: Config, device: str, trust: bool) -> Runner:
    """A runner whose model holds its float weights, without a ``PTQHook``.

    Args:
        config (Config): ``load_from`` is a file, or None for random weights.
        device (str): ``auto``, ``cpu`` or ``cuda``.
        trust (bool): Unpickle whatever the checkpoint holds.

    Raises:
        UserError: If the checkpoint does not fit, weights are out of reach,
            or the backbone has no integer form.
    """
    config = without_ptq_hook(config)
    config.experiment_name = _unique_name(config)
    source, config.load_from = config.load_from, None
    checkpoint = None if source is None else read_checkpoint(source, trust)
    # A new runner logs its environment and whole config, hundreds of lines.
    level, config.log_level = config.get('log_level', 'INFO'), 'WARNING'
    try:
        runner = Runner.from_cfg(config)
    except WeightsUnavailableError as error:
        raise UserError(str(error)) from error
    if is_main_process():  # the other processes keep silent
        for target in (runner.logger, *runner.logger.handlers):
            target.setLevel(level)
    check_backbone(runner.model)
    # Random weights are calibrated otherwise, and this tells them.
    runner.cfg.load_from = source
    if checkpoint is not None:
        load_weights(runner.model, weights_of(checkpoint), source)
    elif getattr(runner.model, 'weights', None) is None:
        runner.model.init_weights()
        runner.logger.warning(
            'No checkpoint (load_from is None): the weights are random, seed '
            f'{runner.seed}. What is measured says nothing about accuracy.')
    if device != 'auto':
        runner.model.to(device)
    return runner
