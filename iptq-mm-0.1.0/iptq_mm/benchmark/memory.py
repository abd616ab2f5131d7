"""Peak memory of one runtime, measured in a process of its own (Linux).

Run as ``python -m iptq_mm.benchmark.memory RUNTIME FILE THREADS B H W``;
prints megabytes.
"""
import subprocess
import sys
from pathlib import Path

import torch

from .models import seeded_images
from .runtimes import RUNTIMES


def peak_mb(runtime: str, path: Path, threads: int,
            shape: tuple[int, int, int, int]) -> float:
    """How far the resident memory of a process exceeds what it was before
    it loads the model, while it then runs it three times.

    Args:
        runtime (str): Key of ``RUNTIMES``.
        path (Path): The file that the runtime saved.
        threads (int): Threads.
        shape (tuple): Of the images.
    """
    command = [
        sys.executable, '-m', __spec__.name, runtime, path, threads, *shape
    ]
    output = subprocess.run(
        [str(part) for part in command], check=True, text=True,
        stdout=subprocess.PIPE).stdout
    return float(output.split()[-1])


def _resident(field: str) -> float:
    """``VmRSS`` (now) or ``VmHWM`` (at most, so far) in MB."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f'/proc/self/status has no {field}')


@torch.no_grad()
def _main(runtime: str, path: str, threads: str, *shape: str) -> None:
    images = seeded_images(tuple(int(side) for side in shape))
    before = _resident('VmRSS')
    run = RUNTIMES[runtime].load(Path(path), int(threads))
    # From here on: reading a file may take more than running the model.
    Path('/proc/self/clear_refs').write_text('5')
    for _ in range(3):
        run(images)
    print(_resident('VmHWM') - before)


if __name__ == '__main__':
    _main(*sys.argv[1:])
