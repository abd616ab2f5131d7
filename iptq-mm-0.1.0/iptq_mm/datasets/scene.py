"""A generated scene: which figures lie where, and which one hides which."""
from dataclasses import dataclass
from typing import List, Tuple

import numpy as np

from .outlines import OUTLINES

MAX_FIGURES = 8
MIN_RADIUS, MAX_RADIUS = 0.065, 0.45
"""Range of a figure's radius, as a part of the image's side."""
MAX_TILT = np.pi / 7
"""A figure is tilted by at most this, in radians, to either side."""
MIN_VISIBLE_PART = 0.6
MIN_VISIBLE_PIXELS = 100
_ATTEMPTS = 24


@dataclass(frozen=True)
class Figure:
    """One shape in an image.

    Args:
        label (int): Index of its class in ``OUTLINES``.
        x, y (float): Its centre, in pixels.
        radius (float): Half of its longer extent, in pixels.
        aspect (float): Its shorter extent by its longer one, in (0, 1].
        angle (float): Its rotation in radians.
    """
    label: int
    x: float
    y: float
    radius: float
    aspect: float
    angle: float

    def local(self, side: int) -> Tuple[np.ndarray, np.ndarray]:
        """The figure's coordinates (u, v) at every pixel's centre.

        Args:
            side (int): Side of the square image.

        Returns:
            tuple: Two float64 arrays [side, side].
        """
        rows, columns = np.mgrid[:side, :side] + 0.5
        dx, dy = columns - self.x, rows - self.y
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        u = (dx * cos + dy * sin) / self.radius
        v = (dy * cos - dx * sin) / (self.radius * self.aspect)
        return u, v

    def mask(self, side: int) -> np.ndarray:
        """The pixels it would cover with nothing before it: bool
        [side, side]."""
        return list(OUTLINES.values())[self.label](*self.local(side))


def _draw_figure(rng: np.random.Generator, side: int) -> Figure:
    # Only `random()` is drawn from: its stream is the same in every numpy.
    label, x, y, size, aspect, angle = rng.random(6)
    return Figure(
        label=int(label * len(OUTLINES)),
        x=side * (0.06 + 0.88 * x),
        y=side * (0.06 + 0.88 * y),
        radius=side * MIN_RADIUS * (MAX_RADIUS / MIN_RADIUS)**size,
        aspect=0.7 + 0.3 * aspect,
        angle=MAX_TILT * (2 * angle - 1))


@dataclass(frozen=True)
class Scene:
    """Figures of one image, from the backmost to the foremost.

    Args:
        side (int): Side of the square image in pixels.
        figures (list[Figure]): At least one.
        owner (np.ndarray): int64 [side, side], the index of the figure seen
            at a pixel, or -1 for the background.
    """
    side: int
    figures: List[Figure]
    owner: np.ndarray

    @classmethod
    def sample(cls, rng: np.random.Generator, side: int) -> 'Scene':
        """Draws figures until there are as many as were drawn to be.

        A figure that would hide too much of another one is drawn anew; thus
        of every figure at least ``MIN_VISIBLE_PART`` of what lies inside of
        the image is seen, and at least ``MIN_VISIBLE_PIXELS``.

        Args:
            rng (np.random.Generator): The only source of randomness.
            side (int): Side of the square image in pixels, 64 or more.
        """
        if side < 64:
            raise ValueError(
                f'a generated image has a side of 64 or more, not {side}')
        wanted = 1 + int(rng.random() * MAX_FIGURES)
        figures: List[Figure] = []
        needed: List[float] = []
        owner = np.full((side, side), -1)
        while not figures:
            for _ in range(_ATTEMPTS):
                if len(figures) == wanted:
                    break
                figure = _draw_figure(rng, side)
                mask = figure.mask(side)
                changed = np.where(mask, len(figures), owner)
                least = needed + [
                    max(MIN_VISIBLE_PIXELS, MIN_VISIBLE_PART * mask.sum())
                ]
                seen = np.bincount(changed.ravel() + 1, minlength=len(least))
                if np.all(seen[1:] >= least):
                    figures.append(figure)
                    needed, owner = least, changed
        return cls(side, figures, owner)

    def visible(self, index: int) -> np.ndarray:
        """The pixels at which figure ``index`` is seen: bool [side, side]."""
        return self.owner == index
