"""The tutorials, run as they stand."""
import os
import re
import shutil
import subprocess
import sys

import pytest

from iptq_mm.ops import native

from conftest import ROOT

EXTEND = ROOT / 'docs' / 'extend'
OWN = ROOT / 'examples' / 'own_detector' / 'README.md'


def blocks(page, language):
    return re.findall(rf'```{language}\n(.*?)```', page.read_text(),
                      re.DOTALL)


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


def test_from_a_detector_to_a_file(place):
    pytest.importorskip('onnxruntime')
    if native.isa() == 'none' or not native.serves_onnxruntime():
        pytest.skip("there are no kernels for ONNX Runtime")
    import mmdet
    packages = os.path.dirname(os.path.dirname(mmdet.__file__))
    lines = ''.join(blocks(OWN, '')).splitlines()
    assert len(lines) == 7
    printed = {}
    for line in lines:
        line = line.replace('.venv/lib/python3*/site-packages', packages)
        name = re.search(r'(\w+)\.py', line)[1]
        printed[name] = run(place, 'sh', '-c', line.replace(
            'python ', f'{sys.executable} ', 1))
    assert re.search(r'coco/segm_mAP: 0\.6', printed['test'])
    assert 'bbox_mAP' in printed['ptq']
    assert 'Nothing stands out' in printed['diagnose']
    assert '2 of 2 images equal' in printed['export']
    assert '0000.png' in printed['detect']
    assert len(list((place / 'work_dirs/own/drawn').glob('*.png'))) == 16
