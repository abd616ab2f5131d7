import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from iptq_mm.export import metadata, onnxruntime_library, to_onnx
from iptq_mm.export.library import has_onnxruntime_library

from debian import unpacked
from test_examples.small_onnx import (
    EXAMPLES,
    integer_classifier,
    printed,
    save_image,
    save_model,
)

HEADERS = 'include/onnxruntime/onnxruntime_cxx_api.h'


def debian_root(folder):
    """A folder with include/ and lib/: the headers of Debian, the library of
    the Python package."""
    shutil.copytree(
        unpacked('trixie', 'libonnxruntime-dev', 'nlohmann-json3-dev',
                 'libstb-dev'),
        folder, symlinks=True, dirs_exist_ok=True)
    onnxruntime = pytest.importorskip('onnxruntime')
    library = next(
        Path(onnxruntime.__file__).parent.glob('capi/libonnxruntime.so.*'))
    (folder / 'usr' / 'lib').mkdir(exist_ok=True)
    for name in ('libonnxruntime.so', 'libonnxruntime.so.1'):
        (folder / 'usr' / 'lib' / name).symlink_to(library)
    return folder / 'usr'


@pytest.fixture(scope='module')
def programs(tmp_path_factory):
    """Folder of the C++ examples, built."""
    if not shutil.which('cmake'):
        pytest.skip('there is no cmake')
    root = os.environ.get('ONNXRUNTIME_ROOT', '')
    if not root and os.environ.get('IPTQ_SLOW_TESTS'):
        root = debian_root(tmp_path_factory.mktemp('debian'))
    if not root and not Path('/usr', HEADERS).exists():
        pytest.skip(f'there is no {HEADERS}: install libonnxruntime-dev, '
                    f'nlohmann-json3-dev and libstb-dev, set ONNXRUNTIME_ROOT '
                    f'to a folder that has them, or set IPTQ_SLOW_TESTS=1 to '
                    f'unpack those of Debian')
    build = tmp_path_factory.mktemp('build')
    for command in (['cmake', '-S', EXAMPLES / 'onnxruntime_cpp', '-B', build,
                     f'-DONNXRUNTIME_ROOT={root}',
                     '-DCMAKE_CXX_FLAGS=-Werror'],
                    ['cmake', '--build', build]):
        subprocess.run(command, check=True)
    return build


@pytest.fixture(scope='module')
def program(programs):
    return programs / 'classify'


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
@pytest.mark.parametrize('kind', ['normalized', 'uint8'])
def test_with_kernels_it_prints_the_same(program, classify, tmp_path, capsys,
                                         kind):
    to_onnx(integer_classifier(kind), tmp_path / 'model.onnx')
    save_ppm(tmp_path / 'image.ppm', 'P6 32 32 255 ', 3 * 32 * 32)
    arguments = tmp_path / 'model.onnx', tmp_path / 'image.ppm'
    slow = run(program, *arguments)
    fast = run(program, '--library', onnxruntime_library(), *arguments)
    assert slow.returncode == fast.returncode == 0, fast.stderr
    assert len(printed(slow.stdout)) == 5 and slow.stdout == fast.stdout
    classify.main([*map(str, arguments)])
    assert printed(capsys.readouterr().out) == printed(slow.stdout)


def save_ppm(path, text, pixels):
    path.write_bytes(text.encode() + bytes(pixels))


@pytest.mark.parametrize('header, pixels, words', [
    ('P6 8 7 255 ', 168, '7 x 8 pixels, the model takes 8 x 8'),
    ('P6 99999999 99999999 255 ', 1, 'image.ppm cannot be read'),
    ('GIF', 0, 'image.ppm cannot be read'),
    ('', 0, 'image.ppm cannot be read'),
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


def images_in(folder):
    """PNG files of several sizes."""
    rng = np.random.default_rng(0)
    paths = []
    for i, size in enumerate([(64, 96), (33, 50), (1, 7)]):
        coarse = rng.integers(0, 256, (*size, 3), np.uint8)
        paths.append(str(folder / f'{i}.png'))
        Image.fromarray(coarse).save(paths[-1])
    return paths


def kernels():
    """Where there are any: loading is quick with them."""
    return ['--library', str(onnxruntime_library())
            ] if has_onnxruntime_library() else []


def test_detect_prints_the_integers_of_the_python_example(
        programs, detect, detector_file, tmp_path, capsys):
    images = images_in(tmp_path)
    for threshold in ('0', '0.001'):
        options = ['--threshold', threshold, *kernels()]
        detect.main([*options, str(detector_file), *images])
        expected = capsys.readouterr().out
        result = run(programs / 'detect', *options, detector_file, *images)
        assert result.returncode == 0, result.stderr
        assert result.stdout == expected
        assert 3 <= len(expected.splitlines()) <= 3 + 3 * 5


def test_detect_draws(programs, detector_file, tmp_path):
    image, _, _ = images_in(tmp_path)
    result = run(programs / 'detect', '--threshold', '0', *kernels(), '--out',
                 tmp_path / 'drawn', detector_file, image)
    assert result.returncode == 0, result.stderr
    before, after = (np.asarray(Image.open(path)) for path in (
        image, tmp_path / 'drawn' / '0.png'))
    assert before.shape == after.shape and (before != after).any()


@pytest.mark.parametrize('scale', [[512, 384], [40, 30], [97, 61]])
def test_images_are_scaled_as_opencv_scales(programs, detect, detector_file,
                                            tmp_path, capsys, scale):
    """What the model finds in them is the same, pixel by pixel."""
    proto = onnx.load(detector_file)
    metadata.write(proto, {**metadata.read(proto),
                           'resize': dict(scale=scale)})
    onnx.save(proto, tmp_path / 'model.onnx')
    images = images_in(tmp_path)[:2]
    options = ['--threshold', '0', *kernels()]
    detect.main([*options, str(tmp_path / 'model.onnx'), *images])
    result = run(programs / 'detect', *options, tmp_path / 'model.onnx',
                 *images)
    assert result.stdout == capsys.readouterr().out


def test_detect_refuses(programs, detector_file, tmp_path):
    save_model(tmp_path / 'classifier.onnx')
    (tmp_path / 'damaged.png').write_bytes(b'no image')
    for arguments, code, words in (
            ([], 2, 'usage: detect'),
            (['--threshold', 'x', 'm', 'i'], 2, 'usage: detect'),
            ([tmp_path / 'classifier.onnx', 'i'], 1, 'is no detector'),
            ([detector_file, tmp_path / 'damaged.png'], 1, 'damaged.png'),
            ([detector_file, 'nowhere.png'], 1, 'nowhere.png')):
        result = run(programs / 'detect', *kernels(), *arguments)
        assert result.returncode == code and words in result.stderr
