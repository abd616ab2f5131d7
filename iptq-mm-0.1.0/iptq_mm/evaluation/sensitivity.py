"""What quantizing one kind of function alone costs."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One evaluation.

    Args:
        kind (str): The kind that is quantized, all else being float;
            ``float`` if none is.
        candidate (str): What every layer of the kind runs; may be empty.
        sqnr_db (float): At the backbone's outputs, in dB; inf for float.
        scores (dict[str, float]): End-task scores by metric, as the config's
            evaluator gives them.
    """
    kind: str
    candidate: str
    sqnr_db: float
    scores: dict[str, float]
