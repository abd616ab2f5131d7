"""examples/ray_batch/: the same rows, each once, whatever happens."""
import subprocess
import sys

import cv2
import numpy as np
import pytest

from iptq_mm.export import onnxruntime_library
from iptq_mm.export.library import has_onnxruntime_library

from test_examples.small_onnx import EXAMPLES

pytest.importorskip('ray', reason='examples/ray_batch needs ray: pip install '
                    '-r examples/ray_batch/requirements.txt')
pq = pytest.importorskip('pyarrow.parquet')
pa = pytest.importorskip('pyarrow')

pytestmark = pytest.mark.skipif(
    not has_onnxruntime_library(),
    reason="built without ONNX Runtime's headers")


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Ten images of several sizes, one of them cut off, one no image."""
    path = tmp_path_factory.mktemp('images')
    rng = np.random.default_rng(0)
    for i in range(10):
        pixels = rng.integers(0, 256, (40 + i, 60 - 3 * i, 3), np.uint8)
        cv2.imwrite(str(path / f'{i}.png'), pixels)
    cut = (path / '4.png').read_bytes()[:30]
    (path / '4.png').write_bytes(cut)
    (path / '7.png').write_text('no image')
    return path


def run(model, images, out, *options):
    return subprocess.run(
        [sys.executable, EXAMPLES / 'ray_batch' / 'run.py', model, images,
         '--out', out, '--library', onnxruntime_library(), *options],
        capture_output=True, text=True)


def rows_in(out):
    return [row for path in sorted(out.glob('*.parquet'))
            for row in pq.read_table(path).to_pylist()]


def test_a_folder(detector_file, folder, detect, tmp_path):
    out = tmp_path / 'rows'
    first = run(detector_file, folder, out)
    assert first.returncode == 0, first.stderr
    *_, summary = first.stdout.splitlines()
    assert summary.startswith('10 rows, 2 of them without a result')
    rows = rows_in(out)
    assert [row['image'] for row in rows] == [f'{i}.png' for i in range(10)]
    assert [row['image'] for row in rows if row['error']] == [
        '4.png', '7.png']
    # The integers of one process.
    session = detect.open_model(str(detector_file),
                                str(onnxruntime_library()))
    image = detect.read(folder / '2.png')
    found = detect.detect(session, detect.describe(session), image)
    assert rows[2]['boxes'] == found['boxes'].tolist()
    assert rows[2]['scores'] == found['scores'].tolist()
    inside = [sum(runs[1::2]) for runs in rows[2]['masks']]
    assert inside == found['masks'].sum((1, 2)).tolist()
    # What is there is not done again; what is missing is.
    lost = sorted(out.glob('*.parquet'))[1]
    lost.unlink()
    again = run(detector_file, folder, out, '--workers', '1')
    assert '2 chunks, 1 of them done before' in again.stdout
    assert again.stdout.splitlines()[-1] == summary


def test_a_parquet_file(detector_file, folder, tmp_path):
    names = ['0.png', '4.png', '1.png']
    table = pa.table(dict(
        image=names, bytes=[(folder / name).read_bytes() for name in names]))
    pq.write_table(table, tmp_path / 'images.parquet', row_group_size=2)
    result = run(detector_file, tmp_path / 'images.parquet',
                 tmp_path / 'rows')
    assert result.returncode == 0, result.stderr
    rows = rows_in(tmp_path / 'rows')
    assert [row['image'] for row in rows] == names
    assert [bool(row['error']) for row in rows] == [False, True, False]


@pytest.mark.parametrize('images', ['nowhere', 'empty'])
def test_no_images(detector_file, tmp_path, images):
    (tmp_path / 'empty').mkdir()
    result = run(detector_file, tmp_path / images, tmp_path / 'rows')
    assert result.returncode == 1
    assert result.stderr.startswith('error: ') and images in result.stderr
    assert not (tmp_path / 'rows').exists()
