"""``report.html``: what a run has done, for people."""
from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    select_autoescape,
)

from ..atomic import atomic_file
from ..errors import UserError
from .advice import advice
from .report import read_report, widths

METRICS = ('mAP', 'mAP_50', 'mAP_75', 'top1', 'top5')
"""Ends of the names of metrics that are shown."""


def save_page(path: Path, runs: Sequence[Path]) -> None:
    """One self-contained file: nothing in it is fetched from anywhere.

    Args:
        path (Path): HTML to write, whole or not at all.
        runs (Sequence[Path]): Work dirs of ``tools/ptq.py``; several stand
            beside each other.

    Raises:
        UserError: If one holds no report, or the file cannot be written.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True)
    text = environment.get_template('page.html').render(
        runs=[_run(folder) for folder in runs])
    with atomic_file(path) as temporary:
        temporary.write_text(text)


def _run(folder: Path) -> dict[str, Any]:
    """What the template shows of a work dir."""
    report = read_report(folder)
    try:
        return dict(
            name=folder.name,
            title=Path(report['config']).stem,
            width=widths(report),
            metrics=[row for row in _beside(report['float'], report['integer'])
                     if row[0].endswith(METRICS)],
            classes=_beside(**report['classes']),
            costs=_costs(report),
            advice=advice(report),
            images=_images(folder, report),
            sqnr=_bars(report['sqnr_db']),
            layers=[_layer(layer) for layer in report['layers']],
            seconds=report['seconds'],
            memory=report['peak_memory_mb']['quantize'],
            versions=report['versions'],
            config=_config(folder, report))
    except KeyError as error:
        raise UserError(
            f'{folder}/ptq_report.json has no {error}: it is of an older '
            f'version. Run tools/ptq.py again.') from error


def _beside(float: Mapping[str, Any], integer: Mapping[str, Any]
            ) -> list[tuple[str, Any, Any]]:
    """Name, float, integer of what has a value (a class without objects has
    none)."""
    return [(name.rpartition('/')[2], value, integer[name])
            for name, value in float.items()
            if None not in (value, integer.get(name))]


def _costs(report: Mapping) -> list[tuple[str, str, float, float]]:
    """What, unit, float, integer."""
    size, times = report['size_bytes'], report['milliseconds']
    return [('Size of what is integer', 'MB', size['float'] / 1e6,
             size['integer'] / 1e6),
            ('Backbone, one image', 'ms', times['float']['backbone'],
             times['integer']['backbone']),
            ('Whole model, one image', 'ms', times['float']['model'],
             times['integer']['model'])]


def _bars(sqnr_db: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Name, dB, and the length of its bar in percent."""
    most = max([*sqnr_db.values(), 1.])
    return [(name, db, max(0., 100 * db / most))
            for name, db in sqnr_db.items()]


def _layer(layer: Mapping) -> dict[str, Any]:
    """A layer's function, and the best of the others."""
    scores = dict(layer['candidates'])
    own = scores.pop(layer['assigned'], None)
    second = max(scores, key=lambda name: scores[name]['omega'], default=None)
    return dict(name=layer['name'], kind=layer['kind'],
                assigned=layer['assigned'], own=own, second=second,
                theirs=scores.get(second))


def _images(folder: Path, report: Mapping) -> list[dict[str, Any]]:
    """Those that changed most first, as data."""
    return [dict(image, **{which: _data(folder / 'pictures' / image[which])
                           for which in ('float', 'integer', 'both')
                           if which in image})
            for image in sorted(report['images'],
                                key=lambda image: -image['change'])]


def _data(path: Path) -> str:
    try:
        content = base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise UserError(f'the picture {path} is not there. Run tools/ptq.py '
                        f'again.') from error
    kind = 'png' if path.suffix == '.png' else 'jpeg'
    return f'data:image/{kind};base64,{content}'


def _config(folder: Path, report: Mapping) -> str:
    """The config as it was run, which mmengine leaves in the work dir."""
    path = folder / Path(report['config']).name
    return path.read_text() if path.is_file() else report['config']
