"""The kernels without torch: inside their buffers, and on ARM."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCES = [
    HERE / 'kernel_digests.cpp',
    *(HERE.parents[1] / 'iptq_mm' / 'ops' / 'csrc' / 'isa').glob('*.cpp')
]

pytestmark = pytest.mark.skipif(
    not os.environ.get('IPTQ_SLOW_TESTS'),
    reason='compiles the kernels anew: set IPTQ_SLOW_TESTS=1')


def need(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        pytest.skip(f'there is no {", no ".join(missing)}')


def digests(program, *flags, runner=()):
    """What each instruction set made of the same numbers, by its name."""
    compiler, *rest = flags
    subprocess.run([
        compiler, '-std=c++20', '-w', *rest, '-o', program, *SOURCES
    ], check=True)
    run = subprocess.run([*runner, program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return dict(line.split() for line in run.stdout.splitlines())


@pytest.fixture(scope='module')
def sanitized(tmp_path_factory):
    """Of this machine, under the sanitizers: an access beyond a buffer, or
    undefined behaviour, is an error."""
    need('g++')
    return digests(
        tmp_path_factory.mktemp('sanitized') / 'kernels', 'g++', '-O1', '-g',
        '-fsanitize=address,undefined', '-fno-sanitize-recover=all')


def test_kernels_stay_inside_their_buffers_and_agree(sanitized):
    assert 'baseline' in sanitized
    assert len(set(sanitized.values())) == 1


def test_arm_gives_the_same_bits(sanitized, tmp_path):
    compiler, emulator = 'aarch64-linux-gnu-g++', 'qemu-aarch64'
    need(compiler, emulator)
    on_arm = digests(tmp_path / 'kernels', compiler, '-O2', '-static',
                     runner=(emulator, '-cpu', 'max'))
    assert set(on_arm) == {'baseline', 'neon_dot'}
    assert set(on_arm.values()) == set(sanitized.values())
