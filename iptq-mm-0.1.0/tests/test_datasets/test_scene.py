import numpy as np
import pytest

from iptq_mm.datasets.outlines import OUTLINES
from iptq_mm.datasets.scene import MIN_VISIBLE_PART, Figure, Scene

SIDE = 192


def scenes(count):
    return [
        Scene.sample(np.random.default_rng(seed), SIDE)
        for seed in range(count)
    ]


@pytest.mark.parametrize('name', OUTLINES)
def test_an_outline_lies_within_its_square(name):
    u, v = np.meshgrid(np.linspace(-2, 2, 401), np.linspace(-2, 2, 401))
    inside = OUTLINES[name](u, v)
    assert np.maximum(abs(u), abs(v))[inside].max() <= 1.001
    for horizontal in (u < 0, u > 0):
        for vertical in (v < 0, v > 0):
            assert (inside & horizontal & vertical).any()


def test_the_outlines_differ():
    u, v = np.meshgrid(np.linspace(-1, 1, 201), np.linspace(-1, 1, 201))
    masks = [outline(u, v) for outline in OUTLINES.values()]
    for i, first in enumerate(masks):
        for second in masks[:i]:
            union = (first | second).sum()
            assert (first & second).sum() / union < 0.9


def test_a_figure_covers_what_geometry_says():
    label = list(OUTLINES).index('ellipse')
    mask = Figure(label, 96, 80, radius=40, aspect=0.5, angle=0.7).mask(SIDE)
    assert mask.sum() == pytest.approx(np.pi * 40 * 20, rel=0.01)
    rows, columns = np.nonzero(mask)
    assert columns.mean() + 0.5 == pytest.approx(96, abs=0.1)
    assert rows.mean() + 0.5 == pytest.approx(80, abs=0.1)


def test_later_figures_hide_earlier_ones():
    hidden = 0
    for scene in scenes(30):
        masks = [figure.mask(SIDE) for figure in scene.figures]
        for i, mask in enumerate(masks):
            before = np.zeros_like(mask)
            for later in masks[i + 1:]:
                before |= later
            assert np.array_equal(scene.visible(i), mask & ~before)
            hidden += (mask & before).any()
    assert hidden > 10


def test_of_every_figure_enough_is_seen():
    for scene in scenes(30):
        assert scene.figures
        for i, figure in enumerate(scene.figures):
            whole = figure.mask(SIDE).sum()
            assert scene.visible(i).sum() >= MIN_VISIBLE_PART * whole


def test_the_figures_are_small_to_large():
    widths = np.array([
        2 * figure.radius for scene in scenes(60) for figure in scene.figures
    ])
    # COCO's small and large: under 32 and over 96 pixels.
    assert (widths < 32).mean() > 0.1
    assert ((widths >= 32) & (widths <= 96)).mean() > 0.2
    assert (widths > 96).mean() > 0.05


def test_a_tiny_image_is_refused():
    with pytest.raises(ValueError, match='64 or more'):
        Scene.sample(np.random.default_rng(0), 8)
