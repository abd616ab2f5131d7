import math

import matplotlib.image

from iptq_mm.visualization.sqnr import draw_sqnr


def test_one_bar_for_each_site(tmp_path):
    few, many = tmp_path / 'few.png', tmp_path / 'many.png'
    draw_sqnr(dict(out0=30.), few)
    draw_sqnr({f'stages.0.blocks.{i}': 20. + i for i in range(24)}, many)
    heights = [matplotlib.image.imread(p).shape[0] for p in (few, many)]
    assert heights[1] > 3 * heights[0]


def test_exact_sites_can_be_drawn(tmp_path):
    draw_sqnr(dict(patch_embed=math.inf, out0=30.), tmp_path / 'a.png')
    assert (tmp_path / 'a.png').exists()
