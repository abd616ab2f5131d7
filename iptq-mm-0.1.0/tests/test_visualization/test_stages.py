import matplotlib.image

from iptq_mm.visualization.stages import TITLES, draw_stages

ORANGE = (1.0, 127 / 255, 14 / 255)  # of the second stage that is drawn


def orange(path):
    pixels = matplotlib.image.imread(path)[..., :3]
    return (abs(pixels - ORANGE).max(-1) < 0.01).sum()


def test_a_longer_stage_has_a_longer_bar(tmp_path):
    areas = []
    for observe in (1., 3.):
        path = tmp_path / f'{observe}.png'
        seconds = {stage: 1. for stage in TITLES}
        draw_stages(dict(vit=dict(seconds, observe=observe)), path)
        areas.append(orange(path))
    assert areas[1] > 1.5 * areas[0]


def test_a_stage_that_did_not_run_has_none(tmp_path):
    # What is left is its colour in the legend.
    path, other = tmp_path / 'with.png', tmp_path / 'without.png'
    draw_stages(dict(vit=dict(observe=1., lower=1.)), path)
    draw_stages(dict(vit=dict(lower=1.)), other)
    assert orange(other) < 0.2 * orange(path)
