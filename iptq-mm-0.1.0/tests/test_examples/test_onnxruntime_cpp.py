import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from mmengine.model import ImgDataPreprocessor

from iptq_mm.export import onnxruntime_library, to_onnx
from iptq_mm.export.library import has_onnxruntime_library

from classifiers import float_vit, images, integer_twin
from debian import unpacked
from test_examples.small_onnx import (
    DESCRIPTION,
    EXAMPLES,
    printed,
    save_image,
    save_model,
)

HEADERS = 'include/onnxruntime/onnxruntime_cxx_api.h'


def debian_root(folder):
    """A folder with include/ and lib/: the headers of Debian, the library of
    the Python package."""
    shutil.copytree(
        unpacked('trixie', 'libonnxruntime-dev', 'nlohmann-json3-dev'),
        folder, symlinks=True, dirs_exist_ok=True)
    onnxruntime = pytest.importorskip('onnxruntime')
    library = next(
        Path(onnxruntime.__file__).parent.glob('capi/libonnxruntime.so.*'))
    (folder / 'usr' / 'lib').mkdir(exist_ok=True)
    for name in ('libonnxruntime.so', 'libonnxruntime.so.1'):
        (folder / 'usr' / 'lib' / name).symlink_to(library)
    return folder / 'usr'


@pytest.fixture(scope='module')
def program(tmp_path_factory):
    """The C++ example, built."""
    if not shutil.which('cmake'):
        pytest.skip('there is no cmake')
    root = os.environ.get('ONNXRUNTIME_ROOT', '')
    if not root and os.environ.get('IPTQ_SLOW_TESTS'):
        root = debian_root(tmp_path_factory.mktemp('debian'))
    if not root and not Path('/usr', HEADERS).exists():
        pytest.skip(f'there is no {HEADERS}: install libonnxruntime-dev and '
                    f'nlohmann-json3-dev, set ONNXRUNTIME_ROOT to a folder '
                    f'that has them, or set IPTQ_SLOW_TESTS=1 to unpack '
                    f'those of Debian')
    build = tmp_path_factory.mktemp('build')
    for command in (['cmake', '-S', EXAMPLES / 'onnxruntime_cpp', '-B', build,
                     f'-DONNXRUNTIME_ROOT={root}',
                     '-DCMAKE_CXX_FLAGS=-Werror'],
                    ['cmake', '--build', build]):
        subprocess.run(command, check=True)
    return build / 'classify'


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def test_prints_the_integers_of_the_python_example(program, classify,
                                                   tmp_path, capsys):
    save_model(tmp_path / 'model.onnx')
    images = [str(tmp_path / f'{seed}.png') for seed in range(3)]
    for seed, image in enumerate(images):
        save_image(image, seed=seed)
    classify.main(
        [str(tmp_path / 'model.onnx'), *images, '--ppm-dir', str(tmp_path)])
    result = run(program, tmp_path / 'model.onnx',
                 *(Path(image).with_suffix('.ppm') for image in images))
    assert result.returncode == 0, result.stderr
    rows = printed(capsys.readouterr().out)
    assert len(rows) == 15 and printed(result.stdout) == rows


@pytest.mark.skipif(not has_onnxruntime_library(),
                    reason="built without ONNX Runtime's headers")
def test_with_kernels_it_prints_the_same(program, tmp_path):
    model = torch.nn.Module()
    normalization = DESCRIPTION['normalization']
    model.data_preprocessor = ImgDataPreprocessor(normalization['mean'],
                                                  normalization['std'])
    model.backbone = integer_twin(float_vit(), images())
    to_onnx(model, tmp_path / 'model.onnx')
    save_ppm(tmp_path / 'image.ppm', 'P6 32 32 255 ', 3 * 32 * 32)
    arguments = tmp_path / 'model.onnx', tmp_path / 'image.ppm'
    slow = run(program, *arguments)
    fast = run(program, '--library', onnxruntime_library(), *arguments)
    assert slow.returncode == fast.returncode == 0, fast.stderr
    assert len(printed(slow.stdout)) == 5 and slow.stdout == fast.stdout


def save_ppm(path, text, pixels):
    path.write_bytes(text.encode() + bytes(pixels))


@pytest.mark.parametrize('header, pixels, words', [
    ('P6\n# by hand\n8 8\n255\n', 191, 'ends before its last pixel'),
    ('P6 8 7 255 ', 168, '7 x 8 pixels, the model takes 8 x 8'),
    ('P6 8 8 65535 ', 384, 'no PPM (P6) of 8 bits'),
    ('P5 8 8 255 ', 64, 'no PPM (P6) of 8 bits'),
    ('P6 99999999 99999999 255 ', 1, 'no PPM (P6) of 8 bits'),
    ('P6', 0, 'no PPM (P6) of 8 bits'),
])
def test_an_image_that_does_not_fit(program, tmp_path, header, pixels, words):
    save_model(tmp_path / 'model.onnx')
    save_ppm(tmp_path / 'image.ppm', header, pixels)
    result = run(program, tmp_path / 'model.onnx', tmp_path / 'image.ppm')
    assert result.returncode == 1 and words in result.stderr


@pytest.mark.parametrize('settings, words', [
    (dict(outputs=[dict(name='feature0')]), 'gives no logits'),
    (dict(normalization=None), 'export the int_config.py'),
])
def test_a_file_that_is_no_classifier(program, tmp_path, settings, words):
    save_model(tmp_path / 'model.onnx', **settings)
    save_ppm(tmp_path / 'image.ppm', 'P6 8 8 255 ', 192)
    result = run(program, tmp_path / 'model.onnx', tmp_path / 'image.ppm')
    assert result.returncode == 1 and words in result.stderr


def test_without_images_it_says_how_to_use_it(program):
    assert run(program).returncode == 2
    assert 'usage: classify [--library libiptq.so] MODEL.onnx' in run(
        program).stderr
