"""Which layers have wide weights, and which narrow ones, in so many bytes.

The Unified Metric asks of one layer how much closeness a function gives for
its operations. Here layers ask the same of each other: what of the error the
wider weights take away, for their bytes. Q and P are read together, as the
error beside the signal, P / E[y^2] = 10^(-Q / 10): errors of layers of
different scale add up only so; in a backbone both are read at its outputs,
where errors of all layers meet. C is bytes.
"""
from collections.abc import Mapping

from .normalization import Measures


def relative_error(measures: Measures) -> float:
    """Error beside the signal."""
    return 10**(-measures.Q / 10)


def price(narrow: Measures, wide: Measures) -> float:
    """What of its error a layer would get back for a byte."""
    return ((relative_error(narrow) - relative_error(wide))
            / (wide.C - narrow.C))


def choose_narrow(narrow: Mapping[str, Measures], wide: Mapping[str, Measures],
                  save: float) -> list[str]:
    """The layers that are to be narrow, the cheapest of error first.

    Args:
        narrow, wide (Mapping[str, Measures]): Of the same layers.
        save (float): Bytes that must be saved, not more than all narrow ones
            do.

    Returns:
        list[str]: None more than is needed, in this order.
    """
    chosen, saved = [], 0.
    for layer in sorted(narrow, key=lambda name:
                        (price(narrow[name], wide[name]), name)):
        if saved >= save:
            break
        chosen.append(layer)
        saved += wide[layer].C - narrow[layer].C
    return chosen
