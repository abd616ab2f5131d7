"""Attention against a plain loop over windows, heads and tokens."""
import pytest
import torch

from iptq_mm import ops
from iptq_mm.arithmetic import requantize
from iptq_mm.functions import BitSoftmax

SCORE = torch.tensor([[2**30, 36], [2**31 - 5, 38]])
OUTPUT = torch.tensor([[2**30, 37], [2**30 + 7, 36]])
PARAMS = BitSoftmax().lower(2.0**-6)


def loop(qkv, heads, bias, allowed):
    """One group of tokens [N, 3 C]; ``allowed`` [N, N] is the mask."""
    length, channels = qkv.shape[0], qkv.shape[1] // 3
    width = channels // heads
    out = torch.zeros(length, channels, dtype=torch.int8)
    for h in range(heads):
        q, k, v = (qkv[:, part * channels + h * width:][:, :width].long()
                   for part in range(3))
        scores = requantize(q @ k.T, *SCORE[h], 16).to(torch.int32)
        scores = scores + bias[h] + (~allowed).to(torch.int32) * -6400
        codes, share = BitSoftmax.codes(scores, PARAMS)
        for token in range(length):
            m = int(share[token]) * int(OUTPUT[h, 0]) // 2**30
            out[token, h * width:(h + 1) * width] = requantize(
                codes[token] @ v, m, OUTPUT[h, 1], 8)
    return out


@pytest.mark.parametrize('height, width, shift', [
    (4, 4, 0), (4, 4, 2), (7, 5, 0), (7, 5, 2), (3, 2, 1), (1, 1, 0)
])
def test_window_attention_is_the_loop(height, width, shift):
    window, heads, channels = 4, 2, 6
    generator = torch.Generator().manual_seed(height * 10 + shift)

    def draw(limit, *shape):
        return torch.randint(-limit, limit + 1, shape, generator=generator)

    qkv = draw(127, 2, height, width, 3 * channels).to(torch.int8)
    pad = draw(127, 3 * channels).to(torch.int8)
    table = draw(300, (2 * window - 1)**2, heads).to(torch.int16)
    tokens = [(r, c) for r in range(window) for c in range(window)]
    bias = torch.stack([
        table[(r - s + window - 1) * (2 * window - 1) + c - d + window - 1]
        for r, c in tokens for s, d in tokens
    ], 1).view(heads, 16, 16)
    result = ops.window_attention(qkv, pad, heads, window, shift, table,
                                  torch.tensor([-6400], dtype=torch.int32),
                                  SCORE, 'bit_softmax', PARAMS, OUTPUT, 8)
    assert result.shape == (2, height, width, channels)

    rows, cols = -(-height // window) * window, -(-width // window) * window

    def region(index, length):  # bands of torch.roll's wrap-around
        return ((index >= length - window).long() +
                (index >= length - shift).long() if shift else index * 0)

    for image in range(2):
        canvas = pad.repeat(rows, cols, 1)
        canvas[:height, :width] = qkv[image]
        expected = torch.zeros(rows, cols, channels, dtype=torch.int8)
        for top in range(0, rows, window):
            for left in range(0, cols, window):
                r = torch.arange(top, top + window)
                c = torch.arange(left, left + window)
                where_r, where_c = (r + shift) % rows, (c + shift) % cols
                tokens = canvas[where_r][:, where_c].reshape(16, -1)
                label = (region(r, rows)[:, None] * 3 +
                         region(c, cols)[None]).reshape(-1)
                out = loop(tokens, heads, bias, label[:, None] == label)
                grid = torch.meshgrid(where_r, where_c, indexing='ij')
                expected[grid] = out.view(window, window, channels)
        assert torch.equal(result[image], expected[:height, :width])


def test_global_attention_is_one_window():
    qkv = torch.randint(-127, 128, (3, 9, 18), dtype=torch.int8)
    result = ops.attention(qkv, 2, SCORE, 'bit_softmax', PARAMS, OUTPUT, 8)
    everyone = torch.ones(9, 9, dtype=torch.bool)
    no_bias = torch.zeros(2, 9, 9, dtype=torch.int32)
    for group in range(3):
        assert torch.equal(result[group],
                           loop(qkv[group], 2, no_bias, everyone))
