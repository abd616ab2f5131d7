"""The tutorials, run as they stand."""
import json
import os
import re
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest
import timm
import torch
from mmengine.config import DictAction

from iptq_mm.ops import native
from iptq_mm.registry import HOOKS

from conftest import ROOT, SHAPES
from test_examples.small_onnx import save_image

EXTEND = ROOT / 'docs' / 'extend'
OWN = ROOT / 'examples' / 'own_detector' / 'README.md'


def blocks(page, language):
    found = re.findall(r'^```(\w*)\n(.*?)^```$', page.read_text(),
                       re.DOTALL | re.MULTILINE)
    return [text for kind, text in found if kind == language]


@pytest.fixture
def place(tmp_path):
    """A folder that looks like the project's root."""
    for name in ('configs', 'examples', 'iptq_mm', 'tools'):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def run(place, *command):
    env = dict(os.environ, PYTHONPATH=str(ROOT), COLUMNS='80')
    done = subprocess.run(command, cwd=place, env=env, text=True,
                          capture_output=True)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.parametrize('name, says', [
    ('candidate', 'line_gelu'),
    ('backbone', 'which has no integer form'),
    ('head', 'rpn_head'),
])
def test_extending_in_python(place, name, says):
    script = place / 'tutorial.py'
    script.write_text('\n'.join(blocks(EXTEND / f'{name}.md', 'python')))
    assert says in run(place, sys.executable, str(script))


def test_extending_in_cpp(place):
    if shutil.which('g++') is None:
        pytest.skip('there is no g++')
    page = EXTEND / 'kernel.md'
    names = re.findall(r'`(\w+\.(?:h|cpp))`:\n\n```cpp', page.read_text())
    for name, text in zip(names, blocks(page, 'cpp')):
        (place / name).write_text(text)
    command, = (block for block in blocks(page, '')
                if block.startswith('g++'))
    assert run(place, 'sh', '-ec', command) == 'equal\n'


def with_this_python(line):
    import mmdet
    packages = Path(mmdet.__file__).parents[1]
    return re.sub('^python ', f'{sys.executable} ', line).replace(
        '.venv/lib/python3*/site-packages', str(packages))


@pytest.fixture
def exported():
    pytest.importorskip('onnxruntime')
    if native.isa() == 'none' or not native.serves_onnxruntime():
        pytest.skip('there are no kernels for ONNX Runtime')


def test_from_a_detector_to_a_file(place, exported):
    lines = ''.join(blocks(OWN, '')).splitlines()
    assert len(lines) == 7
    printed = {}
    for line in lines:
        name = re.search(r'(\w+)\.py', line)[1]
        printed[name] = run(place, 'sh', '-c', with_this_python(line))
    assert re.search(r'coco/segm_mAP: 0\.6', printed['test'])
    assert 'bbox_mAP' in printed['ptq']
    assert 'Nothing stands out' in printed['diagnose']
    assert '2 of 2 images equal' in printed['export']
    assert '0000.png' in printed['detect']
    assert len(list((place / 'work_dirs/own/drawn').glob('*.png'))) == 16


def test_a_classifier_of_ones_own(place):
    page = ROOT / 'docs' / 'user_guides' / 'own_classifier.md'
    config, frozen = blocks(page, 'python')
    (place / 'mine.py').write_text(
        config.replace("'imagenet/", "'configs/imagenet/"))
    torch.save(timm.create_model('deit_small_patch16_224', num_classes=12)
               .state_dict(), place / 'my_weights.pth')
    for split in ('train', 'val'):
        for label in range(12):
            folder = place / 'data' / 'mine' / split / f'class_{label:02}'
            folder.mkdir(parents=True)
            save_image(folder / 'one.png', 240, 260, label)
    lines = ''.join(blocks(page, '')).splitlines()
    assert [line.split()[1] for line in lines] == [
        'tools/ptq.py', 'tools/export.py']
    ptq = lines[0].replace('CONFIG', 'mine.py --num-calib 4').replace(
        'WORK_DIR', 'made')
    assert 'top1' in run(place, 'sh', '-c', with_this_python(ptq))
    report = json.loads((place / 'made' / 'ptq_report.json').read_text())
    assert report['checkpoint'].endswith('my_weights.pth')
    assert len(report['classes']['integer']) == 12
    (place / 'frozen.py').write_text(
        'import torch\nimages = torch.randn(2, 3, 224, 224)\n'
        + frozen.replace('WORK_DIR', 'made')
        + 'assert torch.equal(model(images), logits)\n'
        'print(tuple(logits.shape))\n')
    assert '(2, 12)' in run(place, sys.executable, 'frozen.py')


README = ROOT / 'README.md'

PLACES = dict(
    CONFIG='examples/own_detector/my_integers.py',
    CHECKPOINT='iptq_mm/assets/mask-rcnn_swin-nano_shapes.pth',
    WORK_DIR='work_dirs/readme', IMAGES='data/shapes/val', OUT='drawn')
"""What a reader puts in the place of a word in capitals."""


def test_commands_of_the_readme(place, exported):
    """What it says to run, on a detector of one's own."""
    run(place, sys.executable, 'examples/own_detector/make_folder.py',
        'data/shapes', '--train', '24', '--val', '2')
    text = README.read_text()
    lines = [line for block in blocks(README, '')
             for line in block.splitlines() if line.startswith('python')]
    assert len(lines) == 4
    assert len(re.findall(r'\bpython \w+/', text)) == 4, 'and none elsewhere'
    for line in lines:
        line = re.sub(r'\b[A-Z_]{2,}\b', lambda word: PLACES[word[0]], line)
        printed = run(place, 'sh', '-c', with_this_python(line))
    assert '2 of 2 images equal' in printed
    for name in ('int_model.pth', 'int_config.py', 'report.html'):
        assert (place / 'work_dirs' / 'readme' / name).is_file()


def test_options_of_the_readme_are_understood():
    """Each changes what the hook is built with."""
    from iptq_mm.engine.inputs.config import load_config
    options = re.findall(r'`--cfg-options (custom_hooks\.0\.\S+)`',
                         README.read_text())
    assert len(options) == 4
    parser = ArgumentParser()
    parser.add_argument('options', nargs='+', action=DictAction)
    for option in options:
        config = load_config(SHAPES, parser.parse_args([option]).options)
        HOOKS.build(config.custom_hooks[0])


def test_make_does_what_the_readme_says():
    """The rest of its commands: `make test` is what runs this."""
    targets = re.findall(r'make (\w+)', README.read_text())
    assert set(targets) == {'demo', 'test', 'docs', 'dist'}
    for target in targets:
        done = subprocess.run(['make', '-n', target], cwd=ROOT, text=True,
                              capture_output=True)
        assert done.returncode == 0 and '.venv/bin/' in done.stdout
    demo = subprocess.run(['make', '-n', 'demo'], cwd=ROOT, text=True,
                          capture_output=True).stdout
    assert f'tools/ptq.py {SHAPES.relative_to(ROOT)}' in demo
