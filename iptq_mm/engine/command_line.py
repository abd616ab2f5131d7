"""What the command-line tools share."""
import sys
from collections.abc import Callable
from functools import wraps

from .errors import UserError


def command(main: Callable[..., bool | None]) -> Callable[..., int]:
    """Make a tool's ``main`` return its exit code.

    Args:
        main (Callable): Returns False if what the tool checks does not hold.

    Returns:
        Callable: 0; or 1 after False, or after a :class:`UserError`, whose
        message goes to stderr.
    """

    @wraps(main)
    def run(*args, **kwargs) -> int:
        try:
            return int(main(*args, **kwargs) is False)
        except UserError as error:
            print(f'error: {error}', file=sys.stderr)
            return 1

    return run


def positive(text: str) -> int:
    """An integer above 0, for ``argparse``.

    Raises:
        ValueError: If it is something else.
    """
    value = int(text)
    if value < 1:
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
