"""Whether the Unified Metric chooses well, measured on one detector.

Output SQNR and integer operations of every homogeneous family and of every
reading of the metric, their gap to the best assignments that a search finds,
and how well Omega ranks random assignments.
"""
import argparse
import json
import sys
from pathlib import Path

from mmengine.config import DictAction
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, track
from rich.table import Table
from scipy.stats import spearmanr

import iptq_mm  # noqa: F401  (registers the candidates)
from iptq_mm.assignment import NORMALIZATIONS
from iptq_mm.engine.atomic import atomic_file
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.options import PTQOptions, resolve
from iptq_mm.engine.study import (Subject, assigned, attempt, prepare, score,
                                  search)
from iptq_mm.evaluation.families import (FAMILIES, PAPER_CANDIDATES,
                                         homogeneous)
from iptq_mm.evaluation.front import Point, front, gap_db


def parse_args(args=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config with a PTQHook')
    parser.add_argument('checkpoint', nargs='?')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        default={}, metavar='KEY=VALUE')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--num-calib', type=int, default=32)
    parser.add_argument(
        '--num-search', type=int, default=2, help='training images that '
        'calibration has not seen, to search on (default: %(default)s)')
    parser.add_argument('--num-val', type=int, default=8,
                        help='test images to report on (default: %(default)s)')
    parser.add_argument(
        '--num-random', type=int, default=40, help='random assignments for '
        'the rank correlation (default: %(default)s)')
    parser.add_argument('--json', type=Path, metavar='FILE')
    return parser.parse_args(args)


def contestants(subject: Subject, measures: dict) -> dict[str, dict]:
    """Assignments under comparison, by name."""
    kinds = {name: layer.kind for name, layer in subject.layers.items()}
    everything = {layer: sorted(c) for layer, c in subject.candidates.items()}
    papers = {layer: PAPER_CANDIDATES[kind] for layer, kind in kinds.items()}
    result = {family: homogeneous(family, kinds) for family in FAMILIES}
    for reading in sorted(NORMALIZATIONS.module_dict):
        result[f'metric {reading}'] = assigned(
            score(measures, reading, everything))
        result[f'metric {reading}, paper\'s candidates'] = assigned(
            score(measures, reading, papers))
    return result


def rank_correlation(subject: Subject, measures: dict, number: int,
                     seed: int) -> dict[str, float]:
    """Spearman's between the mean Omega and the SQNR of random ones."""
    drawn = list(subject.random_assignments(number, seed))
    sqnr = [subject.val.sqnr_db(one)
            for one in track(drawn, 'random assignments')]
    everything = {layer: sorted(c) for layer, c in subject.candidates.items()}
    correlation = {}
    for reading in sorted(NORMALIZATIONS.module_dict):
        scores = score(measures, reading, everything)
        worth = [sum(scores[layer][name].omega for layer, name in one.items())
                 for one in drawn]
        correlation[reading] = float(spearmanr(worth, sqnr).statistic)
    return correlation


def run(args: argparse.Namespace, console: Console) -> dict:
    config = resolve(PTQOptions(
        args.config, args.checkpoint, cfg_options=args.cfg_options,
        num_calib=args.num_calib, seed=args.seed, work_dir='work_dirs/study'))
    subject = prepare(config, args.num_search, args.num_val, args.seed)
    measures = subject.measures()
    assignments = contestants(subject, measures)
    with Progress(SpinnerColumn(), TextColumn('{task.description}'),
                  TextColumn('{task.completed} tried')) as bar:
        task = bar.add_task('searching the front', total=None)
        tried = search(subject, [assignments['tables'], assignments['iptq']],
                       lambda: bar.advance(task))
    best: list[Point] = front([
        attempt(subject.val, point.assignment)
        for point in track(front(tried), 'the front on test images')
    ] + [attempt(subject.val, one) for one in assignments.values()])
    rows = {}
    for name, assignment in assignments.items():
        point = attempt(subject.val, assignment)
        rows[name] = dict(sqnr_db=point.sqnr_db, int_ops=point.operations,
                          gap_db=gap_db(point, best))
    result = dict(
        config=args.config, seed=args.seed, num_val=args.num_val,
        tried=len(tried), families=rows,
        front=[dict(int_ops=p.operations, sqnr_db=p.sqnr_db) for p in best],
        rank_correlation=rank_correlation(subject, measures, args.num_random,
                                          args.seed))
    show(result, console)
    return result


def show(result: dict, console: Console) -> None:
    table = Table(title=f'{result["config"]}, seed {result["seed"]}, '
                  f'{result["num_val"]} test images')
    for column in ('assignment', 'SQNR / dB', '10^6 operations', 'gap / dB'):
        table.add_column(column)
    for name, row in result['families'].items():
        table.add_row(name, f'{row["sqnr_db"]:.2f}',
                      f'{row["int_ops"] / 1e6:.1f}', f'{row["gap_db"]:.2f}')
    console.print(table)
    console.print('Spearman correlation of mean Omega and SQNR: ' + ', '.join(
        f'{name} {value:.2f}'
        for name, value in result['rank_correlation'].items()))


def main() -> int:
    args, console = parse_args(), Console()
    try:
        result = run(args, console)
    except UserError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    if args.json:
        with atomic_file(args.json) as temporary:
            temporary.write_text(json.dumps(result, indent=2) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
