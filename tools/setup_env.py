"""Set up everything in .venv: torch, the OpenMMLab projects, this project.

mmcv has compiled operators and no wheel for this torch. Its wheel is built
once a machine, beside the rest, and kept in the user's cache under the
versions that it was built for. Needs nothing but Python 3.11 and gcc.
"""
import hashlib
import os
import platform
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / '.venv'
PYTHON = VENV / 'bin' / 'python'
STAMP = VENV / 'iptq-mm-setup.sha256'
CACHE = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
REQUIREMENTS = ROOT / 'requirements'
PACKAGES = ROOT / 'tools' / 'debian' / 'packages.sh'
HEADERS = CACHE / 'iptq-mm' / 'onnxruntime-headers'

SECONDS = dict(torch=56, libraries=47, mmdet=9, kernels=50, mmcv=18, check=7)
"""What each step took on two cores, from nothing: for the time that is left.
mmcv is built beside those before it; what it adds is counted here."""


class SetupError(Exception):
    """What went wrong, and the remedy."""


class Steps:
    """Runs one step after another, saying how long the rest will take."""

    def __init__(self) -> None:
        self.done: dict[str, float] = {}

    def run(self, name: str, what: str, command: list) -> None:
        """Run a command of a step.

        Raises:
            SetupError: If it fails; the end of its output goes to stderr.
        """
        self.wait(name, what, start(name, command))

    def wait(self, name: str, what: str, process: subprocess.Popen) -> None:
        """As :meth:`run`, for a command that runs already."""
        began = time.monotonic()
        stop = threading.Event()
        ticker = threading.Thread(
            target=self._tick, args=(name, what, began, stop))
        ticker.start()
        try:
            code = process.wait()
        finally:
            stop.set()
            ticker.join()
        took = time.monotonic() - began
        self.done[name] = took
        if code:
            log = log_of(name)
            print(*log.read_text().splitlines()[-25:], sep='\n',
                  file=sys.stderr)
            raise SetupError(f'{what}. The whole output is in {log}')
        say(f'{what}: {took:.0f} s')

    def _tick(self, name: str, what: str, began: float,
              stop: threading.Event) -> None:
        """A line that moves; where nobody sees it move, a line now and
        then."""
        moves = sys.stdout.isatty()
        while not stop.wait(1 if moves else 20):
            elapsed = time.monotonic() - began
            line = (f'{what}: {elapsed:.0f} s, about '
                    f'{self.seconds_left(name, elapsed):.0f} s left')
            if moves:
                print(f'\r\033[Ksetup: {line}', end='', flush=True)
            else:
                say(line)
        if moves:
            print('\r\033[K', end='')

    def seconds_left(self, name: str, elapsed: float) -> float:
        """Of all steps, on a machine as fast as the steps so far were."""
        expected = sum(SECONDS[step] for step in self.done) or 1
        speed = sum(self.done.values()) / expected if self.done else 1
        later = sum(seconds for step, seconds in SECONDS.items()
                    if step not in self.done and step != name)
        return speed * later + max(1, speed * SECONDS[name] - elapsed)


def say(line: str) -> None:
    print(f'setup: {line}', flush=True)


def log_of(name: str) -> Path:
    return VENV / f'iptq-mm-setup-{name}.log'


def start(name: str, command: list) -> subprocess.Popen:
    """Run a command in the background, its output in the step's log."""
    with log_of(name).open('w') as log:
        return subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)


def pip(*args) -> list:
    return [PYTHON, '-m', 'pip', '--disable-pip-version-check', *args]


def pinned(name: str) -> str:
    """The version that the requirements pin a distribution to."""
    text = ''.join(
        path.read_text() for path in sorted(REQUIREMENTS.glob('*.txt')))
    return re.search(rf'^{name}==(.*)$', text, re.MULTILINE)[1]


def onnxruntime_headers() -> subprocess.Popen:
    """Unpack those of Debian beside other downloads; where that cannot be,
    there is no binding to ONNX Runtime, and all else."""
    if HEADERS.is_dir():
        return start('headers', ['true'])
    return start('headers', [
        'sh', '-ec', '"$0" "$1.partial" trixie libonnxruntime-dev; '
        'mv "$1.partial" "$1"', PACKAGES, HEADERS
    ])


def fingerprint() -> str:
    """Of all that the environment follows from: when it changes, set up
    anew."""
    digest = hashlib.sha256(str(ROOT).encode())
    for path in (*sorted(REQUIREMENTS.glob('*.txt')), ROOT / 'setup.py',
                 ROOT / 'pyproject.toml', Path(__file__),
                 ROOT / 'tools' / 'build_mmcv.py',
                 PACKAGES,
                 *sorted((ROOT / 'iptq_mm' / 'core').rglob('*.[ch]*'))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make_environment() -> None:
    """An empty .venv of the Python that runs this.

    Raises:
        SetupError: If that is too old, or cannot.
    """
    if sys.version_info < (3, 11):
        raise SetupError(f'{sys.executable} is Python '
                         f'{platform.python_version()}: install Python 3.11 '
                         f'and run `make PYTHON=python3.11`')
    say(f'making {VENV.name} of Python {platform.python_version()}')
    if subprocess.run([sys.executable, '-m', 'venv', VENV]).returncode:
        raise SetupError(f'{sys.executable} cannot make a virtual '
                         f'environment: install its venv module')


def main() -> None:
    wanted = fingerprint()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        say(f'{VENV.name} is set up already')
        return
    began = time.monotonic()
    if not PYTHON.exists():
        make_environment()
    STAMP.unlink(missing_ok=True)
    steps = Steps()
    files = {path.stem: f'-r{path}' for path in REQUIREMENTS.glob('*.txt')}
    steps.run('torch', 'downloading torch (some gigabytes)',
              pip('install', files['torch']))
    wheels = CACHE / 'iptq-mm' / 'wheels' / (
        f'onedl-mmcv-{pinned("onedl-mmcv")}-torch-{pinned("torch")}-'
        f'cp{sys.version_info[0]}{sys.version_info[1]}-{platform.machine()}')
    headers = onnxruntime_headers()
    built = wheels.is_dir() and any(wheels.glob('*.whl'))
    mmcv = None if built else start('mmcv', [
        PYTHON, ROOT / 'tools' / 'build_mmcv.py', pinned('onedl-mmcv'),
        '--wheel-dir', wheels
    ])
    try:
        steps.run('libraries', 'downloading the libraries',
                  pip('install', files['torch'], files['runtime'],
                      files['test']))
        steps.run('mmdet', 'downloading mmengine and mmdet',
                  pip('install', '--no-deps', '--no-build-isolation',
                      *(f'{name}=={pinned(name)}' for name in (
                          'onedl-mmengine', 'onedl-mmdetection', 'imaug'))))
        if headers.wait():
            say("without ONNX Runtime's headers: there will be no kernels "
                "for it")
        os.environ.setdefault('ONNXRUNTIME_INCLUDE', str(
            HEADERS / 'usr' / 'include' / 'onnxruntime'))
        steps.run('kernels', 'building the kernels of iptq-mm',
                  pip('install', '--no-deps', '--no-build-isolation',
                      '--editable', '.'))
        if mmcv:
            steps.wait('mmcv', 'building mmcv (the rest of it)', mmcv)
    finally:
        if mmcv:
            mmcv.terminate()
    wheel, = wheels.glob('*.whl')
    steps.run('check', 'installing mmcv, and importing it all', [
        'sh', '-ec', '"$0" -m pip install --no-deps "$1"; '
        '"$0" -c "import mmcv.ops, mmdet.apis, iptq_mm"', PYTHON, wheel
    ])
    kernels = subprocess.run([
        PYTHON, '-W', 'ignore', '-c', 'from iptq_mm.ops import native\n'
        'print(native.isa() if native.available() else "not built")'
    ], capture_output=True, text=True, cwd=ROOT).stdout.splitlines()[-1]
    say(f'kernels: {kernels}')
    STAMP.write_text(wanted)
    downloads = sum(
        steps.done[name] for name in ('torch', 'libraries', 'mmdet'))
    builds = sum(steps.done.get(name, 0) for name in ('kernels', 'mmcv'))
    total = time.monotonic() - began
    say(f'{total:.0f} s in all: downloads {downloads:.0f}, builds '
        f'{builds:.0f}, rest {total - downloads - builds:.0f}')


if __name__ == '__main__':
    try:
        main()
    except SetupError as error:
        sys.exit(f'setup: FAILED: {error}')
    except KeyboardInterrupt:
        sys.exit('setup: interrupted; run it again to go on')
