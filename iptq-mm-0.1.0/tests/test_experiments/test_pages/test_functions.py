import math

import pytest

from iptq_mm.experiments.pages.functions import family_rows, markdown

SETTING = dict(
    families=dict(
        float=dict(segm_mAP=dict(mean=0.5, std=None),
                   bbox_mAP=dict(mean=0.4, std=None)),
        default=dict(
            segm_mAP=dict(mean=0.4987, std=0.0012),
            bbox_mAP=dict(mean=0.4, std=0.),
            sqnr_db=dict(mean=36.123, std=0.05),
            int_ops=dict(mean=1.56e8, std=0.))),
    gap_db=dict(default=0.014, raw=0.),
    below_best_db=dict(default=0.2, raw=1.),
    rank_correlation=dict(raw=dict(sqnr_db=-0.5)),
    fit=dict(layer=dict(mean=36., std=None)))


def test_figures_have_their_digits_and_their_spread():
    float_row, default = family_rows(SETTING)
    assert float_row == ['float', '0.500', '0.400', '-', '-', '-', '-']
    assert default == ['default', '0.499 ± 0.001', '0.400 ± 0.000',
                       '36.12 ± 0.05', '156', '0.01', '0.20']


@pytest.mark.parametrize('std', [None, math.nan])
def test_a_single_run_has_no_spread(std):
    only = dict(mean=36.123, std=std)
    families = dict(SETTING['families'])
    families['default'] = dict(families['default'], sqnr_db=only)
    _, row = family_rows(dict(SETTING, families=families))
    assert row[3] == '36.12'


def test_markdown_has_a_column_for_each_setting():
    text = '\n'.join(markdown(dict(first=SETTING, second=SETTING)))
    assert '### first' in text and '### second' in text
    assert '|  | first | second |\n| --- | --- | --- |' in text
    assert '| raw | -0.50 | -0.50 |' in text
    assert '| layer | 36.00 | 36.00 |' in text


def test_a_classifier_has_other_metrics():
    families = dict(float=dict(top1=dict(mean=76.254, std=None)))
    setting = dict(SETTING, families=families)
    text = '\n'.join(markdown(dict(vit=setting)))
    assert '| functions | top-1 / % | SQNR / dB |' in text
    assert '| float | 76.25 | - |' in text


def test_what_no_setting_has_makes_no_table():
    text = '\n'.join(markdown(dict(first=SETTING)))
    assert '### Rank correlation of Omega and SQNR' in text
    assert 'Omega and segm mAP' not in text
