import json

import numpy as np
import torch

from iptq_mm.engine.report.report import save_json, size_bytes, versions


def test_report_is_strict_json(tmp_path):
    path = tmp_path / 'report.json'
    save_json(
        path,
        dict(a=float('inf'), b=[float('nan'), 1.5], c=np.float32(0.5), d=(1,)))

    def refuse(constant):
        raise AssertionError(constant)

    assert json.loads(
        path.read_text(), parse_constant=refuse) == dict(
            a=None, b=[None, 1.5], c=0.5, d=[1])


def test_size_counts_bytes_not_elements():
    weights = dict(a=torch.zeros(3, dtype=torch.int8), b=torch.zeros(2))
    assert size_bytes(weights) == 3 + 8


def test_versions_are_plain_strings():
    found = versions()
    assert {type(v) for v in found.values()} == {str}
    assert {'python', 'torch', 'mmengine', 'mmcv', 'mmdet',
            'iptq_mm'} <= found.keys()
