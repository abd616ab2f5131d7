"""What each table measures, as plain Python for JSON."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from ..benchmark import machine
from ..engine.inputs.options import PTQOptions
from ..engine.quantization.calibrate import Progress
from ..engine.quantization.ptq_hook import PTQHook
from .assignments import Assignment, ablations, default, families
from .comparison import Network, compare
from .peers import QUANTIZERS, check_peer
from .seeds import over_seeds
from .setting import Setting
from .shared_calibration import SharedCalibration, calibrate
from .subject import Subject

WIDTHS = (8, 4)
"""Of the weights."""

OTHERS = 'int8'
"""Column of the networks of other runtimes."""

Choose = Callable[[Subject, PTQHook], Mapping[str, Assignment]]
"""Which functions the rows of a table have, by the name of the row."""

Rows = dict[tuple[str, str], Network]
"""Networks by column of a table, such as ``W8A8``, and row."""


def accuracy(options: PTQOptions, peers: Sequence[str], seeds: int,
             progress: Progress) -> dict[str, Any]:
    """Every family of functions, the Unified Metric and other runtimes.

    Args:
        options (PTQOptions): Which classifier.
        peers (Sequence[str]): Keys of ``PEERS``.
        seeds (int): How many sets of calibration images, of the hook's seed
            and of those after it; the peers have the same images.
        progress (Progress): Is told what is being done.

    Returns:
        dict: ``float``, its figures; ``columns``, the figures of each row
        under ``W8A8``, ``W4A8`` and, of the peers, ``int8``; ``int_ops`` of
        each assignment; what was measured, and where. Of several sets the
        mean, see :func:`over_seeds`.

    Raises:
        UserError: For input that cannot be worked with, or where a package
            that a peer needs is missing.
    """
    return calibrations(
        options, peers, seeds,
        lambda setting: _accuracy(setting, peers, progress))


def calibrations(options: PTQOptions, peers: Sequence[str], seeds: int,
                 measure: Callable[[Setting], dict]) -> dict[str, Any]:
    """The mean of what is measured on several sets of calibration images.

    Args:
        options (PTQOptions): Which classifier.
        peers (Sequence[str]): Keys of ``PEERS``, whose packages must be there.
        seeds (int): How many sets, of the hook's seed and of those after it.
        measure (Callable): An entry for one set.

    Raises:
        UserError: As :func:`accuracy`.
    """
    for name in peers:
        check_peer(name)
    setting = classifier(options)
    first = setting.hook().seed
    return over_seeds([
        measure(setting.with_seed(seed))
        for seed in range(first, first + seeds)
    ])


def _accuracy(setting: Setting, peers: Sequence[str],
              progress: Progress) -> dict[str, Any]:
    hook = setting.hook()
    rows, shared, assignments = _columns(setting, families, progress)
    with TemporaryDirectory() as folder:
        rows |= by_others(setting, hook, peers, Path(folder), progress)
        return dict(
            measured(setting, hook, rows, progress),
            int_ops=_operations(setting, hook, shared, assignments),
            machine=machine())


def ablation(options: PTQOptions, progress: Progress) -> dict[str, Any]:
    """The Unified Metric without one candidate or one of its terms.

    Args:
        options (PTQOptions): Which classifier.
        progress (Progress): Is told what is being done.

    Returns:
        dict: As :func:`accuracy`; ``changed`` counts the layers of each row
        that have another candidate than with the whole metric.

    Raises:
        UserError: For input that cannot be worked with.
    """
    setting = classifier(options)
    hook = setting.hook()
    rows, shared, assignments = _columns(setting, ablations, progress)
    changed = {}
    for name, one in assignments.items():
        whole = assignments[f'{name.partition("/")[0]}/full']
        changed[name] = sum(one[layer] != whole[layer] for layer in one)
    return dict(
        measured(setting, hook, rows, progress),
        int_ops=_operations(setting, hook, shared, assignments),
        changed=changed)


def calibration_size(options: PTQOptions, sizes: Sequence[int],
                     progress: Progress) -> dict[str, Any]:
    """The Unified Metric's choice, calibrated on so many images.

    Args:
        options (PTQOptions): Which classifier.
        sizes (Sequence[int]): Numbers of images; the smaller sets are parts
            of the larger ones.
        progress (Progress): Is told what is being done.

    Returns:
        dict: As :func:`accuracy`, rows by number of images.

    Raises:
        UserError: For input that cannot be worked with, such as too few
            images.
    """
    setting = classifier(options)
    rows = {}
    for size in sizes:

        named = partial(_default_as, str(size))
        rows |= _columns(setting, named, progress, size)[0]
    return measured(setting, setting.hook(sizes[-1]), rows, progress)


def _default_as(name: str, subject: Subject,
                hook: PTQHook) -> dict[str, Assignment]:
    return {name: default(subject, hook)}


def quantization_time(options: PTQOptions) -> dict[str, Any]:
    """How long each stage takes, as ``tools/ptq.py`` runs them.

    Args:
        options (PTQOptions): Which classifier.

    Returns:
        dict: ``seconds`` by stage, see ``engine.quantize.Quantization``, and
        what was measured where.

    Raises:
        UserError: For input that cannot be worked with.
    """
    setting = classifier(options)
    hook = setting.hook()
    quantization = hook.quantize(setting.runner)
    return dict(
        setting.describe(hook), seconds=quantization.seconds,
        machine=machine())


def classifier(options: PTQOptions) -> Setting:
    """The setting of a config; refuses a detector."""
    setting = Setting.of(options)
    setting.check_classifier()
    return setting


def _columns(
    setting: Setting, choose: Choose, progress: Progress,
    num_calib: int | None = None
) -> tuple[Rows, SharedCalibration, Mapping[str, Assignment]]:
    """Integer networks of every width and assignment; equal assignments share
    one. Beside them calibration and assignments at the first width."""
    rows, first = {}, None
    for weight in WIDTHS:
        hook = setting.hook(num_calib, weight)
        shared = calibrate(setting, hook, progress)
        assignments, networks = choose(shared.subject, hook), {}
        first = first or (shared, assignments)
        column = f'W{weight}A{shared.bits["activation"]}'
        for done, (name, one) in enumerate(assignments.items(), 1):
            key = tuple(one.items())
            if key not in networks:
                networks[key] = shared.lower(one)
            rows[column, name] = networks[key]
            progress(f'lowering {column}', done, len(assignments))
    return rows, *first


def by_others(setting: Setting, hook: PTQHook, peers: Sequence[str],
              folder: Path, progress: Progress) -> Rows:
    """Networks of other runtimes, calibrated on the hook's images."""
    rows = {}
    for done, name in enumerate(peers, 1):
        images = islice(setting.calibration_images(hook), hook.num_batches)
        rows[OTHERS, name] = QUANTIZERS[name](
            setting.runner.model.backbone, torch.cat([*images]), folder)
        progress('quantizing by others', done, len(peers))
    return rows


def measured(setting: Setting, hook: PTQHook, rows: Rows,
             progress: Progress) -> dict[str, Any]:
    """Top-1 and SQNR of networks, by column and row, and of what."""
    total = len(setting.runner.test_dataloader)
    figures = compare(
        setting.runner.model.backbone, rows, setting.images(),
        lambda done: progress('comparing', done, total))
    exact, columns = figures.pop('float'), {}
    for (column, name), values in figures.items():
        columns.setdefault(column, {})[name] = values
    return dict(setting.describe(hook), float=exact, columns=columns)


def _operations(setting: Setting, hook: PTQHook, shared: SharedCalibration,
                assignments: Mapping[str, Assignment]) -> dict[str, float]:
    """Integer operations of the non-linear layers for one image."""
    batch, _ = next(setting.images())
    probe = shared.subject.probe([batch[:1]], hook.fit)
    return {name: probe.operations(one) for name, one in assignments.items()}
