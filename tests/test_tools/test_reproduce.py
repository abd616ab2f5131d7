"""``tools/reproduce.py`` on a ViT of one block, random weights."""
import json

import pytest

from iptq_mm.benchmark import RUNTIMES
from iptq_mm.experiments.tables import WIDTHS

from conftest import ROOT

SHAPES = str(ROOT / 'configs' / 'iptq_vit_nano_shapes.py')
DETECTOR = str(ROOT / 'configs' / 'iptq_swin_nano_maskrcnn_shapes.py')
SMALL = [
    '--num-images', '7', '--batch-size', '4', '--cfg-options',
    'load_from=None', 'model.options.depth=1',
    'custom_hooks.0.num_batches=2',
    'custom_hooks.0.calib_dataloader.dataset.num_images=4'
]
COLUMNS = [f'W{width}A8' for width in WIDTHS]


@pytest.fixture(scope='module')
def reproduce(tool):
    return tool('reproduce')


@pytest.fixture(scope='module')
def measured(reproduce, tmp_path_factory):
    """The JSON file with every table of the small classifier."""
    folder = tmp_path_factory.mktemp('reproduce')
    path, work = folder / 'new' / 'tables.json', str(folder / 'work')
    for table, *more in (('widths', ), ('means', ), ('accuracy', ),
                         ('ablation', ),
                         ('calibration-size', '--sizes', '1', '3'),
                         ('time', )):
        assert reproduce([
            '--json', str(path), table, SHAPES, '--work-dir', work, *more,
            *SMALL]) == 0
    return path


def entries(path):
    tables = json.loads(path.read_text())['tables']
    return {table: some['vit_nano_shapes'] for table, some in tables.items()}


def test_every_row_of_every_table_has_its_figures(measured):
    found = entries(measured)
    for table, rows in (('accuracy', found['accuracy']['int_ops']),
                        ('ablation', found['ablation']['changed']),
                        ('calibration-size', ('1', '3'))):
        entry = found[table]
        assert entry['images'] == 7
        for column in COLUMNS:
            assert list(entry['columns'][column]) == list(rows)
            for figures in entry['columns'][column].values():
                assert 0 <= figures['top1'] <= 100
                assert figures['sqnr_db'] > 5


def test_every_width_has_its_figures_and_size(measured):
    found = entries(measured)['widths']
    assert list(found['columns']) == ['W8A8', 'W7A8', 'W6A8', 'W4A8', 'W6A6',
                                      'W4A4', 'W4/8A8']
    for column, rows in found['columns'].items():
        assert list(rows) == ['default']
        assert rows['default']['sqnr_db'] > (0 if column == 'W4A4' else 5)
    sizes = found['megabytes']
    # but for the tables of functions
    assert sizes['W7A8'] == pytest.approx(sizes['W8A8'], rel=.05)
    assert sizes['W6A6'] == pytest.approx(sizes['W6A8'], rel=.05)
    assert sizes['W4A8'] < sizes['W6A8'] < sizes['W8A8']
    assert sizes['W4A8'] <= sizes['W4/8A8'] < sizes['W8A8']


def test_every_means_is_switched_off(measured):
    columns = entries(measured)['means']['columns']
    assert list(columns) == ['W8A8', 'W7A8', 'W6A8', 'W4A8', 'W6A6', 'W4A4']
    for rows in columns.values():
        figures = [one['sqnr_db'] for one in rows.values()]
        assert len(figures) == len(set(figures)) == 5


def test_four_bits_are_four_bits_and_near_to_eight(reproduce, tmp_path):
    """On trained weights and enough images: random weights say nothing. In
    groups of 32, the error of 4 bits is about that of the activations."""
    path = tmp_path / 'tables.json'
    assert reproduce([
        '--json', str(path), 'accuracy', SHAPES, '--work-dir', str(tmp_path),
        '--num-images', '60'
    ]) == 0
    columns = entries(path)['accuracy']['columns']
    for row, figures in columns['W8A8'].items():
        lost = figures['sqnr_db'] - columns['W4A8'][row]['sqnr_db']
        assert -2 < lost < 6 and lost


def test_the_whole_metric_is_the_default_of_the_accuracy_table(measured):
    found = entries(measured)
    for column in COLUMNS:
        ablated = found['ablation']['columns'][column]
        whole = found['accuracy']['columns'][column]
        for row, same in (('all/full', 'default'),
                          ('paper/full', 'metric_paper')):
            assert ablated[row].items() <= whole[same].items()
    assert found['ablation']['changed']['all/full'] == 0


def test_another_seed_is_another_calibration(measured, reproduce, tmp_path):
    path = tmp_path / 'tables.json'
    assert reproduce([
        '--json', str(path), 'accuracy', SHAPES, '--seeds', '2', '--work-dir',
        str(tmp_path / 'work'), *SMALL]) == 0
    both, one = entries(path)['accuracy'], entries(measured)['accuracy']
    assert both['seeds'] == [0, 1] and one['seeds'] == [0]
    assert both['float'] == one['float']  # of the same test images
    for row, figures in both['columns']['W8A8'].items():
        first = one['columns']['W8A8'][row]
        assert figures['sqnr_db'] != first['sqnr_db']
        assert abs(figures['sqnr_db'] - first['sqnr_db']) < 3


def test_the_page_keeps_what_was_written_by_hand(measured, reproduce,
                                                 tmp_path):
    page = tmp_path / 'reproduction.md'
    page.write_text('# By hand\n\n## The tables\n\nold\n')
    for _ in range(2):
        assert reproduce(['--json', str(measured), 'page', str(tmp_path)]) == 0
        text = page.read_text()
        assert text.startswith('# By hand\n\n## The tables\n')
        assert 'old' not in text and text.count('## The tables') == 1
    for heading in ('Accuracy: vit_nano_shapes', 'Ablation: vit_nano_shapes',
                    'Calibration images: vit_nano_shapes',
                    'Quantization time', 'Published'):
        assert f'### {heading}\n' in text
    assert (tmp_path / 'reproduction_time.png').stat().st_size > 1000


def test_a_detector_is_refused(reproduce, tmp_path, capsys):
    assert reproduce(['accuracy', DETECTOR, '--work-dir', str(tmp_path)]) == 1
    assert 'is no classifier, but a MaskRCNN' in capsys.readouterr().err


def test_too_many_images_are_refused(reproduce, tmp_path, capsys):
    assert reproduce([
        'time', SHAPES, '--work-dir', str(tmp_path), '--cfg-options',
        'load_from=None', 'test_dataloader.dataset.num_images=0']) == 1
    assert 'num_images' in capsys.readouterr().err


def test_a_missing_peer_is_named_before_any_work(reproduce, monkeypatch,
                                                 capsys):
    runtime = RUNTIMES['ort-int8']
    monkeypatch.setitem(
        RUNTIMES, 'ort-int8',
        runtime.__class__(None, None, packages=('no_such_package', )))
    assert reproduce(['accuracy', 'gone.py', '--vs', 'ort-int8']) == 1
    assert 'no_such_package' in capsys.readouterr().err


@pytest.mark.parametrize('text, message', [
    (None, 'measure something first'), ('[', 'holds no tables'),
    ('{}', 'holds no tables')])
def test_no_tables(reproduce, tmp_path, capsys, text, message):
    path = tmp_path / 'tables.json'
    if text is not None:
        path.write_text(text)
    assert reproduce(['--json', str(path), 'page']) == 1
    assert message in capsys.readouterr().err
