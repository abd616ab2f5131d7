"""Several networks on the same images, in one pass over them."""
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Network = Callable[[Tensor], Tensor]
"""Images float32 [B, 3, H, W] to logits float [B, classes]."""


@dataclass
class Tally:
    """What a network's logits were worth so far.

    Args:
        right (int): Images whose class got the largest logit; of equal ones
            the class of the lower number counts as the larger.
        seen (int): All images.
        signal (float): Sum of squares of the float network's logits.
        noise (float): Sum of squares of the distances from them.
    """
    right: int = 0
    seen: int = 0
    signal: float = 0.
    noise: float = 0.

    def add(self, logits: Tensor, exact: Tensor, labels: Tensor) -> None:
        """Count a batch.

        Args:
            logits (Tensor): Float [B, classes].
            exact (Tensor): Of the float network, likewise.
            labels (Tensor): int64 [B].
        """
        largest = logits == logits.amax(1, keepdim=True)
        # argmax leaves open which one of several it takes; of a bool cast to
        # descending weights there is one.
        order = torch.arange(logits.shape[1], 0, -1)
        self.right += int(((largest * order).argmax(1) == labels).sum())
        self.seen += len(labels)
        self.signal += exact.double().square().sum().item()
        self.noise += (logits.double() - exact).square().sum().item()

    def figures(self) -> dict[str, float]:
        """``top1`` in percent and ``sqnr_db`` of the logits, inf without any
        noise."""
        return dict(
            top1=100 * self.right / self.seen,
            sqnr_db=10 * math.log10(self.signal / self.noise)
            if self.noise else math.inf)


@torch.no_grad()
def compare(exact: Network, networks: Mapping[Hashable, Network],
            images: Iterable[tuple[Tensor, Tensor]],
            progress: Callable[[int], None]
            ) -> dict[Hashable, dict[str, float]]:
    """Top-1 and SQNR of networks beside the float one.

    Args:
        exact (Network): The float network.
        networks (Mapping[Hashable, Network]): By name; none is called
            ``float``. A network of two names runs once.
        images (Iterable[tuple[Tensor, Tensor]]): Batches of images and
            labels int64 [B].
        progress (Callable): Called with the number of batches done.

    Returns:
        dict[Hashable, dict[str, float]]: See :meth:`Tally.figures`, by name;
        ``float`` is the float network.
    """
    tallies = {exact: Tally(), **{one: Tally() for one in networks.values()}}
    for done, (batch, labels) in enumerate(images, 1):
        wanted = exact(batch)
        for network, tally in tallies.items():
            logits = wanted if network is exact else network(batch)
            tally.add(logits, wanted, labels)
        progress(done)
    return {
        name: tallies[network].figures()
        for name, network in dict(networks, float=exact).items()
    }
