"""What ``tools/benchmark.py`` does: measure, print, keep."""
from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich import box
from rich.console import Console
from rich.table import Table

from ..engine.atomic import atomic_file
from ..engine.errors import UserError
from ..ops import native
from .dispatch import Dispatch, measure_dispatch
from .hold import hold_onnxruntime_to_avx2
from .machine import machine
from .memory import peak_mb
from .models import MODELS, float_model, seeded_images
from .peak import Roofs, measure_roofs
from .profile import Entry, by_shape, profile
from .runtimes import OURS, RUNTIMES, file_name
from .timing import interleave


@dataclass(frozen=True)
class Options:
    """What is measured, and how.

    Args:
        model (str): A name in ``MODELS``.
        batch (int): Images at once.
        size (tuple[int, int]): Their height and width.
        threads (int): Of each runtime.
        vs (list[str]): Names in ``RUNTIMES``, beside our own.
        rounds (int): Runs of each.
        isa (str | None): Instruction set of our kernels; the best if None.
            ``avx2`` holds ONNX Runtime to it, too.
        cpu_time (bool): Count the processor's time, not the clock's.
        profile (bool): Show where the time of W8A8 goes instead.
        json (Path | None): File for the results.
    """
    model: str
    batch: int
    size: tuple[int, int]
    threads: int
    vs: list[str]
    rounds: int
    isa: str | None
    cpu_time: bool
    profile: bool
    json: Path | None

    def check(self) -> None:
        """Refuse names that do not exist.

        Raises:
            UserError: Naming those that do.
        """
        peers = [name for name in RUNTIMES if name not in OURS]
        isas = native.isas() if native.available() else []
        for what, given, known in (
            ('model', [self.model], MODELS), ('runtime --vs', self.vs, peers),
            ('instruction set --isa', [self.isa] if self.isa else [], isas)):
            for name in given:
                if name not in known:
                    raise UserError(f'there is no {what} {name}; there are: '
                                    f'{", ".join(known)}.')


def runs_of(args: Options, names: list[str],
            folder: Path) -> dict[str, Callable]:
    """What to run, by runtime; their files are in the folder."""
    for name in names:
        RUNTIMES[name].check()
    images = seeded_images((args.batch, 3, *args.size))
    model = float_model(args.model, args.size)
    for name in names:
        RUNTIMES[name].save(model, images, folder / file_name(name))
    return {
        name: RUNTIMES[name].load(folder / file_name(name), args.threads)
        for name in names
    }


def measure(args: Options, folder: Path) -> list[dict]:
    """One row for each runtime."""
    runs = runs_of(args, [*OURS, *args.vs], folder)
    images = seeded_images((args.batch, 3, *args.size))
    clock = time.process_time if args.cpu_time else time.perf_counter
    times = interleave(runs, images, args.rounds, clock)
    return [
        dict(
            runtime=name,
            median_ms=statistics.median(times[name]),
            min_ms=min(times[name]),
            max_ms=max(times[name]),
            peak_mb=peak_mb(name, folder / file_name(name), args.threads,
                            tuple(images.shape))) for name in runs
    ]


def table(rows: list[dict], title: str) -> Table:
    table = Table(title=title, title_justify='left')
    for heading in ('runtime', 'median ms', 'min', 'max', 'peak MB',
                    f'{rows[0]["runtime"]} is faster'):
        table.add_column(
            heading, justify='left' if heading == 'runtime' else 'right')
    for row in rows:
        ratio = row['median_ms'] / rows[0]['median_ms']
        table.add_row(row['runtime'], f'{row["median_ms"]:.1f}',
                      f'{row["min_ms"]:.1f}', f'{row["max_ms"]:.1f}',
                      f'{row["peak_mb"]:.0f}', f'{ratio:.2f}x')
    return table


def profiled(args: Options,
             folder: Path) -> tuple[list[Entry], Roofs, Dispatch | None]:
    """Where the time of W8A8 goes."""
    model, = runs_of(args, [OURS[0]], folder).values()
    images = seeded_images((args.batch, 3, *args.size))
    dispatch = measure_dispatch(model, images, args.rounds) if (
        native.available()) else None
    return profile(model, images, args.rounds), measure_roofs(), dispatch


def profile_table(entries: list[Entry], roofs: Roofs, title: str) -> Table:
    """80 columns wide."""
    table = Table(title=title, title_justify='left', box=box.SIMPLE_HEAD)
    for heading in ('operator', 'shape'):
        table.add_column(heading, overflow='fold')
    for heading in ('layers', 'ms', 'of all', 'of peak', 'floor ms'):
        table.add_column(heading, justify='right')
    total = sum(entry.ms for entry in entries)
    for entry in entries:
        rate = 1000 * entry.products / entry.ms
        table.add_row(
            entry.operator, entry.shape, entry.layer, f'{entry.ms:.3f}',
            f'{entry.ms / total:.1%}',
            f'{rate / roofs.products:.0%}' if entry.products else '',
            f'{roofs.floor_ms(entry):.3f}')
    table.add_row('all', '', '', f'{total:.3f}', '', '',
                  f'{sum(roofs.floor_ms(entry) for entry in entries):.3f}',
                  style='bold')
    return table


def show_profile(args: Options, folder: Path, title: str,
                 console: Console) -> dict:
    """Prints it; what goes into the JSON file, that of each layer too."""
    entries, roofs, dispatch = profiled(args, folder)
    console.print(profile_table(by_shape(entries), roofs, title))
    console.print(f'peak {roofs.products / 1e9:.0f} GMAC/s, memory '
                  f'{roofs.bandwidth / 1e9:.1f} GB/s')
    if dispatch:
        console.print(
            f'as it runs: {dispatch.ms:.3f} ms, of which '
            f'{dispatch.kernels_ms:.3f} in calls of the kernels '
            f'({dispatch.calls}), {dispatch.overhead:.1%} outside')
    return dict(profile=[asdict(entry) for entry in entries], **asdict(roofs),
                dispatch=dispatch and asdict(dispatch))


def show_runtimes(args: Options, folder: Path, title: str,
                  console: Console) -> dict:
    """Prints it; what goes into the JSON file."""
    rows = measure(args, folder)
    console.print(table(rows, title))
    return dict(rows=rows)


def run_benchmark(args: Options) -> None:
    """Measure, print a table, and write the JSON file if one is asked for.

    Raises:
        UserError: For a name that does not exist, a package that is missing,
            a runtime that the model does not run in, or ONNX Runtime that
            cannot be held to AVX2.
    """
    args.check()
    if args.isa == 'avx2' and any(name.startswith('ort') for name in args.vs):
        hold_onnxruntime_to_avx2()
    console = Console()
    before, isa = torch.get_num_threads(), args.isa and native.isa()
    torch.set_num_threads(args.threads)
    if args.isa:
        native.set_isa(args.isa)
    try:
        result = _measured(args, console)
    finally:
        torch.set_num_threads(before)
        if isa:
            native.set_isa(isa)
    if args.json:
        with atomic_file(args.json) as path:
            path.write_text(json.dumps(result, indent=2) + '\n')


def _measured(args: Options, console: Console) -> dict:
    height, width = args.size
    title = (f'{args.model}, batch {args.batch}, {height} x {width}, '
             f'{args.threads} threads{", processor time" * args.cpu_time}')
    show = show_profile if args.profile else show_runtimes
    with tempfile.TemporaryDirectory() as folder:
        result = show(args, Path(folder), title, console)
    where = machine()
    console.print(f'{where["cpu"]}, {where["isa"]}, load {where["load"]:.1f}, '
                  f'{where["versions"]}')
    return dict(result, model=args.model, batch=args.batch,
                size=list(args.size), threads=args.threads,
                cpu_time=args.cpu_time, **where)
