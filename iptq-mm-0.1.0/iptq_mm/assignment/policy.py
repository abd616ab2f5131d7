"""What the user allows: which candidates compete in which layer."""
from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from ..registry import APPROXIMATIONS

KINDS = ('gelu', 'softmax', 'layernorm')


def registered(kind: str) -> list[str]:
    """Names of all candidates of a kind, in alphabetical order."""
    return sorted(name for name, cls in APPROXIMATIONS.module_dict.items()
                  if cls.kind == kind)


@dataclass(frozen=True)
class AssignmentPolicy:
    """Which candidates compete, and by which reading of the metric.

    Args:
        candidates (Mapping[str, Sequence[str]]): By kind, the names that may
            compete; all registered ones for a kind that is not mentioned.
        forced (Mapping[str, str]): The one candidate of a layer, or of all
            layers of a kind. A layer's own entry goes before its kind's, and
            both before ``candidates``.
        normalization (str): Name in ``NORMALIZATIONS``.
    """
    candidates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    forced: Mapping[str, str] = field(default_factory=dict)
    normalization: str = 'reference'

    def without(self, layers: Iterable[str]) -> 'AssignmentPolicy':
        """The policy of a model that does not have these layers."""
        forced = {
            key: name
            for key, name in self.forced.items() if key not in set(layers)
        }
        return replace(self, forced=forced)

    def competitors(self, kinds: Mapping[str, str]) -> dict[str, list[str]]:
        """The candidates that stage 1 shall score in each layer.

        Args:
            kinds (Mapping[str, str]): Kind of every layer of the model.

        Returns:
            dict[str, list[str]]: At least one name for every layer.

        Raises:
            ValueError: If the policy speaks of a layer, kind or candidate
                that does not exist; names those that do.
        """
        self._check(kinds)
        return {layer: self._of(layer, kind) for layer, kind in kinds.items()}

    def _of(self, layer: str, kind: str) -> list[str]:
        forced = self.forced.get(layer, self.forced.get(kind))
        if forced is not None:
            return [forced]
        return list(self.candidates.get(kind, registered(kind)))

    def _check(self, kinds: Mapping[str, str]) -> None:
        for kind, names in self.candidates.items():
            if kind not in KINDS:
                raise ValueError(f"candidates: no kind '{kind}'; there are: "
                                 + ', '.join(KINDS))
            if not names:
                raise ValueError(f"candidates: none are left for '{kind}'; "
                                 'there are: ' + ', '.join(registered(kind)))
            _check_names(kind, names)
        for key, name in self.forced.items():
            if key not in KINDS and key not in kinds:
                raise ValueError(f"assignment: '{key}' is neither a kind ("
                                 + ', '.join(KINDS) + ') nor a layer of this '
                                 'model; ' + _nearest(key, kinds))
            _check_names(kinds.get(key, key), [name])


def _check_names(kind: str, names: Iterable[str]) -> None:
    existing = registered(kind)
    for name in names:
        if name not in existing:
            raise ValueError(f"'{name}' is no candidate for {kind}; there "
                             'are: ' + ', '.join(existing))


def _nearest(key: str, layers: Iterable[str]) -> str:
    layers = list(layers)
    close = get_close_matches(key, layers, n=3, cutoff=0.)
    return f'nearest of its {len(layers)} layers: ' + ', '.join(close)


def read_assignment(path: str | Path) -> dict[str, str]:
    """An assignment that an earlier run wrote: a JSON object of layer name to
    candidate name. Give it to a policy as ``forced``, which checks the names.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'no assignment file {path}')
    try:
        assignment = json.loads(path.read_text())
    except ValueError:
        assignment = None
    if not (isinstance(assignment, dict)
            and all(isinstance(v, str) for v in assignment.values())):
        raise ValueError(f'{path} is no assignment file: a JSON object of '
                         'layer name to candidate name is expected')
    return assignment
