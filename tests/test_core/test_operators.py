"""The core without torch and Python: its own program, under the sanitizers,
and as CMake builds it."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from iptq_mm.ops import native

from classifiers import float_vit, images, integer_twin
from debian import arm_compiler, emulator, unpacked

CORE = Path(native.__file__).parents[2] / 'core'
DRIVERS = [*sorted(CORE.glob('*.cpp')),
           *sorted(CORE.glob('operators/**/*.cpp')),
           *sorted(CORE.glob('runtime/*.cpp')),
           CORE / 'tests' / 'operators.cpp']
HEADERS = 'trixie', 'libonnxruntime-dev', 'nlohmann-json3-dev'
ISAS = sorted(CORE.glob('isa/*.cpp'))


def compiled(folder, sources, *flags, compiler=('g++', ), env=None):
    """Objects of sources, which may have equal names in two folders."""
    objects = []
    for source in sources:
        objects.append(folder / f'{source.parent.name}_{source.stem}.o')
        subprocess.run(
            [*compiler, '-std=c++17', '-O1', '-g1', '-w', *flags, '-c',
             source, '-o', objects[-1]], env=env, check=True)
    return objects


@pytest.fixture(scope='module')
def kernels(tmp_path_factory):
    """Objects of the kernels; ``test_kernel_digests.py`` has them under the
    sanitizers."""
    if not shutil.which('g++'):
        pytest.skip('no g++ here')
    return compiled(tmp_path_factory.mktemp('kernels'), ISAS, '-fPIC')


@pytest.mark.parametrize('sanitizer', ['address,undefined', 'thread'])
def test_the_operators_under_a_sanitizer(kernels, tmp_path, sanitizer):
    flags = (f'-fsanitize={sanitizer}', '-fno-sanitize-recover=all')
    objects = compiled(tmp_path, DRIVERS, *flags)
    program = tmp_path / 'operators'
    subprocess.run(['g++', *flags, *objects, *kernels, '-pthread', '-o',
                    program], check=True)
    run = subprocess.run([program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout == f'ok: {native.isas()[-1]}\n'


def test_sessions_of_onnxruntime_under_the_sanitizer(kernels, tmp_path):
    if not native.available() or not native.serves_onnxruntime():
        pytest.skip("built without ONNX Runtime's headers")
    from iptq_mm.export import to_onnx
    model, x = integer_twin(float_vit(), images()), images()
    to_onnx(model, tmp_path / 'model.onnx', dynamic=True)
    quantized = model.quantize(x)
    np.save(tmp_path / 'images.npy', quantized.numpy())
    np.save(tmp_path / 'logits.npy', model.body(quantized).numpy())
    flags = ('-fsanitize=address,undefined', '-fno-sanitize-recover=all',
             '-fPIC', f'-I{unpacked(*HEADERS) / "usr/include/onnxruntime"}')
    objects = compiled(
        tmp_path, [*DRIVERS[:-1], *sorted(CORE.glob('onnxruntime/*.cpp'))],
        *flags)
    library = tmp_path / 'libiptq.so'
    subprocess.run(
        ['g++', '-shared', *flags[:2], *objects, *kernels, '-pthread',
         f'-Wl,--version-script={CORE / "iptq.map"}', '-Wl,-z,nodelete', '-o',
         library], check=True)
    preloaded = [
        subprocess.run(['g++', f'-print-file-name={name}'], check=True,
                       capture_output=True, text=True).stdout.strip()
        for name in ('libasan.so', 'libstdc++.so.6')]
    # What Python and ONNX Runtime keep to their end is no leak of ours.
    run = subprocess.run(
        [sys.executable, Path(__file__).with_name('run_sessions.py'), library,
         *(tmp_path / name for name in (
             'model.onnx', 'images.npy', 'logits.npy'))],
        env={**os.environ, 'LD_PRELOAD': ' '.join(preloaded),
             'ASAN_OPTIONS': 'detect_leaks=0'},
        capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout == 'ok: 2 refused\n'


@pytest.fixture(scope='module')
def arm_program(tmp_path_factory):
    compiler, env = arm_compiler()
    folder = tmp_path_factory.mktemp('arm')
    objects = compiled(folder, [*DRIVERS, *ISAS], compiler=compiler, env=env)
    program = folder / 'operators'
    subprocess.run([*compiler, '-static', *objects, '-pthread', '-o',
                    program], env=env, check=True)
    return program


@pytest.mark.parametrize('cpu, isa', [('cortex-a53', 'baseline'),
                                      ('max', 'neon_i8mm')])
def test_the_operators_on_arm(arm_program, cpu, isa):
    run = subprocess.run([emulator('aarch64'), '-cpu', cpu, arm_program],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout == f'ok: {isa}\n'


def test_cmake_builds_it_without_torch_and_python(tmp_path):
    if not shutil.which('cmake'):
        pytest.skip('no cmake here')
    environment = {name: os.environ[name] for name in ('PATH', 'HOME')
                   if name in os.environ}

    def run(*command):
        return subprocess.run(command, env=environment, check=True,
                              capture_output=True, text=True).stdout

    # Whether it is fast is not asked here.
    run('cmake', '-S', CORE, '-B', tmp_path, '-DCMAKE_CXX_FLAGS_RELEASE=-O1')
    run('cmake', '--build', tmp_path, '--parallel', '2')
    assert '100% tests passed' in run('ctest', '--test-dir', tmp_path)


def test_the_library_needs_only_the_system():
    library = native.library()
    if library is None:
        pytest.skip('the native kernels were not built')
    found = subprocess.run(['readelf', '--dynamic', library], check=True,
                           capture_output=True, text=True).stdout
    needed = {line.split('[')[1].rstrip(']') for line in found.splitlines()
              if '(NEEDED)' in line}
    allowed = {'libc.so.6', 'libm.so.6', 'libpthread.so.0'}
    assert {name for name in needed
            if not name.startswith('ld-linux')} <= allowed


def test_the_library_offers_the_interface_and_nothing_else():
    library = native.library()
    if library is None:
        pytest.skip('the native kernels were not built')
    found = subprocess.run(['nm', '--dynamic', '--defined-only', library],
                           check=True, capture_output=True, text=True).stdout
    names = {line.split()[-1] for line in found.splitlines()}
    assert {'iptq_linear_run', 'iptq_interface'} <= names
    names -= {'RegisterCustomOps'}  # what ONNX Runtime calls
    assert all(name.startswith('iptq_') for name in names), names
