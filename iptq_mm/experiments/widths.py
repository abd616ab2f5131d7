"""The widths of weights and activations, and what each means is worth."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..benchmark import machine
from ..engine.artifact.int_model import stored_bytes
from ..engine.inputs.options import PTQOptions
from ..engine.quantization.calibrate import Progress
from ..engine.quantization.ptq_hook import PTQHook
from .comparison import Network
from .setting import Setting
from .tables import by_others, calibrations, classifier, measured

WIDTHS: dict[str, dict[str, int]] = {
    'W8A8': {},
    'W7A8': dict(weight=7),
    'W6A8': dict(weight=6),
    'W4A8': dict(weight=4),
    'W6A6': dict(weight=6, activation=6, attention=6),
    'W4A4': dict(weight=4, activation=4, attention=4)
}
"""``bits`` by what they are called; the image, the first and the last weights
have 8 and the residual stream 16, whatever the others have."""

MIXED, SHARE = 'W4/8A8', .6
"""Weights of 4 and 8 bits, and how much of the bytes of W8A8 they have."""

LESS: dict[str, dict[str, Any]] = {
    'all': {},
    'no equalization': dict(equalize=False),
    'no compensation': dict(compensate=False),
    'no GPTQ or compensation': dict(rounding='mse', compensate=False),
    'no GPTQ, compensation, groups or clipping':
    dict(rounding='nearest', compensate=False)
}
"""Settings of the hook that switch a means off, by its name."""

WHOLE = 'default'


def widths(options: PTQOptions, peers: Sequence[str], seeds: int,
           progress: Progress) -> dict[str, Any]:
    """Every width, beside other runtimes.

    Args:
        options (PTQOptions): Which classifier.
        peers (Sequence[str]): Keys of ``PEERS``.
        seeds (int): How many sets of calibration images, of the hook's seed
            and of those after it; the peers have the same images.
        progress (Progress): Is told what is being done.

    Returns:
        dict: As :func:`~.tables.accuracy`, with columns by width and one row;
        ``megabytes`` of the integers of each width.

    Raises:
        UserError: For input that cannot be worked with, or where a package
            that a peer needs is missing.
    """
    return calibrations(
        options, peers, seeds,
        lambda setting: _widths(setting, peers, progress))


def _widths(setting: Setting, peers: Sequence[str],
            progress: Progress) -> dict[str, Any]:
    networks, sizes = {}, {}

    def add(name: str, **changes: Any) -> None:
        networks[name, WHOLE] = network = _quantized(setting, changes)
        sizes[name] = stored_bytes(network.state_dict()) / 1e6
        progress('quantizing', len(sizes), len(WIDTHS) + 1)

    for name, bits in WIDTHS.items():
        add(name, bits=bits)
    # A small network has most of its bytes in its first and last layers.
    add(MIXED, budget_mb=max(SHARE * sizes['W8A8'], sizes['W4A8']))
    hook = setting.hook()
    with TemporaryDirectory() as folder:
        networks |= by_others(setting, hook, peers, Path(folder), progress)
        return dict(
            measured(setting, hook, networks, progress), megabytes=sizes,
            machine=machine())


def means(options: PTQOptions, progress: Progress) -> dict[str, Any]:
    """Every width without one means or another.

    Args:
        options (PTQOptions): Which classifier.
        progress (Progress): Is told what is being done.

    Returns:
        dict: As :func:`~.tables.accuracy`, rows by means that is switched
        off.

    Raises:
        UserError: For input that cannot be worked with.
    """
    setting, rows = classifier(options), {}
    for done, (name, bits) in enumerate(WIDTHS.items(), 1):
        for less, changes in LESS.items():
            rows[name, less] = _quantized(setting, dict(changes, bits=bits))
        progress('quantizing', done, len(WIDTHS))
    return dict(
        measured(setting, setting.hook(), rows, progress), machine=machine())


def _quantized(setting: Setting, changes: Mapping[str, Any]) -> Network:
    hook: PTQHook = setting.hook()
    for name, value in changes.items():
        if name == 'bits':
            value = {**hook.bits, **value}
        setattr(hook, name, value)
    return hook.quantize(setting.runner).backbone
