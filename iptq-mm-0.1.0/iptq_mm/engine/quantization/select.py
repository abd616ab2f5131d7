"""Stages 1 and 2 with what the user asked for."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from ...assignment import FITS, AssignmentPolicy, Choice, Layer, assign
from ...assignment.normalization import normalization
from ..errors import UserError


@dataclass(frozen=True)
class Selection:
    """How each non-linear layer gets its candidate.

    Args:
        policy (AssignmentPolicy): Which candidates compete, and which are
            forced. A forced one is scored beside those that it displaces, so
            that a reader of the report sees what it cost.
        fit (str): Whose data the candidates are fitted to, a name in
            ``iptq_mm.assignment.FITS``.
    """
    policy: AssignmentPolicy
    fit: str

    def check(self, kinds: Mapping[str, str]) -> None:
        """Refuse what does not exist, before any work.

        Args:
            kinds (Mapping[str, str]): Kind of every non-linear layer.

        Raises:
            UserError: Naming it, and what there is instead.
        """
        try:
            normalization(self.policy.normalization)
            self.policy.competitors(kinds)
        except ValueError as error:
            raise UserError(str(error)) from error
        if self.fit not in FITS:
            raise UserError(f'there is no fit {self.fit!r}; there are: '
                            f'{", ".join(sorted(FITS.module_dict))}.')

    def choose(self, layers: Mapping[str, Layer],
               samples: Mapping[str, Tensor],
               progress: Callable[[int, int], None]) -> dict[str, Choice]:
        """Score the candidates of every layer and assign one.

        Args:
            layers (Mapping[str, Layer]): Exact function and scales, by name.
            samples (Mapping[str, Tensor]): Captured float input [T, L].
            progress (Callable): Called with layers done and their number.

        Returns:
            dict[str, Choice]: By name, in the order of ``layers``.
        """
        kinds = {name: layer.kind for name, layer in layers.items()}
        allowed = self.policy.competitors(kinds)
        free = replace(self.policy, forced={}).competitors(kinds)
        candidates = FITS.get(self.fit)(
            {name: sorted({*free[name], *allowed[name]})
             for name in layers}, samples)
        choices = assign(layers, samples, candidates,
                         self.policy.normalization, progress)
        return {
            name: choice if choice.assigned.name in allowed[name] else
            replace(choice, assigned=candidates[name][allowed[name][0]])
            for name, choice in choices.items()
        }
