import json

import pytest

from iptq_mm.experiments.pages.papers import markdown

from conftest import ROOT

MEASURED = ROOT / 'docs' / 'measured'


def entry(**more):
    return dict(
        config='c.py', images=5000, float=dict(top1=70., sqnr_db=None),
        **more)


def figures(*rows):
    return {
        row: dict(top1=69.5 + i, sqnr_db=20. + i)
        for i, row in enumerate(rows)
    }


def test_peers_have_one_width():
    rows = ('default', 'metric_paper', 'i_bert', 'i_vit', 'fq_vit', 'iptq',
            'tables')
    columns = dict(
        W8A8=figures(*rows), W4A8=figures(*rows), int8=figures('ort-int8'))
    text = '\n'.join(
        markdown(
            dict(accuracy=dict(
                vit=entry(columns=columns, int_ops=dict.fromkeys(rows, 2e6)))),
            None))
    assert '`c.py`, 5000 test images, float top-1 70.00 %.' in text
    assert ('| I-BERT | 71.50 | +1.50 | 22.0 | 71.50 | +1.50 | 22.0 | 2.00 |'
            in text)
    assert ('| ONNX Runtime, static int8 | 69.50 | -0.50 | 20.0 | - | - | - '
            '| - |' in text)


def test_sizes_are_rows():
    columns = dict(W8A8=figures('8', '16'), W6A6=figures('8', '16'))
    text = '\n'.join(
        markdown({'calibration-size': dict(vit=entry(columns=columns))}, None))
    assert '| images | W8A8 top-1 / % |' in text and 'W6A6 change' in text
    assert '\n| 8 | 69.50 | -0.50 | 20.0 | 69.50 |' in text


def test_a_stage_that_did_not_run_took_no_time():
    machine = dict(cores=2, cpu='a processor')
    text = '\n'.join(
        markdown(
            dict(time=dict(
                a=dict(seconds=dict(observe=1., lower=2.25), machine=machine),
                b=dict(seconds=dict(lower=1.), machine=machine))), 't.png'))
    assert 'On 2 cores of a processor.\n' in text and '](t.png)' in text
    assert '| a | 1.0 | 2.2 | 3.2 |\n| b | 0.0 | 1.0 | 1.0 |' in text


@pytest.mark.skipif(
    not (MEASURED / 'reproduction.json').exists(),
    reason='nothing was measured yet')
def test_the_page_is_that_of_the_figures():
    tables = json.loads(
        (MEASURED / 'reproduction.json').read_text())['tables']
    page = (MEASURED / 'reproduction.md').read_text()
    assert page.partition('## The tables\n')[2] == '\n' + '\n'.join(
        markdown(
            tables, 'reproduction_time.png' if 'time' in tables else None))
