"""How fast integer-only inference is, beside the runtimes a user may pick."""
import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from iptq_mm.benchmark import (BACKBONES, RUNTIMES, float_backbone,
                               interleave, machine)
from iptq_mm.benchmark.memory import peak_mb
from iptq_mm.benchmark.runtimes import OURS, file_name
from iptq_mm.engine.errors import UserError


def image_size(text: str) -> tuple[int, int]:
    """'224' or '800x1216' -> (height, width)."""
    sides = [int(side) for side in text.split('x')]
    if len(sides) > 2 or min(sides) < 1:
        raise ValueError
    return sides[0], sides[-1]


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
    parser.add_argument('model', choices=BACKBONES)
    parser.add_argument('--batch', type=int, default=1, metavar='B')
    parser.add_argument(
        '--size', type=image_size, default=(224, 224), metavar='S|HxW',
        help='of the images (default: 224)')
    parser.add_argument(
        '--threads', type=int, default=torch.get_num_threads(), metavar='N',
        help='default: %(default)s')
    parser.add_argument(
        '--vs', type=peers, default=['torch'], metavar='RUNTIME,...',
        help='of torch, compile, ort, ort-int8, openvino, openvino-int8 '
        '(default: torch)')
    parser.add_argument(
        '--rounds', type=int, default=20, metavar='N',
        help='runs of each (default: %(default)s)')
    parser.add_argument(
        '--json', type=Path, metavar='FILE', help='write the results as JSON')
    return parser.parse_args(args)


def measure(args: argparse.Namespace, folder: Path) -> list[dict]:
    """One row for each runtime."""
    torch.manual_seed(1)
    images = torch.randn(args.batch, 3, *args.size)
    backbone = float_backbone(args.model)
    names = [*OURS, *args.vs]
    for name in names:
        RUNTIMES[name].check()
    paths = {name: folder / file_name(name) for name in names}
    for name, path in paths.items():
        RUNTIMES[name].save(backbone, images, path)
    runs = {
        name: RUNTIMES[name].load(path, args.threads)
        for name, path in paths.items()
    }
    times = interleave(runs, images, args.rounds)
    return [
        dict(
            runtime=name,
            median_ms=statistics.median(times[name]),
            min_ms=min(times[name]),
            max_ms=max(times[name]),
            peak_mb=peak_mb(name, path, args.threads, tuple(images.shape)))
        for name, path in paths.items()
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


def main(args=None) -> int:
    args = parse_args(args)
    console = Console()
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = measure(args, Path(folder))
    except UserError as error:
        console.print(f'[bold red]error[/]: {error}')
        return 1
    where = machine()
    height, width = args.size
    console.print(
        table(rows, f'{args.model}, batch {args.batch}, {height} x {width}, '
              f'{args.threads} threads'))
    console.print(f'{where["cpu"]}, {where["isa"]}, load {where["load"]:.1f}, '
                  f'{where["versions"]}')
    if args.json:
        args.json.write_text(
            json.dumps(
                dict(rows=rows, model=args.model, batch=args.batch,
                     size=list(args.size), threads=args.threads, **where),
                indent=2) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
