"""Build a wheel of mmcv with its CPU operators in about a minute.

mmcv compiles 78 small files, and each of them parses torch's headers again:
that is ten minutes of two cores. Here those that can share a translation unit
do. The wheel is for the Python and the torch that run this script; they need
setuptools, wheel, ninja and psutil beside them, and g++.
"""
from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ALONE = ('pybind', 'psamask', 'roi_align', 'roi_align_rotated',
         'rotated_feature_align', 'bbox_overlaps_cpu')
"""Files that share names with others, or redefine ``min`` and ``max``: the
first of ``csrc/pytorch``, the rest of ``csrc/pytorch/cpu``."""


def download(package: str, version: str, folder: Path) -> Path:
    """Fetch and unpack a source distribution; its folder."""
    subprocess.run([
        sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps',
        '--no-binary', package, '--no-build-isolation', '--dest', folder,
        f'{package}=={version}'
    ], check=True)
    archive, = folder.glob('*.tar.gz')
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter='data')
    source, = (path.parent for path in folder.glob('*/setup.py'))
    return source


def group(sources: Path, alone: tuple[str, ...]) -> None:
    """Leave one ``.cpp`` in a folder that includes the others, and those that
    must stay alone."""
    parts = sources / 'parts'
    parts.mkdir()
    together = [
        path.rename(parts / path.name)
        for path in sorted(sources.glob('*.cpp')) if path.stem not in alone
    ]
    # The name is sorted first, so that the longest work begins first.
    (sources / '_together.cpp').write_text(''.join(
        f'#include "parts/{path.name}"\n' for path in together))


def build(source: Path, wheel_dir: Path) -> Path:
    """Compile; the wheel."""
    operators = source / 'mmcv' / 'ops' / 'csrc' / 'pytorch'
    group(operators, ALONE[:1])
    group(operators / 'cpu', ALONE[1:])
    # torch's headers ask for their own C++ standard, newer than mmcv's, and
    # torch's build adds it where none is named.
    setup = source / 'setup.py'
    setup.write_text(setup.read_text().replace("['-std=c++17']", '[]'))
    scripts = Path(sys.executable).parent  # of ninja
    subprocess.run(
        [
            sys.executable, '-m', 'pip', 'wheel', '--no-deps',
            '--no-build-isolation', '--wheel-dir', wheel_dir, source
        ],
        env={
            **os.environ,
            'MMCV_WITH_OPS': '1',
            'FORCE_CUDA': '0',
            'CUDA_VISIBLE_DEVICES': '',
            'MAX_JOBS': str(len(os.sched_getaffinity(0))),
            'CFLAGS': '-O1 -g0 -w',
            'PATH': f'{scripts}{os.pathsep}{os.environ["PATH"]}',
        },
        check=True)
    wheel, = wheel_dir.glob('*.whl')
    return wheel


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('version', help='of mmcv, for example 2.3.6')
    parser.add_argument(
        '--package', default='onedl-mmcv', help='the name under which it is '
        'published: onedl-mmcv (default), or mmcv up to 2.2.0')
    parser.add_argument(
        '--wheel-dir', type=Path, default=Path('.'), metavar='FOLDER',
        help='where the wheel goes (default: here)')
    return parser.parse_args(args)


def main() -> None:
    args = parse_args()
    if not shutil.which('g++'):
        sys.exit('error: there is no g++ to build mmcv with: install gcc')
    args.wheel_dir.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that the last step is a rename.
    with tempfile.TemporaryDirectory(
            prefix='build.', dir=args.wheel_dir) as folder:
        work = Path(folder)
        (work / 'wheel').mkdir()
        source = download(args.package, args.version, work)
        wheel = build(source, work / 'wheel')
        print(wheel.replace(args.wheel_dir / wheel.name))


if __name__ == '__main__':
    main()
