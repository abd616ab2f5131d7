"""Runs that were spoilt, diagnosed and repaired, as a table."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...visualization.markdown import markdown_table


def markdown(detectors: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A table for each detector.

    Args:
        detectors (Mapping): What ``experiments.diagnosis.diagnoses`` gives,
            by name.
    """
    for name, found in detectors.items():
        yield f'### {name}\n'
        yield (f'bbox / segm mAP on {found["images"]} images, and the SQNR of '
               f'the worst output of the backbone; with nothing wrong '
               f'{_map(found["good"]["float"])} in float, '
               f'{_result(found["good"])} in integers, and '
               f'{", ".join(found["false_causes"]) or "no cause"} named.\n')
        yield markdown_table(
            ['what is wrong', 'float', 'integer', 'named first', 'remedy',
             'repaired: float', 'integer'],
            ([case['what'], _map(case['spoilt']['float']),
              _result(case['spoilt']), case['named'],
              _code(case['remedy']), _map(case['repaired']['float']),
              _result(case['repaired'])]
             for case in found['cases'].values()))


def _map(metrics: Mapping[str, float]) -> str:
    return ' / '.join(f'{metrics[name]:.3f}'
                      for name in ('bbox_mAP', 'segm_mAP'))


def _result(run: Mapping[str, Any]) -> str:
    return f'{_map(run["integer"])}, {run["sqnr_db"]:.1f} dB'


def _code(remedy: str) -> str:
    return f'`{remedy}`' if '=' in remedy else remedy
