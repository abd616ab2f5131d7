"""No kernel reads or writes beyond its buffers."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ISA = HERE.parents[1] / 'iptq_mm' / 'ops' / 'csrc' / 'isa'


@pytest.mark.skipif(
    not os.environ.get('IPTQ_SLOW_TESTS'),
    reason='compiles the kernels anew: set IPTQ_SLOW_TESTS=1')
@pytest.mark.skipif(not shutil.which('g++'), reason='no g++')
def test_kernels_stay_inside_their_buffers(tmp_path):
    program = tmp_path / 'sanitized_kernels'
    subprocess.run([
        'g++', '-std=c++20', '-O1', '-g', '-w',
        '-fsanitize=address,undefined', '-fno-sanitize-recover=all',
        '-o', program, HERE / 'sanitized_kernels.cpp', *ISA.glob('*.cpp')
    ], check=True)
    run = subprocess.run([program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert 'baseline' in run.stdout
