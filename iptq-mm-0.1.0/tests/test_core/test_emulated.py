"""The real extension in Python, on CPUs that have less than this one.

torch itself needs AVX, so that the least CPU here is a Sandy Bridge; on
plainer ones the kernels alone run, in test_kernel_digests.py.
"""
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from test_core.run_saved_model import digest

from iptq_mm.ops import native

from classifiers import float_timm_swin, images, integer_twin
from conftest import ROOT
from debian import emulator

SCRIPT = Path(__file__).with_name('run_saved_model.py')

pytestmark = [
    pytest.mark.skipif(
        os.uname().machine != 'x86_64', reason='the emulated CPUs are x86-64'),
    pytest.mark.skipif(
        not native.available(), reason='the native kernels were not built')
]


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    """A file with an integer Swin of two stages, and what it gives here."""
    batch = images()
    model = integer_twin(float_timm_swin(), batch)
    path = tmp_path_factory.mktemp('emulated') / 'saved.pth'
    torch.save(dict(model=model, images=batch), path)
    return path, digest(model, batch)


@pytest.mark.parametrize('cpu, isas', [
    ('SandyBridge', ['baseline']),
    ('max', ['baseline', 'avx2']),
])
def test_lesser_cpus_give_the_same_integers(saved, cpu, isas):
    path, expected = saved
    run = subprocess.run(
        [emulator('x86_64'), '-cpu', cpu, sys.executable, SCRIPT, path],
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1',
             'ATEN_CPU_CAPABILITY': 'default'},
        capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.splitlines()[-2:] == [
        ' '.join(isas), f'{isas[-1]} {expected}'
    ]
