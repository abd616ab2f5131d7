"""What stays float beside the integer parts of a model."""
from torch import nn

from ...environment import is_detector
from ...models.classifiers.classifier import TimmClassifier
from ...nn import Pixels


def float_parts(model: nn.Module) -> list[str]:
    """What of a model works on floats: modules with float tensors, and
    steps that have none.

    Args:
        model (nn.Module): As it runs.
    """
    children = dict(model.named_children())
    steps = ['image normalization']
    if isinstance(getattr(model.backbone, 'quantize', None), Pixels):
        steps.clear()
    if isinstance(model, TimmClassifier):
        return [*steps, 'softmax of scores']
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
    if is_detector(model):
        steps += ['sigmoid or softmax of scores', 'box decoding', 'NMS']
        if model.with_mask:
            steps.append('mask pasting')
    return [*modules, *steps]
