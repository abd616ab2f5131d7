"""``--help`` answers at once, and nobody hears of packages that nobody asked
for."""
import subprocess
import sys
import time

import pytest

from conftest import ROOT

TOOLS = sorted(path.name for path in (ROOT / 'tools').glob('*.py')
               if path.name not in ('command_line.py', 'setup_env.py'))

HEAVY = ('torch', 'mmdet', 'timm', 'onnx', 'iptq_mm')
"""Packages that take seconds to import."""


@pytest.mark.parametrize('tool', TOOLS)
def test_help_imports_nothing_heavy(tool):
    code = (f'import runpy, sys; sys.argv = ["{tool}", "--help"]\n'
            f'sys.path.insert(0, "tools")\n'
            f'try: runpy.run_path("tools/{tool}", run_name="__main__")\n'
            f'except SystemExit as end: assert end.code == 0\n'
            f'print(*set({HEAVY!r}) & set(sys.modules), file=sys.stderr)')
    began = time.process_time()
    run = subprocess.run([sys.executable, '-c', code], cwd=ROOT,
                         capture_output=True, text=True)
    assert run.returncode == 0
    assert run.stderr == '\n'
    assert 'usage: ' in run.stdout
    assert time.process_time() - began < 1


def test_importing_says_nothing():
    code = ('import iptq_mm\n'
            'from mmdet.utils import register_all_modules\n'
            'register_all_modules()\n'
            'import mmdet.evaluation')
    run = subprocess.run([sys.executable, '-c', code], cwd=ROOT,
                         capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, '', '')


def test_warnings_that_concern_the_user_stay():
    code = ('import warnings, iptq_mm\n'
            'warnings.warn("the weights are random")')
    run = subprocess.run([sys.executable, '-c', code], cwd=ROOT,
                         capture_output=True, text=True)
    assert 'the weights are random' in run.stderr
