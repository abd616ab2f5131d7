"""Index arithmetic of (shifted) windows; layout only, no value changes.

``window_partition``, ``window_merge`` and ``shift_regions`` are what mmdet's
``ShiftWindowMSA`` does between its matrix products (Liu et al., Swin
Transformer, arXiv:2103.14030, section 3.2), ``relative_position_index`` is
that of its ``WindowMSA``.
"""
import torch
from torch import Tensor


def window_partition(x: Tensor, window: int) -> Tensor:
    """[B, H, W, C] -> [B * H/w * W/w, w * w, C]; H, W multiples of w."""
    batch, height, width, channels = x.shape
    x = x.view(batch, height // window, window, width // window, window,
               channels)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, window * window, channels)


def window_merge(windows: Tensor, window: int, height: int,
                 width: int) -> Tensor:
    """Inverse of :func:`window_partition`: -> [B, height, width, C]."""
    x = windows.view(-1, height // window, width // window, window, window,
                     windows.shape[-1])
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width,
                                               windows.shape[-1])


def relative_position_index(window: int, device: torch.device) -> Tensor:
    """Row of the bias table for each pair of tokens of a window.

    Args:
        window (int): Window side w.
        device (torch.device): Where the result lies.

    Returns:
        Tensor: int64 [w*w, w*w], values in [0, (2w-1)^2).
    """
    side = torch.arange(window, device=device)
    apart = side[:, None] - side[None, :] + window - 1
    index = (apart[:, None, :, None] * (2 * window - 1) +
             apart[None, :, None, :])
    return index.reshape(window**2, window**2)


def shift_regions(height: int, width: int, window: int, shift: int,
                  device: torch.device) -> Tensor:
    """Which tokens of a shifted window were neighbours before the shift.

    Two tokens of one window may attend to each other only if they come from
    the same region.

    Args:
        height, width (int): Padded size in tokens, multiples of ``window``.
        window (int): Window side.
        shift (int): In [1, window).
        device (torch.device): Where the result lies.

    Returns:
        Tensor: int32 [height/w * width/w, w * w], region numbers 0 to 8.
    """

    def bands(length: int) -> Tensor:
        index = torch.arange(length, dtype=torch.int32, device=device)
        return ((index >= length - window).to(torch.int32) +
                (index >= length - shift))

    regions = bands(height)[:, None] * 3 + bands(width)[None, :]
    return window_partition(regions[None, :, :, None], window).squeeze(-1)
