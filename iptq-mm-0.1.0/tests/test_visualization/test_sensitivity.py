import math

from matplotlib.image import imread
from rich.console import Console

from iptq_mm.evaluation.sensitivity import Row
from iptq_mm.visualization.sensitivity import (
    draw_sensitivity,
    sensitivity_table,
)

ROWS = [
    Row('float', '', math.inf, {'coco/bbox_mAP': .5}),
    Row('gelu', 'i_gelu', 31.25, {'coco/bbox_mAP': .498}),
    Row('softmax', 'shiftmax', 28., {'coco/bbox_mAP': .501}),
]


def test_the_table_compares_with_float():
    console = Console(width=80)
    with console.capture() as capture:
        console.print(sensitivity_table(ROWS, 7))
    text = capture.get()
    lines = [line.split() for line in text.splitlines()]
    assert ['float', '0.500'] in lines
    assert ['gelu', 'i_gelu', '0.498', '-0.002', '31.2'] in lines
    assert ['softmax', 'shiftmax', '0.501', '+0.001', '28.0'] in lines
    assert '7 test images' in text


def test_the_picture_grows_with_the_rows(tmp_path):
    few, many = tmp_path / 'few.png', tmp_path / 'many.png'
    draw_sensitivity(ROWS, 7, few)
    more = [Row('layernorm', f'n{i}', 30., ROWS[0].scores) for i in range(9)]
    draw_sensitivity(ROWS + more, 7, many)
    few, many = imread(few), imread(many)
    assert many.shape[0] > few.shape[0] and many.shape[1] == few.shape[1]
    assert few.std() > .05
