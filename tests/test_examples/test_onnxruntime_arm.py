"""docs/deploy/arm.md by a cross compiler and an emulator: the lines of the
Python example."""
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from conftest import ROOT
from debian import arm_compiler, emulator, unpacked
from test_examples.small_onnx import EXAMPLES, save_image

ONNXRUNTIME = '1.22.1'
"""Later ones do not start under this emulator."""

pytestmark = pytest.mark.skipif(
    not os.environ.get('IPTQ_SLOW_TESTS') or not shutil.which('cmake'),
    reason='set IPTQ_SLOW_TESTS=1 to build and emulate; needs cmake')


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Headers of Debian, ONNX Runtime's library of its wheel for ARM."""
    folder = tmp_path_factory.mktemp('onnxruntime')
    shutil.copytree(
        unpacked('trixie', 'libonnxruntime-dev', 'nlohmann-json3-dev',
                 'libstb-dev') / 'usr', folder, symlinks=True,
        dirs_exist_ok=True)
    # Where the headers are in a release.
    shutil.copytree(folder / 'include' / 'onnxruntime', folder / 'include',
                    dirs_exist_ok=True)
    run = subprocess.run(
        [sys.executable, '-m', 'pip', 'download', '-q', '--no-deps',
         '--only-binary=:all:', '--platform', 'manylinux_2_28_aarch64',
         '--python-version', '311', f'onnxruntime=={ONNXRUNTIME}', '-d',
         folder], capture_output=True, text=True)
    if run.returncode:
        pytest.skip(f'no wheel of ONNX Runtime: {run.stderr[-300:]}')
    wheel = next(folder.glob('*.whl'))
    shutil.rmtree(folder / 'lib')
    (folder / 'lib').mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if 'libonnxruntime.so' in name:
                library = folder / 'lib' / 'libonnxruntime.so'
                library.write_bytes(archive.read(name))
    shutil.copy(library, folder / 'lib' / 'libonnxruntime.so.1')
    return folder


@pytest.fixture(scope='module')
def machine(tmp_path_factory):
    """The system's libraries of an ARM machine."""
    command, _ = arm_compiler()
    folder = tmp_path_factory.mktemp('machine')
    for tree in (command[0].partition('/usr/bin')[0],
                 unpacked('bookworm', 'libstdc++6-arm64-cross',
                          'libgcc-s1-arm64-cross')):
        shutil.copytree(f'{tree}/usr/aarch64-linux-gnu/lib', folder / 'lib',
                        symlinks=True, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope='module')
def place(tmp_path_factory, root, machine):
    """Where the page's first block was run."""
    folder = tmp_path_factory.mktemp('place')
    command, env = arm_compiler()
    tree = command[0].partition('/usr/bin')[0]
    compiler = folder / 'bin' / 'aarch64-linux-gnu-g++'
    compiler.parent.mkdir()
    compiler.write_text(' '.join((
        '#!/bin/sh\nexec', *command, f'--sysroot={tree}',
        f'-Wl,--sysroot={tree}', '-Wl,--allow-shlib-undefined',
        f'-L{machine}/lib', '"$@"\n')))
    compiler.chmod(0o755)
    (folder / 'examples').symlink_to(EXAMPLES)
    (folder / 'iptq_mm').symlink_to(ROOT / 'iptq_mm')
    page = (ROOT / 'docs' / 'deploy' / 'arm.md').read_text()
    block = re.search(r'```\n(.*?)```', page, re.DOTALL)[1]
    run = subprocess.run(
        ['sh', '-e', '-c', block], cwd=folder, capture_output=True, text=True,
        env={**env, 'ONNXRUNTIME_ROOT': str(root),
             'PATH': f'{compiler.parent}{os.pathsep}{env["PATH"]}'})
    assert run.returncode == 0, run.stderr[-3000:]
    return folder


@pytest.mark.parametrize('cpu', ['max', 'cortex-a53'])
def test_detect(place, root, machine, cpu, detect, detector_file, tmp_path,
                capsys):
    save_image(tmp_path / 'image.png', 56, 40)
    arguments = [str(detector_file), str(tmp_path / 'image.png')]
    detect.main([*arguments, '--threshold', '0'])
    run = subprocess.run(
        [emulator('aarch64'), '-cpu', cpu, '-L', machine, '-E',
         f'LD_LIBRARY_PATH={machine}/lib:{root}/lib', place / 'build/detect',
         '--library', place / 'kernels/libiptq.so', '--threshold', '0',
         *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout == capsys.readouterr().out
    assert len(run.stdout.splitlines()) > 1
