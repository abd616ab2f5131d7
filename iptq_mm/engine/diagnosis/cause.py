"""What is wrong with a run."""
from typing import NamedTuple


class Cause(NamedTuple):
    """What is wrong, and what repairs it.

    Args:
        name (str): The same for every run that suffers from it.
        seen (str): What gave it away, with figures.
        remedy (str): What to change.
    """
    name: str
    seen: str
    remedy: str
