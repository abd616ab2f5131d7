"""Classifiers need neither mmdet nor mmcv."""
from __future__ import annotations

import subprocess
import sys

from conftest import ROOT

WITHOUT = '''
import importlib.abc
import importlib.util
import sys

find_spec = importlib.util.find_spec


def absent(name):
    return name.partition('.')[0] in ('mmcv', 'mmdet')


class Absent(importlib.abc.MetaPathFinder):

    def find_spec(self, name, path=None, target=None):
        if absent(name):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)


sys.meta_path.insert(0, Absent())
importlib.util.find_spec = lambda name, package=None: (
    None if absent(name) else find_spec(name, package))
sys.path.insert(0, 'tools')
'''

QUANTIZES = WITHOUT + '''
import ptq

assert not ptq.main([
    'configs/iptq_vit_nano_shapes.py', '--work-dir', sys.argv[1],
    '--num-calib', '8', '--verify-integer', '--cfg-options',
    'test_dataloader.dataset.num_images=14',
    'test_dataloader.num_workers=0',
    'custom_hooks.0.calib_dataloader.num_workers=0',
    'custom_hooks.0.compensate=False'])
if sys.version_info < (3, 10):  # whose ONNX Runtime is too old
    sys.exit()
import export

assert not export.main([
    f'{sys.argv[1]}/int_config.py', '--out', f'{sys.argv[1]}/model.onnx',
    '--check', '--num-images', '4'])
import iptq_mm

iptq_mm.load(f'{sys.argv[1]}/int_config.py')
'''

REFUSES = WITHOUT + '''
import ptq

sys.exit(ptq.main([
    'configs/iptq_swin_nano_maskrcnn_shapes.py', '--work-dir', sys.argv[1]]))
'''


def run(script, folder):
    return subprocess.run([sys.executable, '-c', script, folder], cwd=ROOT,
                          text=True, capture_output=True)


def test_a_classifier_is_quantized_exported_and_loaded(tmp_path):
    found = run(QUANTIZES, tmp_path)
    assert not found.returncode, found.stderr


def test_a_detector_is_refused_by_what_it_needs(tmp_path):
    found = run(REFUSES, tmp_path / 'work')
    assert found.returncode == 1
    assert 'error:' in found.stderr and 'needs mmdet' in found.stderr
    assert not (tmp_path / 'work').exists()
