"""Finding the integer networks of a model."""
from collections.abc import Iterator

from torch import nn


def integer_networks(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Names and modules of the classifiers and backbones that are integers
    between ``quantize`` and ``dequantize``; '' is the name of the model."""
    for name, module in model.named_modules():
        if hasattr(getattr(module, 'body', None), 'patch_embed'):
            yield name, module
