"""An integer model that is run, and not looked into."""
from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, Union

import torch
from torch import Tensor, nn
from torch.overrides import has_torch_function
from torch.utils._python_dispatch import _get_current_dispatch_mode
from torch.utils.hooks import RemovableHandle

from ...compat import before_loading, is_compiling
from ...models.block import are_hooked
from ...models.networks import integer_networks
from ...ops import native
from ..errors import UserError

Model = TypeVar('Model', bound=nn.Module)
Outputs = Union[Tensor, 'Sequence[Tensor]']


def freeze(model: Model) -> Model:
    """Let the integer networks of a model run in one call of the library.

    The first image of a size is run twice, and what the library is called for
    is noted; from then on an image of that size is one call, which gives the
    same bits. What Python, torch and cold caches take between the layers falls
    away.

    Weights are taken as they are then. ``load_state_dict`` begins anew;
    whoever changes a tensor or a module in another way calls this function
    again. Hooks, ``torch.compile``, ``torch.export``, the export to ONNX, the
    integer-only guard and other devices still see layers. So does torch 2.1,
    with a warning: it hides from a kernel which tensor it gets.

    Args:
        model (nn.Module): A classifier or a backbone, or what has one inside;
            not a detector that is integer as a whole, which is one program
            already.

    Returns:
        nn.Module: The model.

    Raises:
        UserError: If it has no integer network, is a whole detector, or the
            package was installed without its kernels.
    """
    if not native.available():
        raise UserError('freeze() needs the native kernels, and iptq_mm was '
                        'installed without: install it again where there is '
                        'a C++ compiler')
    if hasattr(model, 'integer_program'):
        raise UserError('freeze() is for networks: a detector that is integer '
                        'as a whole does not run its backbone by itself')
    networks = [network for _, network in integer_networks(model)]
    if not networks:
        raise UserError(f'{type(model).__name__} has no integer network to '
                        'freeze: make one with tools/ptq.py')
    for network in networks:
        frozen = getattr(vars(network).get('forward'), '__self__', None)
        if isinstance(frozen, _Frozen):
            frozen.forget()
        else:
            frozen = _Frozen(network)
            # A method: torch.export wants to see its code.
            network.forward = frozen.forward
            before_loading(network, frozen.forget)
    return model


class _Frozen:
    """A network's way by recordings.

    Args:
        network (nn.Module): An image [B, C, H, W] to a tensor, a list or a
            tuple.
    """

    def __init__(self, network: nn.Module):
        self.network = network
        self._recordings = native.Recordings()
        self._registered, self._hooked = -1, False

    def __reduce__(self) -> tuple:
        return type(self), (self.network, )

    def forget(self, *_: Any) -> None:
        """Record anew."""
        self._recordings.forget()
        self._registered = -1  # its layers may be others

    def forward(self, x: Tensor) -> Outputs:
        if self._is_watched(x):
            return self._by_layers(x)
        x = x.contiguous()
        key = x.shape, x.dtype, torch.get_num_threads()
        run = self._recordings.find(key)
        if run is None:
            run = self._recorded(x)
            self._recordings.keep(key, run)
        return run(x)

    def _is_watched(self, x: Tensor) -> bool:
        """Whether somebody wants to see layers, or x is no plain tensor."""
        return (is_compiling() or torch.jit.is_tracing()
                or type(x) is not Tensor or x.requires_grad
                or x.device.type != 'cpu'
                or has_torch_function((x, ))  # also where a mode is on
                or _get_current_dispatch_mode() is not None
                or self._is_hooked())

    def _is_hooked(self) -> bool:
        """Whether a layer has hooks. Looking into each costs more than all
        else here, so only where torch has given out a handle since."""
        if self._hooked or self._registered != RemovableHandle.next_id:
            self._registered = RemovableHandle.next_id
            self._hooked = are_hooked(
                module for module in self.network.modules()
                if module is not self.network)
        return self._hooked

    def _by_layers(self, x: Tensor) -> Outputs:
        return type(self.network).forward(self.network, x)

    def _recorded(self, x: Tensor) -> Callable[[Tensor], Outputs]:
        kind: Any = type(self._by_layers(x))

        def outputs(x: Tensor) -> Sequence[Tensor]:
            found = self._by_layers(x)
            return [found] if kind is Tensor else found

        try:
            recording = native.record(outputs, x)
        except native.NotRecordableError as error:
            warnings.warn(f'{type(self.network).__name__} runs layer by '
                          f'layer, for {error}', stacklevel=4)
            return self._by_layers
        if kind is Tensor:
            return lambda x: recording(x)[0]
        return lambda x: kind(recording(x))
