"""Integer modules without a float network behind them."""
import torch


def fill(module, generator):
    """Random integers in the buffers of a linear layer."""
    for name, least, most in (('weight', -127, 128), ('bias', -2**15, 2**15),
                              ('m', 2**30, 2**31), ('n', 36, 42)):
        buffer = getattr(module, name)
        buffer.copy_(torch.randint(least, most, buffer.shape,
                                   generator=generator))
    return module
