"""What the float weights of an integer part took."""
from ..region import Region

_FLOAT_BYTES = 4

_WEIGHTS = ('weight', 'bias', 'bias_table', 'tokens', 'embedding')
"""Buffers of integer modules that were parameters of float ones."""


def float_bytes(region: Region) -> int:
    """Bytes of the float32 parameters that a part was made from: weights,
    biases, position tables, and gamma and beta of its LayerNorms."""
    numbers = 0
    for body in region.modules.values():
        for module in body.modules():
            numbers += sum(
                buffer.numel()
                for name, buffer in module.named_buffers(recurse=False)
                if name in _WEIGHTS)
            if hasattr(module, 'layer_norm'):
                numbers += 2 * module.params.shape[-1]
    return numbers * _FLOAT_BYTES
