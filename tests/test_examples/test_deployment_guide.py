"""The command sequences of docs/deploy/, as they stand there."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from iptq_mm.export import to_onnx
from iptq_mm.export.library import (
    has_onnxruntime_library,
    onnxruntime_library,
)

from conftest import ROOT
from test_examples.small_onnx import (
    EXAMPLES,
    integer_classifier,
    save_image,
)

INSTALLS = ('pip ', 'npm ')
"""Commands that fetch what is here already."""


def commands(page):
    """Those of a page's first block, but for what installs."""
    text = (ROOT / 'docs' / 'deploy' / f'{page}.md').read_text()
    block = re.search(r'```\n(.*?)```', text, re.DOTALL)[1]
    return [line for line in block.splitlines()
            if not line.startswith(INSTALLS)]


@pytest.fixture
def place(tmp_path, detector_file):
    """A folder that has what the pages speak of."""
    if not has_onnxruntime_library():
        pytest.skip("built without ONNX Runtime's headers")
    (tmp_path / 'model.onnx').symlink_to(detector_file)
    (tmp_path / 'libiptq.so').symlink_to(onnxruntime_library())
    (tmp_path / 'examples').symlink_to(EXAMPLES)
    to_onnx(integer_classifier('uint8'), tmp_path / 'classifier.onnx')
    for folder in ('images', 'fitting'):
        (tmp_path / folder).mkdir()
        for seed in range(2):
            save_image(tmp_path / folder / f'{seed}.png', 32, 32, seed)
    return tmp_path


def outputs(page, place):
    """What each command printed."""
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    printed = []
    for command in commands(page):
        run = subprocess.run(['sh', '-c', command], cwd=place, text=True,
                             capture_output=True,
                             env={**os.environ, 'PATH': path})
        assert run.returncode == 0, (command, run.stderr)
        printed.append(run.stdout)
    return printed


def test_python(place):
    slow, fast, classes = outputs('python', place)
    assert slow == fast and slow.startswith('images/0.png\n')
    assert len(classes.splitlines()) == 2 * 6
    assert sorted(path.name for path in (place / 'drawn').iterdir()) == [
        '0.png', '1.png']


def test_cpp(place):
    root = os.environ.get('ONNXRUNTIME_ROOT', '')
    if not root:
        pytest.skip('ONNXRUNTIME_ROOT is not set')
    _, _, slow, fast, classes = outputs('cpp', place)
    assert slow == fast and slow.startswith('images/0.png\n')
    assert len(classes.splitlines()) == 2 * 6
    assert slow == outputs('python', place)[0]


def test_ray(place):
    for package in ('ray.data', 'pyarrow'):
        pytest.importorskip(package)
    first, again = outputs('ray', place)
    digests = [re.findall(r'\b[0-9a-f]{16}\b', text)
               for text in (first, again)]
    assert digests[0] and digests[0] == digests[1]
