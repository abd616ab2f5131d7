"""What comes out of each operator: its shape and dtype, without the integers.

``torch.compile`` and ``torch.export`` ask for these where sizes are unknown.
Without an answer they would trace the reference, whose index arithmetic (the
windows of a Swin) they do not finish in half an hour. Sizes that depend on
values (how many boxes NMS leaves, how large a pasted mask is) have no answer.

Each function here has the arguments of the operator of its name and gives an
empty tensor.
"""
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..arithmetic import storage
from ..registry import APPROXIMATIONS
from .library import LIBRARY

ANSWERS: dict[str, Callable[..., Tensor]] = {}
"""By the operator's name."""


def load() -> None:
    """Give the operators, once all are defined, their answers."""
    for name, function in ANSWERS.items():
        LIBRARY.impl(name, function, 'Meta')


def answers(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Decorator: for the operator of the function's name."""
    ANSWERS[function.__name__] = function
    return function


def stored(x: Tensor, sizes: Sequence[Any], bits: int) -> Tensor:
    """Integers of a width, on the device of x."""
    return x.new_empty(sizes, dtype=storage(bits))


@answers
def requantize(x: Tensor, m: Tensor, n: Tensor, bits: int) -> Tensor:
    return stored(x, x.shape, bits)


@answers
def add(x: Tensor, y: Tensor) -> Tensor:
    return stored(x, torch.broadcast_shapes(x.shape, y.shape), 16)


@answers
def center_pixels(image: Tensor, padding: Tensor, patch: int) -> Tensor:
    sides = (side + -side % patch for side in image.shape[2:])
    return image.new_empty((*image.shape[:2], *sides), dtype=torch.int8)


@answers
def quantize(x: Tensor, m: Tensor, n: Tensor, bits: int) -> Tensor:
    return stored(x, x.shape, bits)


@answers
def dequantize(q: Tensor, m: Tensor, n: Tensor) -> Tensor:
    return q.new_empty(q.shape, dtype=torch.float32)


@answers
def dequantize_maps(q: Tensor, m: Tensor, n: Tensor) -> Tensor:
    batch, height, width, channels = q.shape
    return q.new_empty((batch, channels, height, width), dtype=torch.float32)


@answers
def linear(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
           bits: int) -> Tensor:
    return stored(x, (*x.shape[:-1], weight.shape[0]), bits)


@answers
def linear_add(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
               residual: Tensor) -> Tensor:
    return stored(x, residual.shape, 16)


@answers
def linear_gelu(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
                in_bits: int, name: str, params: Tensor, ends: list[int],
                bits: int) -> Tensor:
    return stored(x, (*x.shape[:-1], weight.shape[0]), bits)


@answers
def linear_wide(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor,
                n: Tensor) -> Tensor:
    return stored(x, (*x.shape[:-1], weight.shape[0]), 16)


@answers
def gelu(x: Tensor, name: str, params: Tensor, bits: int = 8) -> Tensor:
    return stored(x, x.shape, bits)


@answers
def softmax(x: Tensor, name: str, params: Tensor) -> Tensor:
    return x.new_empty(x.shape, dtype=APPROXIMATIONS.get(name).out_dtype)


@answers
def layer_norm(x: Tensor, name: str, params: Tensor, bits: int) -> Tensor:
    return stored(x, x.shape, bits)


@answers
def merge_layer_norm(x: Tensor, stride: int, name: str, params: Tensor,
                     bits: int) -> Tensor:
    batch, height, width, channels = x.shape
    return stored(x, (batch, -(-height // stride), -(-width // stride),
                      4 * channels), bits)


@answers
def attention(qkv: Tensor, heads: int, score: Tensor, softmax: str,
              params: Tensor, output: Tensor, bits: int) -> Tensor:
    return stored(qkv, (*qkv.shape[:-1], qkv.shape[-1] // 3), bits)


@answers
def window_attention(qkv: Tensor, pad: Tensor, heads: int, window: int,
                     shift: int, table: Tensor, mask: Tensor, score: Tensor,
                     softmax: str, params: Tensor, output: Tensor,
                     bits: int) -> Tensor:
    return stored(qkv, (*qkv.shape[:-1], qkv.shape[-1] // 3), bits)


@answers
def block(x: Tensor, layers: list[Tensor], functions: list[str], heads: int,
          bits: int, in_bits: int, ends: list[int]) -> Tensor:
    return stored(x, x.shape, 16)


@answers
def window_block(x: Tensor, layers: list[Tensor], functions: list[str],
                 heads: int, bits: int, in_bits: int, ends: list[int],
                 window: int, shift: int, table: Tensor,
                 mask: Tensor) -> Tensor:
    return stored(x, x.shape, 16)


@answers
def conv2d(x: Tensor, weight: Tensor, bias: Tensor, m: Tensor, n: Tensor,
           kernel: int, stride: int, padding: int, relu: bool,
           bits: int) -> Tensor:
    batch, height, width, _ = x.shape
    rows, columns = ((size + 2 * padding - kernel) // stride + 1
                     for size in (height, width))
    return stored(x, (batch, rows, columns, weight.shape[0]), bits)


@answers
def box_levels(boxes: Tensor, areas: list[int]) -> Tensor:
    return boxes.new_empty(boxes.shape[:1], dtype=torch.int64)


@answers
def decode_boxes(boxes: Tensor, deltas: Tensor, m: Tensor, n: Tensor,
                 limits: Tensor) -> Tensor:
    return stored(boxes, boxes.shape, 32)


@answers
def rank(scores: Tensor, count: int) -> Tensor:
    return scores.new_empty((torch.sym_min(scores.shape[0], count), ),
                            dtype=torch.int64)


@answers
def roi_align(maps: list[Tensor], strides: list[int], boxes: Tensor,
              images: Tensor, levels: Tensor, height: int, width: int,
              sampling: int) -> Tensor:
    return stored(maps[0], (boxes.shape[0], height, width,
                            maps[0].shape[-1]), 8)
