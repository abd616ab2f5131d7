"""What stays float beside the integer parts of a model."""
from mmdet.models.detectors.base import BaseDetector
from torch import nn

from ...models import PixelDataPreprocessor
from ...models.classifiers.classifier import TimmClassifier


def float_parts(model: nn.Module) -> list[str]:
    """What of a model works on floats: modules with float tensors, and
    steps that have none.

    Args:
        model (nn.Module): As it runs.
    """
    if isinstance(model, TimmClassifier):
        return ['image normalization', 'softmax of scores']
    children = dict(model.named_children())
    steps = ['image normalization']
    if isinstance(children.get('data_preprocessor'), PixelDataPreprocessor):
        steps.clear()
    if hasattr(model, 'integer_program'):
        return steps
    if 'roi_head' in children:
        for name, child in children.pop('roi_head').named_children():
            children[f'roi_head.{name}'] = child
        steps.append('RoIAlign')
    modules = [
        name for name, child in children.items()
        if any(t.is_floating_point() for t in child.state_dict().values())
    ]
    if isinstance(model, BaseDetector):
        steps += ['sigmoid or softmax of scores', 'box decoding', 'NMS']
        if model.with_mask:
            steps.append('mask pasting')
    return [*modules, *steps]
