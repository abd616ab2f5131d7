"""Multi-head self-attention in integers, from q, k, v to the projection.

    scores = requantize(q k^T) + bias (+ mask)     int16, then int32
    weights = softmax candidate (scores)           8-bit codes of
                                                   exponentials (row.py)
    output = requantize(weights v / sum)           int8, one multiplier a row

Accumulators are int32: head_dim * 127^2 stays below 2^31 for a head_dim up to
65536, and 4096 codes of 8 bits times values stay below 2^27 (powers of two of
log-int-softmax, which sum to less than 3/2 2^15, below 2^23). Divided, a row
of codes sums to at most 2 * 255: each but the zeros was rounded up by no more
than itself.
"""
import torch
from torch import Tensor

from ..arithmetic import SHARE_BITS, requantize
from .function import attention_weights
from .int_mm import matmul
from .library import operator
from .window import (
    relative_position_index,
    shift_regions,
    window_merge,
    window_partition,
)


def attend(qkv: Tensor, heads: int, bias: Tensor, score: Tensor,
           softmax: str, params: Tensor, output: Tensor, bits: int) -> Tensor:
    """Attention inside each group of tokens.

    Args:
        qkv (Tensor): int8 [G, N, 3 C], q, k, v one after the other, each
            split into heads.
        heads (int): Number of heads, a divisor of C.
        bias (Tensor): int32, broadcastable to [G, heads, N, N]: what is added
            to the int16 scores, at their scale; |bias| <= 2^24 - 2^15.
        score (Tensor): int64 [heads, 2], dyadic (m, n) of each head from
            q k^T to the scores.
        softmax (str), params (Tensor): The lowered candidate.
        output (Tensor): int64 [heads, 2], dyadic (m, n) of each head from the
            accumulator to the result.
        bits (int): Width of the result, at most 8.

    Returns:
        Tensor: int8 [G, N, C].
    """
    groups, length, channels = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
    q, k, v = qkv.reshape(groups, length, 3, heads,
                          channels // heads).permute(2, 0, 3, 1, 4)
    score, output = (pair.T.reshape(2, heads, 1, 1)
                     for pair in (score, output))
    scores = requantize(
        matmul(q, k.transpose(-2, -1)), score[0], score[1], 16)
    weights, share = attention_weights(scores + bias, softmax, params)
    context = requantize(
        matmul(weights, v), share * output[0] >> SHARE_BITS, output[1], bits)
    return context.transpose(1, 2).reshape(groups, length, channels)


@operator('attention(Tensor qkv, int heads, Tensor score, str softmax,'
          ' Tensor params, Tensor output, int bits) -> Tensor')
def attention(qkv: Tensor, heads: int, score: Tensor, softmax: str,
              params: Tensor, output: Tensor, bits: int) -> Tensor:
    """Global attention (ViT): every token attends to every other.

    Args and result: as in :func:`attend`, without a bias.
    """
    no_bias = torch.zeros(1, dtype=torch.int32, device=qkv.device)
    return attend(qkv, heads, no_bias, score, softmax, params, output, bits)


@operator('window_attention(Tensor qkv, Tensor pad, int heads, int window,'
          ' int shift, Tensor table, Tensor mask, Tensor score, str softmax,'
          ' Tensor params, Tensor output, int bits) -> Tensor')
def window_attention(qkv: Tensor, pad: Tensor, heads: int, window: int,
                     shift: int, table: Tensor, mask: Tensor, score: Tensor,
                     softmax: str, params: Tensor, output: Tensor,
                     bits: int) -> Tensor:
    """(Shifted) window attention with relative position bias (Swin).

    Pads to whole windows, shifts, partitions, attends, and undoes the three.

    Args:
        qkv (Tensor): int8 [B, H, W, 3 C].
        pad (Tensor): int8 [3 C], q, k, v of a padding token (a zero token
            that went through the qkv layer).
        heads (int), score, softmax, params, output, bits: See :func:`attend`.
        window (int): Window side w.
        shift (int): Cyclic shift in [0, w).
        table (Tensor): int16 [(2w-1)^2, heads], relative position bias at
            the scale of the scores, in the order of
            :func:`~iptq_mm.ops.window.relative_position_index`.
        mask (Tensor): int32 [1], added to the score of two tokens that only
            the shift has brought together; in [-(2^24 - 2^16), 0].

    Returns:
        Tensor: int8 [B, H, W, C].
    """
    height, width = qkv.shape[1:3]
    padded_height = height + -height % window
    padded_width = width + -width % window
    tokens = pad.repeat(qkv.shape[0], padded_height, padded_width, 1)
    tokens[:, :height, :width] = qkv
    windows = window_partition(
        tokens.roll((-shift, -shift), (1, 2)), window)

    index = relative_position_index(window, qkv.device)
    scores_bias = table.to(torch.int32)[index].permute(2, 0, 1)[None]
    if shift:
        regions = shift_regions(padded_height, padded_width, window, shift,
                                qkv.device)
        apart = regions[:, None, :] != regions[:, :, None]
        scores_bias = scores_bias + apart[:, None].to(torch.int32) * mask
        # Windows of one image lie side by side: repeat for each image.
        scores_bias = scores_bias.repeat(qkv.shape[0], 1, 1, 1)

    context = attend(windows, heads, scores_bias, score, softmax, params,
                     output, bits)
    merged = window_merge(context, window, padded_height, padded_width)
    return merged.roll((shift, shift), (1, 2))[:, :height, :width]
