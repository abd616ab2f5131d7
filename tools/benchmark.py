"""How fast integer-only inference is, beside the runtimes a user may pick."""
import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from iptq_mm.benchmark import (MODELS, RUNTIMES, Entry, Roofs, by_operator,
                               float_model, interleave, machine,
                               measure_roofs, profile, seeded_images)
from iptq_mm.benchmark.memory import peak_mb
from iptq_mm.benchmark.runtimes import OURS, file_name
from iptq_mm.engine.atomic import atomic_file
from iptq_mm.engine.command_line import command, image_size, positive
from iptq_mm.ops import native


def peers(text: str) -> list[str]:
    names = [name for name in text.split(',') if name]
    unknown = set(names) - (set(RUNTIMES) - set(OURS))
    if unknown:
        raise argparse.ArgumentTypeError(
            f'{", ".join(sorted(unknown))}: choose from '
            f'{", ".join(name for name in RUNTIMES if name not in OURS)}')
    return names


def parse_args(args=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', choices=MODELS)
    parser.add_argument('--batch', type=positive, default=1, metavar='B')
    parser.add_argument(
        '--size', type=image_size, default=(224, 224), metavar='S|HxW',
        help='of the images (default: 224)')
    parser.add_argument(
        '--threads', type=positive, default=torch.get_num_threads(),
        metavar='N', help='default: %(default)s')
    parser.add_argument(
        '--vs', type=peers, default=['torch'], metavar='RUNTIME,...',
        help='of torch, compile, ort, ort-int8, ort-iptq (our integers as '
        'tools/export.py writes them), openvino, openvino-int8 (default: '
        'torch)')
    parser.add_argument(
        '--rounds', type=positive, default=20, metavar='N',
        help='runs of each (default: %(default)s)')
    parser.add_argument(
        '--isa', choices=native.isas() if native.available() else (),
        help='instruction set of our kernels (default: the best)')
    parser.add_argument(
        '--cpu-time', action='store_true',
        help='count the time of the processor, all threads together, not that '
        'of the clock: for a machine that has other work, with --threads 1')
    parser.add_argument(
        '--profile', action='store_true',
        help='show where the time of W8A8 goes, by operator and layer, beside '
        'the least time that this machine could do it in')
    parser.add_argument(
        '--json', type=Path, metavar='FILE', help='write the results as JSON')
    return parser.parse_args(args)


def runs_of(args: argparse.Namespace, names: list[str],
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


def measure(args: argparse.Namespace, folder: Path) -> list[dict]:
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


def profiled(args: argparse.Namespace,
             folder: Path) -> tuple[list[Entry], Roofs]:
    """Where the time of W8A8 goes."""
    model, = runs_of(args, OURS[:1], folder).values()
    images = seeded_images((args.batch, 3, *args.size))
    return profile(model, images, args.rounds), measure_roofs()


def profile_table(entries: list[Entry], roofs: Roofs, title: str) -> Table:
    table = Table(title=title, title_justify='left')
    for heading in ('layer', 'operator'):
        table.add_column(heading, overflow='fold')
    for heading in ('ms', 'of all', 'GMAC', 'MB', 'GMAC/s', 'of peak',
                    'floor ms'):
        table.add_column(heading, justify='right')
    total = sum(entry.ms for entry in entries)
    for entry in entries:
        rate = 1000 * entry.products / entry.ms
        table.add_row(
            entry.layer, entry.operator, f'{entry.ms:.3f}',
            f'{entry.ms / total:.1%}', f'{entry.products / 1e9:.3f}',
            f'{entry.bytes / 1e6:.2f}',
            *([f'{rate / 1e9:.0f}', f'{rate / roofs.products:.0%}']
              if entry.products else ['', '']),
            f'{roofs.floor_ms(entry):.3f}')
    table.add_row('all', '', f'{total:.3f}', '', '', '', '', '',
                  f'{sum(roofs.floor_ms(entry) for entry in entries):.3f}',
                  style='bold')
    return table


def show_profile(args: argparse.Namespace, folder: Path, title: str,
                 console: Console) -> dict:
    """Prints it; what goes into the JSON file."""
    entries, roofs = profiled(args, folder)
    for rows in (entries, by_operator(entries)):
        console.print(profile_table(rows, roofs, title))
    console.print(f'peak {roofs.products / 1e9:.0f} GMAC/s, memory '
                  f'{roofs.bandwidth / 1e9:.1f} GB/s')
    return dict(profile=[asdict(entry) for entry in entries], **asdict(roofs))


def show_runtimes(args: argparse.Namespace, folder: Path, title: str,
                  console: Console) -> dict:
    """Prints it; what goes into the JSON file."""
    rows = measure(args, folder)
    console.print(table(rows, title))
    return dict(rows=rows)


@command
def main(args=None) -> None:
    args = parse_args(args)
    console = Console()
    torch.set_num_threads(args.threads)
    if args.isa:
        native.set_isa(args.isa)
    height, width = args.size
    title = (f'{args.model}, batch {args.batch}, {height} x {width}, '
             f'{args.threads} threads{", processor time" * args.cpu_time}')
    show = show_profile if args.profile else show_runtimes
    with tempfile.TemporaryDirectory() as folder:
        result = show(args, Path(folder), title, console)
    where = machine()
    console.print(f'{where["cpu"]}, {where["isa"]}, load {where["load"]:.1f}, '
                  f'{where["versions"]}')
    if args.json:
        result.update(
            model=args.model, batch=args.batch, size=list(args.size),
            threads=args.threads, cpu_time=args.cpu_time, **where)
        with atomic_file(args.json) as path:
            path.write_text(json.dumps(result, indent=2) + '\n')


if __name__ == '__main__':
    sys.exit(main())
