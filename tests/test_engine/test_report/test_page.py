"""The page of a run, read as text and in headless Chromium."""
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from iptq_mm.engine.errors import UserError
from iptq_mm.engine.report.page import save_page

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
WIDTHS = {'desktop': (1280, 900), 'phone': (390, 844)}


def scores(omega):
    return dict(Q=40., P=1e-5, C=19., omega=omega)


REPORT = dict(
    config='configs/some_<detector>.py', checkpoint='float.pth',
    bits=dict(weight=8, activation=8, residual=16),
    weight_bits={'backbone/a': 4, 'backbone/b': 8},
    float={'coco/bbox_mAP': .5, 'coco/bbox_mAP_s': .1},
    integer={'coco/bbox_mAP': .4, 'coco/bbox_mAP_s': .1},
    classes=dict(float={'coco/cat_precision': .4, 'dog_precision': None},
                 integer={'coco/cat_precision': .45, 'dog_precision': None}),
    integer_only=None, integer_parts=['backbone', 'neck'],
    size_bytes=dict(float=4e6, integer=1e6),
    milliseconds=dict(float=dict(backbone=40., model=90.),
                      integer=dict(backbone=10., model=30.)),
    peak_memory_mb=dict(quantize=1526.3),
    seconds=dict(observe=1.), sqnr_db=dict(patch_embed=-3., out0=31.4),
    layers=[
        dict(name='norm', kind='layernorm', assigned='ptf_layernorm',
             candidates=dict(i_layernorm=scores(.5),
                             ptf_layernorm=scores(1.5))),
        dict(name='attn', kind='softmax', assigned='shiftmax', candidates={})
    ],
    images=[
        dict(name='image 1', change=.01, float='a.jpg', integer='b.jpg',
             float_found=3, integer_found=4),
        dict(name='image 2', change=.5, both='c.png')
    ],
    versions=dict(torch='2.14.1'))


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / 'run'
    (folder / 'pictures').mkdir(parents=True)
    (folder / 'ptq_report.json').write_text(json.dumps(REPORT))
    for i, name in enumerate(('a.jpg', 'b.jpg', 'c.png')):
        pixels = np.full((20, 30, 3), 80 * i, np.uint8)
        Image.fromarray(pixels).save(folder / 'pictures' / name)
    return folder


def text_of(path):
    """Without markup."""
    return ' '.join(re.sub('<[^>]*>', ' ', path.read_text()).split())


def test_says_what_the_report_says(run, tmp_path):
    save_page(tmp_path / 'report.html', [run])
    text = text_of(tmp_path / 'report.html')
    assert 'some_&lt;detector&gt;, W4/8A8' in text
    assert 'bbox_mAP 0.5 0.4 -0.1' in text
    assert 'cat 0.4 0.45 +0.05 AP, as the last metric' in text
    assert 'bbox_mAP_s' not in text and 'dog' not in text
    assert 'MB x 0.25' in text and '90.00 ms 30.00 ms x 0.33' in text
    assert 'fell from 0.5 to 0.4' in text and '--verify-integer' in text
    assert 'norm ptf_layernorm 40.0 1.0e-05 19.0 1.500 i_layernorm 0.500' in (
        text)
    assert 'torch 2.14.1' in text and 'at most 1526 MB of memory' in text
    assert text.index('image 2') < text.index('image 1')  # changed most


def test_nothing_is_fetched(run, tmp_path):
    save_page(tmp_path / 'report.html', [run])
    page = (tmp_path / 'report.html').read_text()
    assert set(re.findall(r'(?:src|href)="([^"]{5})', page)) == {'data:'}
    assert 'http' not in page.replace('http-equiv', '')


def test_several_runs_stand_side_by_side(run, tmp_path):
    save_page(tmp_path / 'both.html', [run, run])
    assert text_of(tmp_path / 'both.html').count('bbox_mAP 0.5 0.4') == 2


@pytest.mark.parametrize('damage, message', [
    (lambda run: (run / 'ptq_report.json').unlink(), 'holds no ptq_report'),
    (lambda run: (run / 'ptq_report.json').write_text('{'), 'can be read'),
    (lambda run: (run / 'ptq_report.json').write_text('{}'),
     'older version'),
    (lambda run: (run / 'pictures' / 'b.jpg').unlink(), 'b.jpg is not there')
])
def test_what_is_missing_is_named(run, tmp_path, damage, message):
    damage(run)
    with pytest.raises(UserError, match=message):
        save_page(tmp_path / 'report.html', [run])
    assert not (tmp_path / 'report.html').exists()


@pytest.mark.parametrize('width', WIDTHS)
@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_in_a_browser(run, tmp_path, width, scheme):
    api = pytest.importorskip('playwright.sync_api')
    if CHROMIUM is None:
        pytest.skip('there is no chromium on the PATH')
    save_page(tmp_path / 'both.html', [run, run])
    said = []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=['--no-sandbox'])
        page = browser.new_page(
            viewport=dict(zip(('width', 'height'), WIDTHS[width])),
            color_scheme=scheme)
        page.on('console', lambda message: said.append(message.text))
        page.on('pageerror', lambda error: said.append(str(error)))
        page.goto(f'file://{tmp_path}/both.html')
        assert page.evaluate(
            '[...document.images].every(x => x.naturalWidth == 30)')
        # What is wide scrolls by itself.
        assert page.evaluate(
            'document.documentElement.scrollWidth') == WIDTHS[width][0]
        slider = page.locator('input[type=range]').first
        slider.focus()
        page.keyboard.press('Home')
        assert page.evaluate(
            "getComputedStyle(document.querySelector('.pair'))"
            ".getPropertyValue('--cut')") == '0%'
        browser.close()
    assert said == []
