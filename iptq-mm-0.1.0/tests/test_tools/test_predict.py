"""``tools/predict.py`` on images of the bundled detector."""
import json

import mmcv
import pytest
import torch
from mmdet.apis import inference_detector
from pycocotools import mask as coco

from iptq_mm.compat import zip_strict
from iptq_mm.datasets import ShapesDataset
from iptq_mm.engine.artifact.load import load


@pytest.fixture(scope='module')
def main(tool):
    return tool('predict')


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """A folder of three images and a file that is none."""
    folder = tmp_path_factory.mktemp('images')
    dataset = ShapesDataset(split='val', num_images=3)
    for i, name in enumerate(('a.png', 'b.jpg', 'c.PNG')):
        mmcv.imwrite(dataset[i]['img'], str(folder / name))
    (folder / 'notes.txt').write_text('no image')
    return folder


def test_files_and_folders(main, saved, images, tmp_path, capsys):
    out = tmp_path / 'new' / 'pictures'
    code = main([
        str(saved / 'int_config.py'), str(images), str(images / 'a.png'),
        '--out-dir', str(out)
    ])
    assert code == 0
    assert {path.name for path in out.iterdir()} == {'a.png', 'b.png', 'c.png'}
    printed = capsys.readouterr().out
    assert 'a.png: ' in printed and 'detections above 0.5' in printed


def test_threshold(main, saved, images, tmp_path, capsys):
    counts = []
    for threshold in ('0.01', '0.999'):
        assert main([
            str(saved / 'int_config.py'), str(images / 'a.png'), '--out-dir',
            str(tmp_path), '--score-thr', threshold
        ]) == 0
        line, = [line for line in capsys.readouterr().out.splitlines()
                 if 'detections above' in line]
        counts.append(int(line.split(': ')[1].split()[0]))
    assert counts[0] > counts[1]


def test_a_file_of_detections(main, saved, images, tmp_path):
    """Its masks are those that the detector gives."""
    path = tmp_path / 'new' / 'detections.json'
    config = saved / 'int_config.py'
    assert main([str(config), str(images), '--out-dir', str(tmp_path),
                 '--json', str(path), '--score-thr', '0.3']) == 0
    entries = json.loads(path.read_text())
    detector = load(config)
    for name in ('a.png', 'b.jpg', 'c.PNG'):
        own = [entry for entry in entries if entry['file_name'] == name]
        found = inference_detector(
            detector, mmcv.imread(images / name)).pred_instances
        found = found[found.scores > 0.3]
        assert len(own) == len(found) > 0
        for entry, box, mask, label in zip_strict(
                own, found.bboxes, found.masks, found.labels):
            assert entry['category'] == detector.dataset_meta['classes'][
                label]
            x, y, width, height = entry['bbox']
            assert [x, y, x + width, y + height] == pytest.approx(
                box.tolist())
            decoded = coco.decode(entry['segmentation'])
            assert torch.equal(torch.from_numpy(decoded).bool(), mask)


def test_every_bad_image_is_named_before_work_starts(main, images, tmp_path,
                                                     capsys):
    whole = (images / 'b.jpg').read_bytes()
    (tmp_path / 'cut.jpg').write_bytes(whole[:len(whole) // 2])
    (tmp_path / 'text.png').write_text('no image')
    (tmp_path / 'empty').mkdir()
    out = tmp_path / 'out'
    # There is no config either: images come first.
    assert main([
        'gone.py', str(images / 'a.png'), 'missing.png',
        *(str(tmp_path / name) for name in ('cut.jpg', 'text.png', 'empty')),
        '--out-dir', str(out)
    ]) == 1
    error = capsys.readouterr().err
    for name in ('missing.png (not there)', 'cut.jpg', 'text.png',
                 'empty (a folder without images)'):
        assert name in error
    assert error.count('error') == 1 and 'Traceback' not in error
    assert not out.exists()


def test_two_images_of_one_name(main, images, tmp_path, capsys):
    mmcv.imwrite(mmcv.imread(str(images / 'a.png')), str(tmp_path / 'a.jpg'))
    assert main([
        'gone.py', str(images), str(tmp_path / 'a.jpg'), '--out-dir',
        str(tmp_path / 'out')
    ]) == 1
    assert 'would both be drawn as a.png' in capsys.readouterr().err


@pytest.mark.parametrize('threshold', ['1.5', 'high'])
def test_threshold_that_is_none(main, threshold, capsys):
    with pytest.raises(SystemExit) as end:
        main(['c.py', 'a.png', '--out-dir', 'o', '--score-thr', threshold])
    assert end.value.code == 2
    assert '--score-thr' in capsys.readouterr().err


def test_config_that_is_not_there(main, images, tmp_path, capsys):
    assert main(['gone.py', str(images), '--out-dir', str(tmp_path)]) == 1
    assert 'gone.py is not there' in capsys.readouterr().err
