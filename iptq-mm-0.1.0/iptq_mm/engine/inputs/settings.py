"""The settings of ``PTQHook``: the one place that says what each may be.

They are checked when the hook is built, so that no road to it (a tool, mmdet's
own scripts, Python) begins work with a setting that is misspelled, of the
wrong kind or out of its range.
"""
from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from inspect import signature
from typing import Any

from mmengine.registry import Registry

from ...assignment import FITS, NORMALIZATIONS
from ...lowering import ROUNDINGS
from ...models.detectors.swin_backbone import DEFAULT_BITS
from ...registry import OBSERVERS
from ..errors import UserError

SCOPES = ('backbone', 'all')
"""What of a detector can be made integer-only."""

INPUTS = ('normalized', 'uint8')
"""What an image can be to the integer backbone."""

WIDTHS = dict(
    weight=(2, 8), activation=(2, 8), attention=(2, 8), residual=(8, 16),
    output=(2, 16))
"""Least and largest width of each key of ``bits``."""


def check_names(given: Iterable[str], known: Iterable[str],
                where: str) -> None:
    """Refuse a setting that does not exist.

    Args:
        given (Iterable[str]): Names that a user has set.
        known (Iterable[str]): Those that there are.
        where (str): What stands before the name, e.g. ``bits.``.

    Raises:
        UserError: Naming it, and the nearest that exists.
    """
    known = sorted(known)
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f' Did you mean {where}{near[0]}?' if near else ''
            raise UserError(f'there is no setting {where}{name}.{hint} '
                            f'There are: {", ".join(known)}.')


def checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the hook, each checked and in its final form.

    Args:
        settings (Mapping): By the names of the hook's arguments.

    Returns:
        dict: ``bits`` with a width for each key, ``observer``,
        ``candidates`` and ``assignment`` as dictionaries (a path of an
        assignment stays one).

    Raises:
        UserError: Naming the setting, what it may be, and what it is.
    """
    check_names(settings, CHECKS, '')
    result = {name: CHECKS[name](name, value)
              for name, value in settings.items()}
    width = result.get('bits', DEFAULT_BITS)['weight']
    if result.get('budget_mb') and width != DEFAULT_BITS['weight']:
        raise UserError(f'budget_mb chooses weights of 4 or 8 bits layer by '
                        f'layer: leave out bits.weight={width}.')
    return result


def _refuse(name: str, value: Any, wanted: str) -> None:
    raise UserError(f'{name} is {wanted}, not {value!r}.')


def one_of(known: Sequence[str] | Registry) -> Callable:
    """A name of a list or of a registry."""

    def check(name: str, value: Any) -> str:
        names = (sorted(known.module_dict)
                 if isinstance(known, Registry) else known)
        if value not in names:
            raise UserError(f'there is no {name} {value!r}; there are: '
                            f'{", ".join(names)}.')
        return value

    return check


def optional(check: Callable) -> Callable:
    """None, or what another check allows."""
    return lambda name, value: value if value is None else check(name, value)


def integer(least: int, most: int | None = None) -> Callable:
    """An integer in a range."""
    wanted = f'an integer from {least}' + (f' to {most}' if most else '')

    def check(name: str, value: Any) -> int:
        if (not isinstance(value, int) or isinstance(value, bool)
                or value < least or (most and value > most)):
            _refuse(name, value, wanted)
        return value

    return check


def positive(name: str, value: Any) -> float:
    if (not isinstance(value, (int, float)) or isinstance(value, bool)
            or not 0 < value < float('inf')):
        _refuse(name, value, 'a positive number')
    return value


def boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        _refuse(name, value, 'True or False')
    return value


def mapping(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        _refuse(name, value, f'a dictionary (of the command line: '
                f'custom_hooks.0.{name}.KEY=VALUE)')
    return dict(value)


def _bits(name: str, value: Any) -> dict[str, int]:
    bits = mapping(name, value or {})
    check_names(bits, WIDTHS, f'{name}.')
    for key, width in bits.items():
        integer(*WIDTHS[key])(f'{name}.{key}', width)
    return {**DEFAULT_BITS, **bits}


def _observer(name: str, value: Any) -> dict[str, Any]:
    observer = mapping(name, value)
    kinds = ', '.join(sorted(OBSERVERS.module_dict))
    if 'type' not in observer:
        raise UserError(f'{name}.type is missing; there are: {kinds}.')
    one_of(OBSERVERS)(f'{name}.type', observer['type'])
    make = OBSERVERS.get(observer['type'])
    own = {key: item for key, item in observer.items() if key != 'type'}
    check_names(own, signature(make).parameters,
                f'{observer["type"]} {name}.')
    try:
        make(**own)
    except (TypeError, ValueError) as error:
        raise UserError(f'{name}: {error}.') from error
    return observer


def _candidates(name: str, value: Any) -> dict[str, Any]:
    return mapping(name, value or {})


def _assignment(name: str, value: Any) -> dict[str, str] | str:
    if isinstance(value, str) and value.lstrip().startswith('{'):
        try:  # --cfg-options hands a dictionary over as its text
            value = ast.literal_eval(value)
        except (SyntaxError, ValueError):
            value = [value]
    return value if isinstance(value, str) else mapping(name, value or {})


CHECKS: dict[str, Callable[[str, Any], Any]] = dict(
    calib_dataloader=mapping,
    scope=one_of(SCOPES),
    input=optional(one_of(INPUTS)),
    num_batches=integer(1),
    observer=_observer,
    candidates=_candidates,
    assignment=_assignment,
    normalization=one_of(NORMALIZATIONS),
    fit=one_of(FITS),
    rounding=one_of(ROUNDINGS),
    equalize=boolean,
    compensate=boolean,
    bits=_bits,
    budget_mb=optional(positive),
    seed=integer(0))
"""What a value of each setting must be."""
