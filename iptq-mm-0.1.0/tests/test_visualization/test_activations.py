import pytest
import torch
from matplotlib.image import imread
from rich.console import Console

from iptq_mm.assignment import GELULayer
from iptq_mm.evaluation.activations import activations
from iptq_mm.registry import APPROXIMATIONS
from iptq_mm.visualization.activations import (
    activations_table,
    draw_activations,
    layers_table,
)


@pytest.fixture
def found():
    x = torch.randn(500, 4, generator=torch.manual_seed(0))
    return activations(
        'blocks.0.gelu', GELULayer(2**-5, 2**-5), x, {
            name: APPROXIMATIONS.get(name)()
            for name in ('i_gelu', 'poly_gelu')
        })


def printed(table):
    console = Console(width=80)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_the_table_is_whole_at_80_columns(found):
    text = printed(activations_table(found))
    assert '…' not in text and '2000 sampled inputs' in text
    row = next(line for line in text.splitlines() if 'poly_gelu' in line)
    assert len(row.split()) == 9


def test_the_most_sensitive_layer_is_marked():
    text = printed(layers_table({'a.gelu': 31.5, 'b.gelu': 30.5}, 'i_gelu'))
    assert '30.5*' in text and '31.5*' not in text and '31.5' in text


def test_the_picture_is_drawn(found, tmp_path):
    draw_activations(found, tmp_path / 'activations.png')
    assert imread(tmp_path / 'activations.png').std() > .05


def test_a_constant_input_can_be_drawn(tmp_path):
    found = activations(
        'gelu', GELULayer(2**-5, 2**-5), torch.zeros(8, 4),
        dict(i_gelu=APPROXIMATIONS.get('i_gelu')()))
    draw_activations(found, tmp_path / 'constant.png')
    assert (tmp_path / 'constant.png').is_file()
