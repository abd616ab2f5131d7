"""The tables of the papers, on any classifier that has a config."""
from .page import markdown
from .peers import PEERS
from .tables import ablation, accuracy, calibration_size, quantization_time

__all__ = [
    'PEERS', 'ablation', 'accuracy', 'calibration_size', 'markdown',
    'quantization_time'
]
