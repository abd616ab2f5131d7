"""Running a float model with approximated functions in place."""
from typing import Mapping

from torch import Tensor, nn


class Replacement:
    """Context manager: float modules answer with a candidate's ideal form.

    With it stage 3 calibrates the *mixed* model: the sites after a changed
    function move, and their ranges with them. The float module itself stays
    as it is. Hooks of a :class:`Collector` see the replaced outputs, whichever
    context was entered first.

    Args:
        model (nn.Module): Float model.
        candidates (Mapping[str, object]): Candidate instance by the dotted
            name of the GELU, Softmax or LayerNorm module.

    Raises:
        ValueError: If the model has no module of a name.
    """

    def __init__(self, model: nn.Module, candidates: Mapping[str, object]):
        self._modules = dict(model.named_modules())
        missing = candidates.keys() - self._modules.keys()
        if missing:
            raise ValueError('no modules to replace: '
                             + ', '.join(sorted(missing)))
        self.candidates = candidates
        self._handles = []

    def __enter__(self) -> 'Replacement':
        for name, candidate in self.candidates.items():
            hook = _HOOKS[candidate.kind](candidate)
            self._handles.append(self._modules[name].register_forward_hook(
                hook, prepend=True))
        return self

    def __exit__(self, *_) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()


def _of_input(candidate):

    def hook(module: nn.Module, args: tuple[Tensor], output: Tensor) -> Tensor:
        return candidate.ideal(args[0])

    return hook


def _of_input_and_affine(candidate):

    def hook(module: nn.LayerNorm, args: tuple[Tensor],
             output: Tensor) -> Tensor:
        return candidate.ideal(args[0], module.weight, module.bias, module.eps)

    return hook


_HOOKS = dict(
    gelu=_of_input, softmax=_of_input, layernorm=_of_input_and_affine)
