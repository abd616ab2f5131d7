"""The check that every lowering makes first."""
import math


def check_scales(*scales: float) -> None:
    """Refuse what is no scale.

    Raises:
        ValueError: If a scale is not positive and finite.
    """
    for scale in scales:
        if not (math.isfinite(scale) and scale > 0):
            raise ValueError(
                f'a scale must be positive and finite, got {scale!r}')
