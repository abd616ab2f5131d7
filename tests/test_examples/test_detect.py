"""examples/onnxruntime_python/detect.py: what the model in PyTorch finds."""
import cv2
import numpy as np
import pytest

from iptq_mm.export import onnxruntime_library
from iptq_mm.export.library import has_onnxruntime_library

from test_examples.small_onnx import save_model


def kernels():
    """Where there are any: loading is quick with them."""
    return ['--library', str(onnxruntime_library())
            ] if has_onnxruntime_library() else []


@pytest.fixture
def image(tmp_path):
    path = tmp_path / 'image.png'
    rng = np.random.default_rng(3)
    cv2.imwrite(str(path), rng.integers(0, 256, (70, 52, 3), np.uint8))
    return str(path)


def test_prints_and_draws(detect, detector_file, image, tmp_path, capsys):
    out = tmp_path / 'drawn'
    assert detect.main([*kernels(), '--threshold', '0', '--out', str(out),
                        str(detector_file), image]) == 0
    name, *rows = capsys.readouterr().out.splitlines()
    assert name == image and len(rows) == 5
    for row in rows:
        label, score, x1, y1, x2, y2, pixels = map(int, row.split())
        assert 0 <= label < 80 and 0 < score <= 2**30
        assert 0 <= x1 <= x2 <= 52 * 256 and 0 <= y1 <= y2 <= 70 * 256
        assert 0 <= pixels <= 52 * 70
    drawn = cv2.imread(str(out / 'image.png'))
    assert drawn.shape == (70, 52, 3)
    assert (drawn != cv2.imread(image)).any()


@pytest.mark.skipif(not has_onnxruntime_library(),
                    reason="built without ONNX Runtime's headers")
def test_with_kernels_it_prints_the_same(detect, detector_file, image,
                                         capsys):
    printed = []
    for options in ([], ['--library', str(onnxruntime_library())]):
        detect.main([str(detector_file), image, '--threshold', '0', *options])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]


def test_bad_input(detect, detector_file, image, tmp_path, capsys):
    save_model(tmp_path / 'classifier.onnx')
    (tmp_path / 'damaged.png').write_bytes(b'no image')
    (tmp_path / 'empty.png').write_bytes(b'')
    for model, picture, words in (
            (tmp_path / 'classifier.onnx', image, 'is no detector'),
            (tmp_path / 'nowhere.onnx', image, 'cannot be loaded'),
            (detector_file, tmp_path / 'damaged.png', 'is no image'),
            (detector_file, tmp_path / 'empty.png', 'empty.png'),
            (detector_file, tmp_path / 'nowhere.png', 'cannot be read')):
        assert detect.main([*kernels(), str(model), str(picture)]) == 1
        error = capsys.readouterr().err
        assert error.startswith('error: ') and words in error
