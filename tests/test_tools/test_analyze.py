import importlib.util
import json
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'analyze.py'


@pytest.fixture(scope='module')
def analyze():
    spec = importlib.util.spec_from_file_location('analyze', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


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
