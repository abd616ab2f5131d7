"""What the kernels leave to the references."""
from typing import Any

from ..library import NAMESPACE, REFERENCES


def to_reference(name: str, *arguments: Any) -> Any:
    """The reference's answer: to unusual widths, sizes and candidates, and to
    what is wrong."""
    return REFERENCES[f'{NAMESPACE}::{name}'](*arguments)
