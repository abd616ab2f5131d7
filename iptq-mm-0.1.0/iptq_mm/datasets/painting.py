"""Paints a scene: textures, light and shadow."""
import cv2
import numpy as np

from .outlines import OUTLINES
from .scene import Figure, Scene

HUE_SPREAD = 0.8
"""Each class has a part of the colour wheel, as fruits have, and leaves the
rest of its share free: a small detector then learns the classes in minutes."""


def _clouds(rng: np.random.Generator, side: int) -> np.ndarray:
    """Value noise of four octaves: float64 [side, side], about [0, 1]."""
    field = np.zeros((side, side))
    for cells, weight in ((3, 0.4), (8, 0.3), (24, 0.2), (64, 0.1)):
        field += weight * cv2.resize(
            rng.random((cells, cells)), (side, side),
            interpolation=cv2.INTER_CUBIC)
    return field


def _stripes(rng: np.random.Generator, side: int) -> np.ndarray:
    """Bent stripes: float64 [side, side], within [0, 1]."""
    angle, period, phase, bend = rng.random(4)
    rows, columns = np.mgrid[:side, :side]
    along = columns * np.cos(np.pi * angle) + rows * np.sin(np.pi * angle)
    along = along + 24 * bend * _clouds(rng, side)
    period = 5 + 25 * period
    return 0.5 + 0.5 * np.sin(2 * np.pi * (along / period + phase))


def _texture(rng: np.random.Generator, side: int) -> np.ndarray:
    kind = _stripes if rng.random() < 0.25 else _clouds
    return kind(rng, side)


def _blend(field: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Colours [3] blended by a field [H, W] into an image [H, W, 3]."""
    return low + field[..., None] * (high - low)


def _colour(rng: np.random.Generator, label: int) -> np.ndarray:
    """A colour of a class: float64 [3], RGB in [0, 255]."""
    hue, saturation, value = rng.random(3)
    hue = 360 * (label + HUE_SPREAD * (hue - 0.5)) / len(OUTLINES) % 360
    hsv = np.float32([[[hue, 0.45 + 0.5 * saturation, 0.55 + 0.4 * value]]])
    return 255. * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]


def _paint_figure(image: np.ndarray, figure: Figure, light: np.ndarray,
                  rng: np.random.Generator) -> None:
    side = len(image)
    inside = figure.mask(side)
    colour = _colour(rng, figure.label)
    other = np.clip(colour + 70 * (rng.random(3) - 0.5), 0, 255)
    surface = _blend(_texture(rng, side), colour, other)
    u, v = figure.local(side)
    # The light's direction is the image's, the local axes are the figure's.
    cos, sin = np.cos(figure.angle), np.sin(figure.angle)
    slope = (light[0] * (u * cos - v * sin) + light[1] * (u * sin + v * cos))
    shade = 1 - 0.3 * slope - 0.15 * np.minimum(u * u + v * v, 1)
    offset = np.float64([[1, 0, light[0] * 4], [0, 1, light[1] * 4]])
    shadow = cv2.warpAffine(inside.astype(np.float64), offset, (side, side))
    image *= 1 - 0.45 * cv2.GaussianBlur(shadow, (0, 0), 2)[..., None]
    image[inside] = (surface * shade[..., None])[inside]


def paint(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Paints a scene.

    Args:
        scene (Scene): What to paint.
        rng (np.random.Generator): Draws the colours, textures and the light.

    Returns:
        np.ndarray: uint8 [side, side, 3].
    """
    side = scene.side
    low, high = 150 * rng.random((2, 3))
    image = _blend(_texture(rng, side), low, high)
    direction = 2 * np.pi * rng.random()
    light = np.array([np.cos(direction), np.sin(direction)])
    for figure in scene.figures:
        _paint_figure(image, figure, light, rng)
    image = cv2.GaussianBlur(image, (0, 0), 0.6)
    image += 16 * (rng.random(image.shape) - 0.5)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
