"""From a float checkpoint to the artifacts of an integer model."""
from .artifact.int_model_hook import IntModelCheckHook
from .quantization.ptq_hook import PTQHook
from .report.prediction_hook import PredictionHook
from .training.bfloat16 import BFloat16OptimWrapper
from .training.teacher_hook import TeacherHook

__all__ = [
    'BFloat16OptimWrapper', 'IntModelCheckHook', 'PTQHook',
    'PredictionHook', 'TeacherHook'
]
