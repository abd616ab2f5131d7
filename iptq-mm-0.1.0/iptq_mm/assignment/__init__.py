"""Stages 1 and 2: the Unified Metric chooses a candidate for every layer."""
from .assign import Choice, assign
from .fit import FITS
from .layers import (
    AttentionSoftmaxLayer,
    GELULayer,
    Layer,
    LayerNormLayer,
    MLPGELULayer,
    SoftmaxLayer,
)
from .normalization import NORMALIZATIONS, Measures
from .policy import AssignmentPolicy, read_assignment
from .score import Score, choose, measure, score_layer

__all__ = [
    'FITS', 'NORMALIZATIONS', 'AssignmentPolicy', 'AttentionSoftmaxLayer',
    'Choice', 'GELULayer', 'Layer', 'LayerNormLayer', 'MLPGELULayer',
    'Measures', 'Score', 'SoftmaxLayer', 'assign', 'choose', 'measure',
    'read_assignment', 'score_layer'
]
