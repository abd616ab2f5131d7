"""The page in headless Chromium: the integers of the Python examples."""
import contextlib
import functools
import http.server
import shutil
import subprocess
import threading

import numpy as np
import pytest
import torch

from iptq_mm.export import to_onnx

from detectors import SeededImages, hook_on
from rcnn import nano, runner_with_norms
from test_examples.small_onnx import (
    EXAMPLES,
    integer_classifier,
    save_image,
    save_model,
)

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
WIDTHS = {'desktop': (1280, 900), 'phone': (390, 844)}
MINUTES = 240_000
"""Milliseconds in which a detector is loaded on a busy machine."""


@pytest.fixture(scope='module')
def address():
    """Of the page, served as its README says."""
    folder = EXAMPLES / 'browser'
    if not (folder / 'node_modules' / 'onnxruntime-web').is_dir():
        if not shutil.which('npm'):
            pytest.skip('there is no npm to get onnxruntime-web with')
        run = subprocess.run(
            ['npm', 'install', '--ignore-scripts', '--no-package-lock'],
            cwd=folder, capture_output=True, text=True)
        if run.returncode:
            pytest.skip(f'npm cannot get onnxruntime-web: {run.stderr[-300:]}')

    class Quiet(http.server.SimpleHTTPRequestHandler):

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(
        ('127.0.0.1', 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/index.html'
    server.shutdown()


@pytest.fixture(scope='module')
def chromium():
    api = pytest.importorskip('playwright.sync_api')
    if CHROMIUM is None:
        pytest.skip('there is no chromium on the PATH')
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=['--no-sandbox'])
        yield browser
        browser.close()


@contextlib.contextmanager
def page_of(chromium, address, width='desktop', **settings):
    """The page; nothing may complain in its console."""
    page = chromium.new_page(
        viewport=dict(zip(('width', 'height'), WIDTHS[width])), **settings)
    complaints = []
    page.on('pageerror', lambda error: complaints.append(str(error)))
    page.on('console', lambda message: complaints.append(message.text)
            if message.type in ('error', 'warning') else None)
    page.goto(address)
    yield page
    page.close()
    assert complaints == []


def choose(page, what, path):
    """Open a file; gives what the page says then."""
    page.set_input_files(f'#{what}', str(path))
    page.wait_for_function(
        'document.getElementById("model").disabled === false',
        timeout=MINUTES)
    return page.inner_text('#status')


def integers(page):
    """Last column of the table."""
    return page.eval_on_selector_all(
        '#found td:last-child', 'cells => cells.map(cell => cell.innerText)')


@pytest.mark.parametrize('kind', ['normalized', 'uint8'])
def test_classes(chromium, address, classify, tmp_path, capsys, kind):
    to_onnx(integer_classifier(kind), tmp_path / 'model.onnx')
    save_image(tmp_path / 'image.png', 32, 32)
    classify.main([str(tmp_path / 'model.onnx'), str(tmp_path / 'image.png')])
    expected = [' '.join(line.split()[:2])
                for line in capsys.readouterr().out.splitlines()[1:]]
    with page_of(chromium, address) as page:
        assert page.is_disabled('#image')
        assert 'model.onnx: classifier' in choose(
            page, 'model', tmp_path / 'model.onnx')
        assert '32 x 32 pixels' in choose(page, 'image',
                                          tmp_path / 'image.png')
        assert len(expected) == 5 and integers(page) == expected


@torch.no_grad()
def test_objects(chromium, address, detect, detector_file, tmp_path, capsys):
    save_image(tmp_path / 'image.png', 56, 40)
    detect.main([str(detector_file), str(tmp_path / 'image.png'),
                 '--threshold', '0'])
    expected = capsys.readouterr().out.splitlines()[1:]
    with page_of(chromium, address) as page:
        assert 'detector' in choose(page, 'model', detector_file)
        page.fill('#least', '0')
        choose(page, 'image', tmp_path / 'image.png')
        assert expected and integers(page) == expected
        page.fill('#least', '1')
        assert integers(page) == []


@torch.no_grad()
def test_objects_in_a_normalized_image(chromium, address, classify, detect,
                                       tmp_path):
    """Of a detector too the page quantizes what it was not given pixels
    for."""
    runner = runner_with_norms(nano('mask-rcnn'))
    hook_on(SeededImages(), input='normalized').before_test(runner)
    path = tmp_path / 'model.onnx'
    to_onnx(runner.model, path, dynamic=True)
    save_image(tmp_path / 'image.png', 56, 40)
    session = classify.open_model(str(path))
    about = classify.metadata(session)
    image = detect.read(str(tmp_path / 'image.png'))
    if about['normalization']['channels'] == 'RGB':
        image = image[..., ::-1]
    outputs = session.run(None, dict(
        image=classify.quantize(image.transpose(2, 0, 1)[None], about),
        size=np.array(image.shape[:2], np.int64)))
    names = [port['name'] for port in about['outputs']]
    expected = detect.rows(dict(zip(names, outputs)), 0)
    with page_of(chromium, address) as page:
        choose(page, 'model', path)
        page.fill('#least', '0')
        choose(page, 'image', tmp_path / 'image.png')
        assert expected and integers(page) == expected


@pytest.mark.parametrize('colours', ['light', 'dark'])
@pytest.mark.parametrize('width', WIDTHS)
def test_fits_every_width(chromium, address, tmp_path, width, colours):
    to_onnx(integer_classifier('uint8'), tmp_path / 'model.onnx')
    save_image(tmp_path / 'image.png', 32, 32)
    with page_of(chromium, address, width, color_scheme=colours) as page:
        choose(page, 'model', tmp_path / 'model.onnx')
        choose(page, 'image', tmp_path / 'image.png')
        assert page.evaluate('document.documentElement.scrollWidth') <= (
            WIDTHS[width][0])
        picture = page.locator('#picture')
        assert picture.is_visible() and picture.bounding_box()['width'] > 200
        page.keyboard.press('Tab')
        assert page.evaluate('document.activeElement.id') == 'model'


def test_what_cannot_be_used_is_said(chromium, address, tmp_path):
    save_model(tmp_path / 'backbone.onnx', outputs=[dict(name='feature0')])
    (tmp_path / 'broken.png').write_bytes(b'no image')
    (tmp_path / 'text.onnx').write_bytes(b'\xff' * 50)
    (tmp_path / 'empty.onnx').write_bytes(b'')
    to_onnx(integer_classifier('uint8'), tmp_path / 'model.onnx')
    with page_of(chromium, address) as page:
        for name, words in (('text.onnx', 'no ONNX file'),
                            ('empty.onnx', 'no metadata iptq_mm'),
                            ('backbone.onnx', 'the file gives feature0')):
            assert words in choose(page, 'model', tmp_path / name)
            assert page.is_disabled('#image')
        choose(page, 'model', tmp_path / 'model.onnx')
        assert 'broken.png is no image' in choose(
            page, 'image', tmp_path / 'broken.png')
        assert page.is_enabled('#image')


@pytest.mark.parametrize('height, width', [(40, 56), (17, 23), (90, 31)])
def test_images_are_scaled_as_opencv_scales(chromium, address, detect,
                                            tmp_path, height, width):
    save_image(tmp_path / 'image.png', 43, 29)
    expected = detect.cv2.resize(detect.read(str(tmp_path / 'image.png')),
                                 (width, height))[..., ::-1]
    with page_of(chromium, address) as page:
        page.set_input_files('#image', str(tmp_path / 'image.png'))
        found = page.evaluate('''async ([height, width]) => {
            const {readImage, resized} = await import('./image.js');
            const [file] = document.getElementById('image').files;
            return [...resized(await readImage(file), height, width).pixels];
        }''', [height, width])
    assert found == expected.flatten().tolist()
