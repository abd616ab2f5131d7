"""Training in bfloat16 without a GPU."""
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from ...registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """mmengine's wrapper with matrix products in bfloat16 on the CPU.

    Weights, gradients and the optimizer stay in float32, and as bfloat16
    has the range of float32, losses need no scaling. mmengine's
    ``AmpOptimWrapper`` asks for a GPU.
    """

    @contextmanager
    def optim_context(self, model: nn.Module):
        """The context of a training step's forward pass.

        Args:
            model (nn.Module): What is trained.
        """
        with super().optim_context(model), torch.autocast(
                'cpu', torch.bfloat16):
            yield
