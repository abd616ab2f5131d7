import subprocess
import sys

import torch

from conftest import ROOT

SHAPES = ROOT / 'configs' / 'iptq_swin_nano_maskrcnn_shapes.py'
WEIGHTS = ROOT / 'iptq_mm' / 'assets' / 'mask-rcnn_swin-nano_shapes.pth'
NORM = 'backbone.stages.2.blocks.0.norm2.weight'


def harden(*args):
    return subprocess.run(
        [sys.executable, ROOT / 'tools' / 'harden.py', *map(str, args)],
        cwd=ROOT,
        capture_output=True,
        text=True)


def test_channels_are_scaled_and_the_rest_of_the_file_stays(tmp_path):
    path = tmp_path / 'hard.pth'
    run = harden(SHAPES, WEIGHTS, path, '--factor', 600)
    assert run.returncode == 0, run.stderr[-2000:]
    hard = torch.load(path, weights_only=True)
    soft = torch.load(WEIGHTS, weights_only=True)
    assert hard['meta'] == soft['meta']
    hard, soft = hard['state_dict'], soft['state_dict']
    assert hard.keys() >= soft.keys()
    ratio = (hard[NORM] / soft[NORM].float()).sort().values
    # 5 % of 128 channels
    assert torch.allclose(ratio[:-6], torch.ones(122))
    assert torch.allclose(ratio[-6:], 600**(torch.arange(1, 7) / 6),
                          rtol=1e-4)
    neck = 'neck.lateral_convs.0.conv.weight'
    assert torch.equal(hard[neck], soft[neck].float())


def test_a_missing_checkpoint_is_named(tmp_path):
    run = harden(SHAPES, 'gone.pth', tmp_path / 'hard.pth')
    assert run.returncode == 1
    assert 'gone.pth is not there' in run.stderr.splitlines()[-1]
