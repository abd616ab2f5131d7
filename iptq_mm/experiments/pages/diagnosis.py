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
        good = found['good']
        yield (f'bbox / segm mAP on {found["images"]} images, and the SQNR of '
               f'the worst output of the backbone on test images.\n')
        yield markdown_table(
            ['what is wrong', 'float', 'integer', 'named first', 'remedy',
             'repaired: float', 'integer', 'named then'],
            [['nothing', *_figures(good), _first(good), '', '', '', ''],
             *([case['what'], *_figures(case['spoilt']),
                _first(case['spoilt']),
                _code(case['spoilt']['causes'][0]['remedy']),
                *_figures(case['repaired']), _first(case['repaired'])]
               for case in found['cases'].values())])


def _figures(run: Mapping[str, Any]) -> tuple[str, str]:
    return (_map(run['float']),
            f'{_map(run["integer"])}, {run["sqnr_db"]:.1f} dB')


def _first(run: Mapping[str, Any]) -> str:
    return run['causes'][0]['name'] if run['causes'] else 'nothing'


def _map(metrics: Mapping[str, float]) -> str:
    return ' / '.join(f'{metrics[name]:.3f}'
                      for name in ('bbox_mAP', 'segm_mAP'))


def _code(remedy: str) -> str:
    return f'`{remedy}`' if '=' in remedy else remedy
