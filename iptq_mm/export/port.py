"""The inputs and outputs of a file."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Port:
    """An input or output of an integer part.

    Args:
        name (str): In the file.
        scale (float): Real value of one step.
        layout (str): Its axes: N batch, C channels, H and W height and width
            (Y and X of the original image), D detections, and numbers for
            fixed lengths.
        optional (bool): Whether an input may be left out, and is 0 then.
            Defaults to False.
    """
    name: str
    scale: float
    layout: str
    optional: bool = False
