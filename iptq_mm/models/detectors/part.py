"""An integer part of a detector, and the scales at its borders."""
from torch import Tensor, nn

from ...nn import DequantizeMaps, Quantize


class IntPart(nn.Module):
    """Borders around an integer region: the program of a detector
    (``program/assemble.py``) takes their scales, and a part that is run on its
    own goes through them.

    float32 [B, C, H, W] each -> ``body`` on integers [B, H, W, C] -> float32
    [B, C, H, W] each. Every input and output has a scale of its own, so that
    the readers of an output (a head on all levels, a head on what RoIAlign
    made of them) each narrow it as suits them.

    Args:
        body (nn.Module): Its class sets ``integer_region``; takes int8
            tensors, gives a tuple of integer ones.
        inputs (int): Number of inputs.
        outputs (int): Number of outputs.
        bits (int): Width of the inputs, at most 8.
    """

    def __init__(self, body: nn.Module, inputs: int, outputs: int, bits: int):
        super().__init__()
        self.bits = bits
        self.quantize = nn.ModuleList(Quantize(bits) for _ in range(inputs))
        self.body = body
        self.dequantize = nn.ModuleList(
            DequantizeMaps() for _ in range(outputs))

    def forward(self, *features: Tensor) -> tuple[Tensor, ...]:
        outputs = self.body(*(
            quantize(x).permute(0, 2, 3, 1)
            for quantize, x in zip(self.quantize, features)))
        return tuple(
            dequantize(q)
            for dequantize, q in zip(self.dequantize, outputs))
