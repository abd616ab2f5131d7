"""Find objects in a folder or a parquet file of images, on many machines.

Needs ray[data], pyarrow, onnxruntime, numpy, pillow and
opencv-python-headless (requirements.txt).
"""
from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
MODULES = HERE, HERE.parent / 'onnxruntime_python'
SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')
CHUNK = 8
"""Images of a folder that one file of rows is of."""


def chunks(source: Path, model: Path) -> list[dict[str, Any]]:
    """The work, cut up the same way in every run.

    A chunk's file is named after its images and the model, so that rows of
    another model, or of a folder that has changed, are not taken for its own.

    Raises:
        ValueError: If there are no images.
    """
    version = hashlib.sha256(model.read_bytes())
    found = []
    if source.is_dir():
        names = sorted(
            path.relative_to(source).as_posix() for path in source.rglob('*')
            if path.suffix.lower() in SUFFIXES)
        found = [dict(names=names[i:i + CHUNK], group=None)
                 for i in range(0, len(names), CHUNK)]
    elif source.suffix == '.parquet' and source.exists():
        groups = pq.ParquetFile(source).num_row_groups
        found = [dict(names=[], group=i) for i in range(groups)]
        version.update(source.read_bytes()[-4096:])  # with its footer
    if not found:
        raise ValueError(f'{source} is no folder with images, nor a parquet '
                         f'file of the columns image and bytes')
    for i, chunk in enumerate(found):
        digest = version.copy()
        digest.update(repr((chunk['names'], chunk['group'])).encode())
        chunk.update(source=str(source),
                     file=f'{i:06d}-{digest.hexdigest()[:12]}.parquet')
    return found


def run(args: argparse.Namespace) -> int:
    """Work off what is not there yet; a summary of all rows."""
    work = chunks(args.images, args.model)
    args.out.mkdir(parents=True, exist_ok=True)
    left = [one for one in work if not (args.out / one['file']).exists()]
    print(f'{len(work)} chunks, {len(work) - len(left)} of them done before')
    if left:
        compute(left, args)
    rows, failed = 0, []
    digest = hashlib.sha256()
    for one in work:
        table = pq.read_table(args.out / one['file'])
        rows += len(table)
        for row in table.to_pylist():
            digest.update(repr(sorted(row.items())).encode())
            if row['error'] is not None:
                failed.append(row['error'])
    for error in failed:
        print(f'failed: {error}')
    print(f'{rows} rows, {len(failed)} of them without a result, '
          f'digest {digest.hexdigest()[:16]}')
    return rows


def compute(left: list[dict[str, Any]], args: argparse.Namespace) -> None:
    """By Ray's workers, one thread each."""
    import ray
    from work import Worker
    ray.init(address=args.address, include_dashboard=False,
             log_to_driver=False, logging_level='error', runtime_env=dict(
                 env_vars=dict(PYTHONPATH=':'.join(map(str, MODULES)))))
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = sys.stderr.isatty()
    library = args.library and str(args.library.resolve())
    done = ray.data.from_items(left, override_num_blocks=len(left)).map(
        Worker, concurrency=args.workers, num_cpus=1,
        fn_constructor_args=(str(args.model.resolve()), library,
                             str(args.out.resolve())))
    for _ in done.iter_rows():
        pass
    ray.shutdown()


def parse_args(args=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog='A run that was killed goes on where it '
        'was. Model, library, images and rows lie where every machine of the '
        'cluster finds them. Rows are parquet files in DIR: image, error, '
        'height, width, labels, scores, boxes, masks; integers.')
    parser.add_argument('model', type=Path, help='file of tools/export.py')
    parser.add_argument(
        'images', type=Path,
        help='a folder, or a parquet file with the columns image and bytes')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR')
    parser.add_argument(
        '--workers', type=int, default=2, metavar='N',
        help='of one thread each (default: %(default)s)')
    parser.add_argument(
        '--library', type=Path, metavar='FILE',
        help='libiptq.so: the same integers at the speed of its kernels')
    parser.add_argument(
        '--address', metavar='HOST:PORT',
        help='of a Ray cluster (default: this machine)')
    return parser.parse_args(args)


def main(args=None) -> int:
    args = parse_args(args)
    sys.path[:0] = map(str, MODULES)
    try:
        if not args.model.is_file():
            raise ValueError(f'there is no model {args.model}')
        args.images = args.images.resolve()
        run(args)
    except ValueError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
