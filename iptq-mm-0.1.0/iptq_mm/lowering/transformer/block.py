"""The pre-norm transformer block as lowering sees it, whoever wrote it.

mmdet's Swin, timm's Swin and timm's ViT have the same block under different
module names. Where calibration looks at it is said here once.
"""
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from torch import Tensor

from ... import ops
from ...calibration import Site, unmasked_scores

SCORE_BITS = 16
"""Width of the attention scores, before the position bias and the mask."""

GELU_MINIMUM = -0.17
"""GELU is nowhere below it (its minimum is -0.16997, at -0.7518)."""

STREAM_HEADROOM = 2
"""The residual stream has room for values so many times the observed ones."""

GELU_TAIL = -3.5
"""GELU is within 0.001 of 0 below it: such inputs may all be clipped there."""


class BlockNames(NamedTuple):
    """Module names in the float network.

    Args:
        block (str): The block; its output is the stream.
        norm1, norm2 (str): LayerNorms.
        attn (str): Has ``qkv``, ``softmax`` and ``proj``.
        fc1, gelu, fc2 (str): The MLP.
        branch1, branch2 (str): What gives the two tensors that are added to
            the stream: ``proj`` and ``fc2``, or what scales their outputs.
    """
    block: str
    norm1: str
    attn: str
    norm2: str
    fc1: str
    gelu: str
    fc2: str
    branch1: str
    branch2: str


def block_layers(names: BlockNames) -> dict[str, str]:
    """Kind of each non-linear layer by name, in the order of the forward
    pass."""
    return {
        names.norm1: 'layernorm',
        f'{names.attn}.softmax': 'softmax',
        names.norm2: 'layernorm',
        names.gelu: 'gelu'
    }


def block_readers(blocks: Iterable[BlockNames]) -> dict[str, str]:
    """The linear layer that alone reads a LayerNorm, of all LayerNorms in
    blocks."""
    return {
        norm: linear
        for names in blocks for norm, linear in (
            (names.norm1, f'{names.attn}.qkv'), (names.norm2, names.fc1))
    }


def stream_sites(names: BlockNames) -> list[str]:
    """Sites at the scale of the residual stream."""
    return [
        f'{names.norm1}:input', f'{names.branch1}:output',
        f'{names.norm2}:input', f'{names.branch2}:output',
        f'{names.block}:output'
    ]


def stream_site(name: str, bits: Mapping[str, int]) -> Site:
    """One of them, or what they begin with. Other images reach further than
    those of the calibration, and 16 bits have room for that.

    Args:
        name (str): ``MODULE:PORT``.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """
    return Site(*name.split(':'), bits['residual'], headroom=STREAM_HEADROOM)


def _head(part: int, parts: int, x: Tensor) -> Tensor:
    """One of so many equal parts of the channels: a head of the context, or
    of q, k and v, which are as many heads one after the other."""
    return x.unflatten(-1, (parts, -1))[..., part, :]


def head_sites(names: BlockNames, heads: int) -> dict[str, list[str]]:
    """Sites of ``q``, ``k``, ``v`` and ``context``, of each head one."""
    sites = {
        part: [f'{names.attn}.qkv:output:{part}{i}' for i in range(heads)]
        for part in 'qkv'
    }
    sites['context'] = [
        f'{names.attn}.proj:input:{i}' for i in range(heads)
    ]
    return sites


def above_tail(x: Tensor) -> Tensor:
    """Inputs of GELU that it does not take for 0."""
    return x.clamp(min=GELU_TAIL)


def _above_minimum(y: Tensor) -> Tensor:
    """How far an output of GELU lies above its minimum."""
    return y - GELU_MINIMUM


def _group(group: int, look: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """``look`` at a group of channels of GELU."""
    ends = ops.group_ends(x.shape[-1])
    return look(x.tensor_split(ends[:-1], -1)[group])


def block_sites(names: BlockNames, heads: int, hidden: int,
                bits: Mapping[str, int]) -> dict[str, Site]:
    """Where calibration observes a block, ``MODULE:PORT`` and, for a part of
    a tensor, ``MODULE:PORT:PART``.

    Args:
        names (BlockNames): Of its modules.
        heads (int): Of its attention.
        hidden (int): Channels of its MLP.
        bits (Mapping[str, int]): Widths, see ``IntSwinTransformer``.
    """
    activation, sites = bits['activation'], {}
    of_heads = head_sites(names, heads)
    qkv = [site for part in 'qkv' for site in of_heads[part]]
    for parts in (qkv, of_heads['context']):
        for i, site in enumerate(parts):
            module, port, _ = site.split(':')
            sites[site] = Site(module, port, activation,
                               partial(_head, i, len(parts)))
    softmax = f'{names.attn}.softmax'
    sites[f'{softmax}:input'] = Site(softmax, 'input', SCORE_BITS,
                                     unmasked_scores)
    for i in range(len(ops.group_ends(hidden))):
        sites[f'{names.gelu}:input:{i}'] = Site(
            names.gelu, 'input', activation, partial(_group, i, above_tail))
        # Nowhere negative: n bits without a sign have the codes of n + 1
        # bits with one.
        sites[f'{names.gelu}:output:{i}'] = Site(
            names.gelu, 'output', activation + 1,
            partial(_group, i, _above_minimum))
    for site in (f'{names.norm1}:output', f'{names.norm2}:output'):
        sites[site] = Site(*site.split(':'), activation)
    for site in stream_sites(names):
        sites[site] = stream_site(site, bits)
    return sites
