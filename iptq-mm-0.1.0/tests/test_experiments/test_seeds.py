import pytest

from iptq_mm.experiments.pages.papers import accuracy_table, markdown
from iptq_mm.experiments.seeds import over_seeds

ROWS = ('default', 'metric_paper', 'i_bert', 'i_vit', 'fq_vit', 'iptq',
        'tables')


def entry(seed, top1, sqnr_db):
    figures = dict(top1=top1, sqnr_db=sqnr_db)
    return dict(
        config='c.py', images=200, seed=seed,
        float=dict(top1=70., sqnr_db=None),
        columns=dict(W8A8={row: figures for row in ROWS},
                     int8={'ort-int8': figures}),
        int_ops=dict.fromkeys(ROWS, 1e6 * (1 + seed)))


def test_figures_are_means():
    found = over_seeds([entry(0, 69., 20.), entry(1, 70., 23.)])
    assert found['seeds'] == [0, 1] and 'seed' not in found
    for column, row in (('W8A8', 'iptq'), ('int8', 'ort-int8')):
        assert found['columns'][column][row] == dict(
            top1=69.5, top1_range=[69., 70.], sqnr_db=21.5)
    assert found['int_ops']['default'] == pytest.approx(1.5e6)


def test_the_page_says_between_what_top1_lies():
    found = over_seeds([entry(0, 69., 20.), entry(1, 70., 23.)])
    assert '| I-BERT | 69.50 (69.00, 70.00) | -0.50 | 21.5 | 1.50 |' in (
        accuracy_table(found))
    assert 'Mean of 2 calibrations' in '\n'.join(
        markdown(dict(accuracy=dict(vit=found)), None))


def test_one_calibration_has_no_range():
    found = over_seeds([entry(3, 69., 20.)])
    assert '| I-BERT | 69.00 | -1.00 | 20.0 | 4.00 |' in accuracy_table(found)
    assert 'Mean' not in '\n'.join(
        markdown(dict(accuracy=dict(vit=found)), None))
