import pytest
import torch
from matplotlib.image import imread
from torch.nn import functional as F

from iptq_mm.evaluation.function_error import Curve
from iptq_mm.visualization.functions import (
    _erf_points,
    _octave_points,
    draw_functions,
)


def test_the_picture_is_drawn(tmp_path):
    draw_functions(tmp_path / 'functions.png')
    assert imread(tmp_path / 'functions.png').std() > .05


def test_the_erf_of_an_exact_gelu_is_erf():
    u, exact, implied = _erf_points(
        Curve('exact', 'gelu', 0., (-3., 3.), F.gelu, F.gelu))
    assert implied == pytest.approx(exact, abs=1e-6)


def test_exponentials_of_any_base_share_an_axis():
    curve = Curve('e', 'softmax', torch.e, (-1., 0.), torch.exp, torch.exp)
    octaves, exact, _ = _octave_points(curve)
    assert exact == pytest.approx(octaves.exp2())
