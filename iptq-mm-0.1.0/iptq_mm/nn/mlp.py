"""Integer MLP of a transformer block."""
from torch import Tensor, nn

from .linear import IntLinearAdd, IntLinearGELU


class IntMLP(nn.Module):
    """fc1, GELU, fc2 onto the stream.

    int8 [..., C] and the int16 stream [..., C] -> int16 [..., C].

    Args:
        channels (int): C.
        hidden (int): Channels between the two linear layers.
        bits (int): Width of the result of GELU.
        gelu (str): Candidate of kind ``gelu``.
    """

    def __init__(self, channels: int, hidden: int, bits: int, gelu: str):
        super().__init__()
        self.fc1 = IntLinearGELU(channels, hidden, bits, gelu)
        self.fc2 = IntLinearAdd(hidden, channels)

    def forward(self, x: Tensor, stream: Tensor) -> Tensor:
        return self.fc2(self.fc1(x), stream)
