"""From a float checkpoint to the artifacts of an integer model."""
from .bfloat16 import BFloat16OptimWrapper
from .int_model_hook import IntModelCheckHook
from .prediction_hook import PredictionHook
from .ptq_hook import PTQHook
from .teacher_hook import TeacherHook

__all__ = [
    'BFloat16OptimWrapper', 'IntModelCheckHook', 'PTQHook',
    'PredictionHook', 'TeacherHook'
]
