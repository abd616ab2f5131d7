"""The outlines of the generated shapes.

An outline is a function of local coordinates: ``outline(u, v)`` is true where
the point ``(u, v)`` lies inside the shape. ``u`` and ``v`` are float64 arrays
of one shape, every outline lies within the square [-1, 1] x [-1, 1] and
contains points of all four quadrants. They are written with numpy alone, so
that a mask does not depend on the version of a drawing library.
"""
from typing import Callable, Dict

import numpy as np

Outline = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _halfplanes(u: np.ndarray, v: np.ndarray, sides: int,
                distance: float) -> np.ndarray:
    """How many of the ``sides`` half-planes around the origin hold a point.

    The half-planes' normals are evenly spaced and their borders lie
    ``distance`` away from the origin.
    """
    angles = 2 * np.pi * np.arange(sides) / sides
    return sum((u * np.cos(a) + v * np.sin(a) <= distance).astype(np.int64)
               for a in angles)


def ellipse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u * u + v * v <= 1


def rectangle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(abs(u), abs(v)) <= 0.85


def triangle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return _halfplanes(u, v, 3, 0.5) == 3


def star(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The pentagram: its points are outside of one half-plane at most."""
    return _halfplanes(u, v, 5, np.cos(2 * np.pi / 5)) >= 4


def ring(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    square = u * u + v * v
    return (square <= 1) & (square >= 0.55**2)


def cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    arms = np.minimum(abs(u), abs(v)) <= 0.3
    return arms & (np.maximum(abs(u), abs(v)) <= 0.95)


def crescent(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    bite = (u - 0.5)**2 + v * v <= 0.75**2
    return (u * u + v * v <= 1) & ~bite


OUTLINES: Dict[str, Outline] = {
    f.__name__: f
    for f in (ellipse, rectangle, triangle, star, ring, cross, crescent)
}
"""Name of a class to its outline; the order is that of the labels."""
