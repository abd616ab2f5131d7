"""What the tools share: options, errors, exit codes.

A tool reads its arguments before it imports ``iptq_mm``, which takes seconds:
``--help`` and a misspelled option answer at once.
"""
from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

from mmengine.config import DictAction


def command(main: Callable[..., bool | None]) -> Callable[..., int]:
    """Make a tool's ``main`` return its exit code.

    Args:
        main (Callable): Returns False if what the tool checks does not hold.

    Returns:
        Callable: 0; or 1 after False, or after a ``UserError``, whose message
        goes to stderr.
    """

    @wraps(main)
    def run(*args: Any, **kwargs: Any) -> int:
        out, err = sys.stdout, sys.stderr
        try:
            return int(main(*args, **kwargs) is False)
        except ValueError as error:
            from iptq_mm.engine.errors import UserError
            if not isinstance(error, UserError):
                raise
            print(f'error: {error}', file=err)
            return 1
        finally:  # after --quiet
            sys.stdout, sys.stderr = out, err

    return run


def need(extra: str, *packages: str) -> None:
    """Refuse to begin without optional packages.

    Args:
        extra (str): The project's extra that installs them.
        packages (str): What is imported.

    Raises:
        UserError: Naming the first that is missing.
    """
    _need(packages, f'install the extra, pip install "iptq-mm[{extra}]"')


def need_mmdet() -> None:
    """Refuse to begin without mmdet.

    Raises:
        UserError: Saying where to read how it is installed.
    """
    _need(['mmdet'], 'see docs/installation.md')


def _need(packages: Iterable[str], remedy: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            from iptq_mm.engine.errors import UserError
            raise UserError(f'this needs {package}: {remedy}')


class _Parser(argparse.ArgumentParser):
    """Takes ``--quiet`` for every tool: nothing but errors is said."""

    def parse_args(self, args: Any = None,  # type: ignore[override]
                   namespace: Any = None) -> argparse.Namespace:
        found = super().parse_args(args, namespace)
        if vars(found).pop('quiet', False):
            sys.stdout = sys.stderr = open(os.devnull, 'w')
        return found


def parser(description: str | None, epilog: str | None = None,
           plain: bool = False) -> argparse.ArgumentParser:
    """A parser without options but ``--quiet``.

    Args:
        description (str): A tool's docstring.
        epilog (str, optional): What comes after the options.
        plain (bool): Whether the description's lines stay as they are.
    """
    formatter = (argparse.RawDescriptionHelpFormatter
                 if plain else argparse.HelpFormatter)
    result = _Parser(
        description=description, epilog=epilog, formatter_class=formatter)
    result.add_argument(
        '--quiet', action='store_true', help='say nothing but errors')
    return result


def add_float_model(parser: argparse.ArgumentParser) -> None:
    """Arguments that name a config, a checkpoint, and changes of the config.
    """
    parser.add_argument(
        'config', help='config with a PTQHook, or mmdet::NAME of an installed '
        "package's own")
    parser.add_argument(
        'checkpoint', nargs='?', help="instead of the config's load_from")
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={},
        metavar='KEY=VALUE',
        help='change the config; data_root=FOLDER moves all data')


def add_int_model(parser: argparse.ArgumentParser) -> None:
    """The argument that names an integer model's config."""
    parser.add_argument(
        'config', help='int_config.py that tools/ptq.py wrote')


def add_json(parser: argparse.ArgumentParser, what: str = 'results') -> None:
    """The option for what a script would read."""
    parser.add_argument(
        '--json', type=Path, metavar='FILE', help=f'write the {what} as JSON')


def positive(text: str) -> int:
    """An integer above 0, for ``argparse``.

    Raises:
        ValueError: If it is something else.
    """
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def share(text: str) -> float:
    """A number from 0 to 1, for ``argparse``.

    Raises:
        ValueError: If it is something else.
    """
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError
    return value


def image_size(text: str) -> tuple[int, int]:
    """'224' or '800x1216' -> (height, width), for ``argparse``.

    Raises:
        ValueError: If it is something else.
    """
    sides = [positive(side) for side in text.lower().split('x')]
    if len(sides) > 2:
        raise ValueError
    return sides[0], sides[-1]
