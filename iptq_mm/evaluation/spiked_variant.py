"""Nearly the same function, with rare and large activations.

Of each MLP the hidden channel that matters least becomes a spike: silent for
all tokens but one, and there many times as large as anything else.
Large transformers have such tokens (Sun et al., "Massive Activations in Large
Language Models", arXiv:2402.17762); an observer that keeps whole ranges spends
its steps on them.
"""
from collections.abc import Iterable, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from ..lowering.transformer.block import BlockNames


@torch.no_grad()
def spiked(network: nn.Module, blocks: Sequence[BlockNames],
           batches: Iterable[Tensor], factor: float) -> nn.Module:
    """A copy of a network with one spike in each MLP.

    Args:
        network (nn.Module): Float, in evaluation mode; stays as it is.
        blocks (Sequence[BlockNames]): Where its MLPs lie
            (``Lowering.blocks``).
        batches (Iterable[Tensor]): Images as it takes them, on which the
            spikes are placed.
        factor (float): The spike over the largest of the other values.
    """
    hidden = _hidden(network, [names.fc1 for names in blocks], batches)
    result = deepcopy(network)
    for names in blocks:
        fc1, fc2 = (result.get_submodule(name)
                    for name in (names.fc1, names.fc2))
        before = hidden[names.fc1]
        after = nn.functional.gelu(before)
        matters = after.square().mean(0) * fc2.weight.square().sum(0)
        channel = int(matters.argmin())
        highest, silent = before[:, channel].topk(2).values
        scale = factor * after.max() / (highest - silent)
        fc1.weight[channel] *= scale
        fc1.bias[channel] = scale * (fc1.bias[channel] - silent)
        fc2.weight[:, channel] /= scale
    return result


def _hidden(network: nn.Module, layers: Iterable[str],
            batches: Iterable[Tensor]) -> dict[str, Tensor]:
    """What goes into each GELU, [tokens, C]."""
    seen: dict[str, list[Tensor]] = {name: [] for name in layers}
    handles = [
        network.get_submodule(name).register_forward_hook(
            lambda module, args, output, name=name:
            seen[name].append(output.flatten(0, -2)))
        for name in seen
    ]
    try:
        for batch in batches:
            network(batch)
    finally:
        for handle in handles:
            handle.remove()
    return {name: torch.cat(rows) for name, rows in seen.items()}
