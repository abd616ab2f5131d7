"""Programs that tests need and a machine may lack, unpacked from Debian's
packages into the user's cache, once."""
import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

CACHE = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
CROSS_COMPILER = (
    'binutils-aarch64-linux-gnu', 'cpp-12-aarch64-linux-gnu',
    'gcc-12-aarch64-linux-gnu', 'g++-12-aarch64-linux-gnu',
    'libgcc-12-dev-arm64-cross', 'libstdc++-12-dev-arm64-cross',
    'libc6-dev-arm64-cross', 'libc6-arm64-cross',
    'linux-libc-dev-arm64-cross')


def unreachable(what: str) -> None:
    """Skip a test, saying why; in CI, where nothing may be missing, fail."""
    if os.environ.get('CI'):
        pytest.fail(what)
    pytest.skip(what)


def unpacked(suite: str, *packages: str) -> Path:
    """The root of a tree with the files of some packages.

    Args:
        suite (str): Debian's name of the release, e.g. ``bookworm``.
        packages (str): Names of packages; what they depend on is not added.
    """
    if not shutil.which('apt-get'):
        unreachable(f'no apt-get here to get {", ".join(packages)} with')
    content = hashlib.sha256(' '.join((suite, *packages)).encode())
    root = CACHE / 'iptq-mm' / 'debian' / content.hexdigest()[:16]
    root.parent.mkdir(parents=True, exist_ok=True)
    with open(f'{root}.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            partial = root.with_suffix('.partial')
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            run = subprocess.run([
                Path(__file__).parents[2] / 'tools' / 'debian' / 'packages.sh',
                partial,
                suite, *packages
            ], capture_output=True, text=True)
            if run.returncode:
                unreachable(f'{", ".join(packages)} cannot be had from '
                            f'Debian: {run.stderr[-500:]}')
            partial.rename(root)
    return root


def emulator(machine: str) -> Path:
    """QEMU's user-mode emulator of a machine, ``x86_64`` or ``aarch64``."""
    root = unpacked('bookworm', 'qemu-user-static')
    return root / 'usr' / 'bin' / f'qemu-{machine}-static'


def arm_compiler() -> tuple[list[str], dict[str, str]]:
    """g++ for 64-bit ARM: the command, and the environment it needs."""
    root = unpacked('bookworm', *CROSS_COMPILER)
    usr, name = root / 'usr', 'aarch64-linux-gnu'
    library = usr / 'lib' / 'gcc-cross' / name / '12'
    command = [
        str(usr / 'bin' / f'{name}-g++-12'), f'-B{library}',
        f'-B{usr / name / "bin"}', f'-B{usr / name / "lib"}',
        f'-L{usr / name / "lib"}', '-isystem',
        str(usr / name / 'include' / 'c++' / '12'), '-isystem',
        str(usr / name / 'include' / 'c++' / '12' / name), '-isystem',
        str(library / 'include'), '-isystem', str(usr / name / 'include')
    ]
    return command, {
        **os.environ,
        'LD_LIBRARY_PATH': str(usr / 'lib' / 'x86_64-linux-gnu'),
        'PATH': f'{usr / "bin"}{os.pathsep}{os.environ["PATH"]}'
    }
