"""What Softmax of class scores costs, as tables."""
from collections.abc import Iterator, Mapping
from typing import Any

from ...visualization.markdown import markdown_table


def markdown(detectors: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A table for each detector.

    Args:
        detectors (Mapping): What ``experiments.scores.score_functions``
            gives, by name.
    """
    for name, found in detectors.items():
        metrics = list(found['float'])
        yield f'### Softmax of the scores, {name}\n'
        rows = [['float', *_digits(found['float'], metrics), '', '', '', '']]
        for candidate, figures in found['candidates'].items():
            chosen = ' (chosen)' if candidate == found['chosen'] else ''
            rows.append([
                candidate + chosen, *_digits(figures, metrics),
                *(f'{figures[term]:.3g}' for term in ('Q', 'P', 'C', 'omega'))
            ])
        yield markdown_table(
            ['function', *(metric.replace('_', ' ') for metric in metrics),
             'Q', 'P', 'C', 'Omega'], rows)


def _digits(figures: Mapping[str, float], metrics: list[str]) -> list[str]:
    return [f'{figures[metric]:.3f}' for metric in metrics]
