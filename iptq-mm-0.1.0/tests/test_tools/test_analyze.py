import json

import pytest

from conftest import ROOT

SHAPES = str(ROOT / 'configs' / 'iptq_swin_nano_maskrcnn_shapes.py')
FEW = [
    '--cfg-options', 'test_dataloader.num_workers=0',
    'test_dataloader.persistent_workers=False',
    'custom_hooks.0.calib_dataloader.num_workers=0',
    'custom_hooks.0.num_batches=1', 'test_dataloader.dataset.num_images=2'
]
"""Options that make a run of the bundled config small."""


@pytest.fixture(scope='module')
def analyze(tool):
    return tool('analyze')


def test_functions_writes_json_and_a_picture(analyze, tmp_path, capsys):
    path = tmp_path / 'functions.json'
    assert analyze(['functions', '--json', str(path), '--out-dir',
                    str(tmp_path / 'new')]) == 0
    by_name = {entry['name']: entry for entry in json.loads(path.read_text())}
    assert {'name', 'kind', 'range', 'rms', 'linf'} <= set(
        by_name['poly_gelu'])
    assert by_name['poly_gelu']['range'] == [-3, 3]
    assert (tmp_path / 'new' / 'functions.png').is_file()
    assert '0.0093' in capsys.readouterr().out


def report(tmp_path, layers):
    path = tmp_path / 'ptq_report.json'
    path.write_text(json.dumps(dict(layers=layers)))
    return str(path)


def test_assignment_prints_and_draws_a_report(analyze, tmp_path, capsys):
    scored = dict(i_gelu=dict(Q=30., P=.1, C=18., omega=1.125))
    path = report(tmp_path, [
        dict(name='a', kind='gelu', assigned='i_gelu', candidates=scored),
        dict(name='b', kind='gelu', assigned='i_gelu', candidates={}),
    ])
    assert analyze(['assignment', path, '--out-dir', str(tmp_path)]) == 0
    assert (tmp_path / 'assignment.png').is_file()
    assert '1.125*' in capsys.readouterr().out


@pytest.mark.parametrize('text, message', [
    (None, 'cannot read .*ptq_report.json'),
    ('{', 'ptq_report.json is no report'),
    ('[]', 'is no report'),
    ('{"layers": [{"name": "a"}]}', 'is no report'),
    ('{"layers": []}', 'scores no candidate'),
])
def test_what_is_no_report_is_one_clear_line(analyze, tmp_path, capsys, text,
                                             message):
    path = tmp_path / 'ptq_report.json'
    if text is not None:
        path.write_text(text)
    assert analyze(['assignment', str(path), '--out-dir',
                    str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith('error: ') and error.count('\n') == 1
    import re
    assert re.search(message, error)


def test_a_folder_that_cannot_be_made_is_named(analyze, tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    assert analyze(['functions', '--out-dir', str(tmp_path / 'file')]) == 1
    assert 'cannot write' in capsys.readouterr().err


def test_sensitivity_writes_a_row_for_each_candidate(analyze, tmp_path,
                                                     capsys):
    path = tmp_path / 'sensitivity.json'
    assert analyze(['sensitivity', SHAPES, '--num-images', '1', '--json',
                    str(path), '--out-dir', str(tmp_path / 'new'), *FEW]) == 0
    written = json.loads(path.read_text())
    assert written['num_images'] == 1
    rows = {(row['kind'], row['candidate']): row for row in written['rows']}
    assert {'coco/bbox_mAP', 'coco/segm_mAP'} <= set(
        rows['float', '']['scores'])
    assert rows['float', '']['sqnr_db'] is None
    assert {kind for kind, _ in rows} == {'float', 'gelu', 'softmax',
                                          'layernorm'}
    assert (rows['gelu', 'table_gelu']['sqnr_db'] >
            rows['gelu', 'i_gelu']['sqnr_db'] > 10)
    assert (tmp_path / 'new' / 'sensitivity.png').is_file()
    assert 'ptf_layernorm' in capsys.readouterr().out


def test_activations_shows_the_most_sensitive_gelu(analyze, tmp_path, capsys):
    assert analyze(['activations', SHAPES, '--out-dir', str(tmp_path),
                    *FEW]) == 0
    printed = capsys.readouterr().out
    assert printed.count('*') == 2  # a layer, and what the star means
    assert 'i_gelu' in printed and 'poly_gelu' in printed
    assert (tmp_path / 'activations.png').is_file()


@pytest.mark.parametrize('arguments, message', [
    (['sensitivity', 'gone.py'], 'the config gone.py is not there'),
    (['activations', SHAPES, 'gone.pth'], 'gone.pth'),
    (['activations', SHAPES, '--cfg-options', 'custom_hooks.0.fit=none'],
     "there is no fit 'none'"),
])
def test_wrong_input_is_one_clear_line(analyze, tmp_path, capsys, arguments,
                                       message):
    assert analyze([*arguments, '--out-dir', str(tmp_path)]) == 1
    assert message in capsys.readouterr().err


def test_no_images_are_refused(analyze, capsys):
    with pytest.raises(SystemExit):
        analyze(['sensitivity', SHAPES, '--num-images', '0'])
    assert '--num-images' in capsys.readouterr().err
