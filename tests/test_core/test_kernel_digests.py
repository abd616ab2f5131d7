"""The kernels without torch: inside their buffers, and on machines that one
does not have.

``kernel_digests.cpp`` chooses among the instruction sets by the same code as
the library. QEMU emulates no AVX-512: a machine that has it runs those
kernels itself, here, and everything below them emulated.
"""
import os
import subprocess
from pathlib import Path

import pytest

from debian import arm_compiler, emulator

HERE = Path(__file__).parent
SOURCES = [
    HERE / 'kernel_digests.cpp',
    *(HERE.parents[1] / 'iptq_mm' / 'core' / 'isa').glob('*.cpp')
]

X86 = {
    'qemu64': ['baseline'],  # SSE2
    'Nehalem': ['baseline'],
    'SandyBridge': ['baseline'],  # AVX
    'Haswell': ['baseline', 'avx2'],
    'max': ['baseline', 'avx2'],
    'max,-avx2': ['baseline'],
    # The CPU has AVX2, the operating system does not save its registers.
    'max,-xsave': ['baseline'],
}
"""Instruction sets that must be chosen on emulated CPUs."""

ARM = {
    'cortex-a53': ['baseline'],
    'max': ['baseline', 'neon_dot', 'neon_i8mm']
}


def build(program, compiler, *flags, env=None):
    subprocess.run(
        [*compiler, '-std=c++17', '-w', *flags, '-o', program, *SOURCES],
        env=env, check=True)
    return program


def digests(program, *runner):
    """What each instruction set made of the same numbers, by its name."""
    run = subprocess.run([*runner, program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return dict(line.split() for line in run.stdout.splitlines())


@pytest.fixture(scope='module')
def x86_program(tmp_path_factory):
    if os.uname().machine != 'x86_64':
        pytest.skip('this machine compiles no x86-64 programs')
    return build(
        tmp_path_factory.mktemp('x86') / 'kernels', ['g++'], '-O1', '-static')


@pytest.fixture(scope='module')
def here(x86_program):
    """Digests of this machine's instruction sets."""
    return digests(x86_program)


@pytest.fixture(scope='module')
def arm_program(tmp_path_factory):
    compiler, env = arm_compiler()
    return build(
        tmp_path_factory.mktemp('arm') / 'kernels', compiler, '-O1',
        '-static', env=env)


def test_kernels_stay_inside_their_buffers_and_agree(here, tmp_path):
    """Under the sanitizers an access beyond a buffer, or undefined
    behaviour, is an error. The instructions of AMX are played by C++."""
    sanitized = digests(
        build(tmp_path / 'kernels', ['g++'], '-O0', '-g1',
              '-DIPTQ_EMULATED_TILES', '-fsanitize=address,undefined',
              '-fno-sanitize-recover=all'))
    assert len(set(sanitized.values())) == 1
    assert ('amx_int8' in sanitized) == ('avx512_vbmi' in here)
    sanitized.pop('amx_int8', None)
    assert sanitized == here


@pytest.mark.parametrize('cpu', X86)
def test_x86_cpus_choose_what_they_have(x86_program, here, cpu):
    found = digests(x86_program, emulator('x86_64'), '-cpu', cpu)
    assert list(found) == X86[cpu]
    assert set(found.values()) == set(here.values())


@pytest.mark.parametrize('cpu', ARM)
def test_arm_cpus_choose_what_they_have(arm_program, here, cpu):
    found = digests(arm_program, emulator('aarch64'), '-cpu', cpu)
    assert list(found) == ARM[cpu]
    assert set(found.values()) == set(here.values())
