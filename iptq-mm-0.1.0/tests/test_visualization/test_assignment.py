from matplotlib.image import imread
from rich.console import Console

from iptq_mm.visualization.assignment import (
    assignment_tables,
    competitors,
    draw_assignment,
)


def entry(name, kind, assigned, **omegas):
    return dict(
        name=name,
        kind=kind,
        assigned=assigned,
        candidates={
            key: dict(Q=30., P=.1, C=5., omega=value)
            for key, value in omegas.items()
        })


LAYERS = [
    entry('blocks.0.gelu', 'gelu', 'b', a=.9, b=1.25),
    entry('blocks.1.gelu', 'gelu', 'c', c=1.125),  # forced
    entry('norm0', 'layernorm', 'n', n=1.),
]


def printed(tables):
    console = Console(width=100)
    with console.capture() as capture:
        for table in tables:
            console.print(table)
    return capture.get().splitlines()


def test_the_table_marks_the_chosen_and_leaves_gaps():
    lines = printed(assignment_tables(LAYERS))
    first = next(line for line in lines if 'blocks.0.gelu' in line)
    second = next(line for line in lines if 'blocks.1.gelu' in line)
    assert first.split() == ['blocks.0.gelu', '0.900', '1.250*']
    assert second.split() == ['blocks.1.gelu', '1.125*']
    assert competitors(LAYERS[:2]) == ['a', 'b', 'c']


def test_the_picture_grows_with_the_layers(tmp_path):
    draw_assignment(LAYERS, tmp_path / 'few.png')
    draw_assignment(LAYERS * 10, tmp_path / 'many.png')
    few, many = (imread(tmp_path / n) for n in ('few.png', 'many.png'))
    assert many.shape[0] > few.shape[0] and many.shape[1] == few.shape[1]
    assert few.std() > .05
