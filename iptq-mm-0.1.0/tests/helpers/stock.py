"""Scripts in processes of their own: ours, and mmdet's stock ones."""
import json
import os
import subprocess
import sys
from pathlib import Path

import mmdet
import pytest

from conftest import ROOT


def python(*args, cwd=ROOT):
    """Run a script to its end."""
    return subprocess.run(
        [sys.executable, *map(str, args)],
        cwd=cwd,
        env={
            **os.environ, 'PYTHONPATH': str(ROOT)
        },
        capture_output=True,
        text=True)


def stock_test(config, checkpoint, work_dir, *args):
    """Metrics of mmdet's own tools/test.py."""
    script = Path(mmdet.__file__).parent / '.mim' / 'tools' / 'test.py'
    if not script.exists():
        pytest.skip(f'this mmdet has no {script}')
    run = python(script, config, checkpoint, '--work-dir', work_dir, *args)
    assert run.returncode == 0, run.stderr[-3000:]
    scalars, = work_dir.glob('*/[0-9]*.json')
    return json.loads(scalars.read_text())
