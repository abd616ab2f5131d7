import os
import subprocess
import sys
import venv

import numpy as np
import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.model import ImgDataPreprocessor
from PIL import Image

from iptq_mm.arithmetic import dyadic
from iptq_mm.export.library import (
    has_onnxruntime_library,
    onnxruntime_library,
)
from iptq_mm.nn import Quantize

from test_examples.small_onnx import (
    CLASSES,
    DESCRIPTION,
    EXAMPLES,
    integer_classifier,
    printed,
    save_image,
    save_model,
)

SCRIPT = EXAMPLES / 'onnxruntime_python' / 'classify.py'
WITHOUT_TORCH = '''
import runpy, sys
sys.modules['torch'] = None  # importing it fails
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name='__main__')
'''


def expected(classify, path, weight, bias):
    """(index, logit) of the five largest, by numpy's integers."""
    q = classify.quantize(
        classify.prepare(path, DESCRIPTION), DESCRIPTION)
    logits = q.reshape(1, -1).astype(np.int64) @ weight + bias
    order = np.argsort(-logits[0], kind='stable')[:5]
    return [(index, logits[0, index]) for index in order]


@given(
    scale=st.floats(1e-3, 0.1),
    mean=st.floats(0, 255),
    std=st.floats(1, 255))
def test_quantizes_as_the_integer_model(classify, scale, mean, std):
    border = Quantize(8)
    border.scale.m.fill_(dyadic(scale)[0])
    border.scale.n.fill_(dyadic(scale)[1])
    normalize = ImgDataPreprocessor([mean] * 3, [std] * 3)
    pixels = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256)
    reference = border(normalize(dict(inputs=[pixels]))['inputs'])
    description = dict(
        inputs=[dict(scale=border.scale.item())],
        normalization=dict(mean=[mean] * 3, std=[std] * 3))
    assert np.array_equal(
        classify.quantize(pixels[None].numpy(), description),
        reference.numpy())


@pytest.mark.parametrize('size', [(31, 23), (500, 375), (224, 300)])
@pytest.mark.parametrize('crop_pct', [0.9, 0.875, 1.])
def test_scales_and_cuts_as_timm(classify, tmp_path, size, crop_pct):
    save_image(tmp_path / 'image.png', *size)
    transform = timm.data.create_transform(
        (3, 64, 64), crop_pct=crop_pct, interpolation='bicubic',
        normalize=False)
    reference = transform(Image.open(tmp_path / 'image.png'))
    pixels = classify.prepare(
        tmp_path / 'image.png',
        dict(size=[64, 64],
             resize=dict(crop_pct=crop_pct, interpolation='bicubic')))
    assert np.array_equal(pixels[0], reference.numpy())


def test_runs_without_torch(classify, tmp_path):
    weight, bias = save_model(tmp_path / 'model.onnx')
    save_image(tmp_path / 'image.png')
    run = subprocess.run(
        [sys.executable, '-c', WITHOUT_TORCH, SCRIPT,
         tmp_path / 'model.onnx', tmp_path / 'image.png'],
        capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    rows = expected(classify, tmp_path / 'image.png', weight, bias)
    assert printed(run.stdout) == rows
    assert CLASSES[rows[0][0]] in run.stdout


@pytest.mark.parametrize('kind', ['normalized', 'uint8'])
def test_gives_the_integers_of_the_model(classify, tmp_path, capsys, kind):
    pytest.importorskip('onnx')
    from iptq_mm.export import to_onnx
    model = integer_classifier(kind)
    to_onnx(model, tmp_path / 'model.onnx')
    save_image(tmp_path / 'image.png', 32, 32)
    pixels = np.asarray(Image.open(tmp_path / 'image.png'))
    inputs = model.data_preprocessor(
        dict(inputs=[torch.tensor(pixels).permute(2, 0, 1)]))['inputs']
    logits = model.backbone.body(model.backbone.quantize(inputs))[0]
    order = logits.argsort(descending=True, stable=True)[:5]
    arguments = [str(tmp_path / 'model.onnx'), str(tmp_path / 'image.png')]
    rows = [(index, logits[index]) for index in order]
    assert classify.main(arguments) == 0
    assert printed(capsys.readouterr().out) == rows
    if has_onnxruntime_library():
        library = str(onnxruntime_library())
        run = subprocess.run(
            [sys.executable, '-c', WITHOUT_TORCH, SCRIPT, *arguments,
             '--library', library], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        assert printed(run.stdout) == rows
    assert classify.main([*arguments, '--library', 'nowhere.so']) == 1
    assert 'nowhere.so' in capsys.readouterr().err


def test_writes_what_the_model_sees(classify, tmp_path, capsys):
    save_model(tmp_path / 'model.onnx')
    save_image(tmp_path / 'image.png')
    arguments = [str(tmp_path / 'model.onnx'), str(tmp_path / 'image.png'),
                 '--ppm-dir', str(tmp_path)]
    assert classify.main(arguments) == 0
    pixels = np.asarray(Image.open(tmp_path / 'image.ppm'))
    assert np.array_equal(
        pixels.transpose(2, 0, 1)[None],
        classify.prepare(tmp_path / 'image.png', DESCRIPTION))


def missing(path):
    pass


def no_onnx(path):
    path.write_text('weights')


def foreign(path):
    onnx = pytest.importorskip('onnx')
    save_model(path)
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)


def backbone(path):
    save_model(path, outputs=[dict(name='feature0')])


def network(path):
    save_model(path, normalization=None)


@pytest.mark.parametrize('save, words', [
    (missing, 'cannot be loaded'),
    (no_onnx, 'cannot be loaded'),
    (foreign, 'tools/export.py'),
    (backbone, 'gives feature0, not logits'),
    (network, 'export the int_config.py'),
])
def test_a_file_that_is_no_classifier(classify, tmp_path, capsys, save,
                                      words):
    save(tmp_path / 'model.onnx')
    save_image(tmp_path / 'image.png')
    assert classify.main(
        [str(tmp_path / 'model.onnx'), str(tmp_path / 'image.png')]) == 1
    error = capsys.readouterr().err
    assert words in error and len(error.splitlines()) == 1


def test_a_file_that_is_no_image(classify, tmp_path, capsys):
    save_model(tmp_path / 'model.onnx')
    (tmp_path / 'image.png').write_text('pixels')
    assert classify.main(
        [str(tmp_path / 'model.onnx'), str(tmp_path / 'image.png')]) == 1
    assert 'image.png cannot be read' in capsys.readouterr().err


def test_an_image_of_another_size(classify, tmp_path, capsys):
    save_model(tmp_path / 'model.onnx', resize=None)
    save_image(tmp_path / 'image.png')
    assert classify.main(
        [str(tmp_path / 'model.onnx'), str(tmp_path / 'image.png')]) == 1
    assert '23 x 31 pixels, the model takes 8 x 8' in capsys.readouterr().err


@pytest.mark.skipif(
    not os.environ.get('IPTQ_SLOW_TESTS'),
    reason='installs packages: set IPTQ_SLOW_TESTS=1')
def test_in_an_environment_of_its_own(classify, tmp_path):
    venv.create(tmp_path / 'env', with_pip=True)
    python = tmp_path / 'env' / 'bin' / 'python'
    subprocess.run([python, '-m', 'pip', 'install', '--quiet', '-r',
                    SCRIPT.with_name('requirements.txt')], check=True)
    weight, bias = save_model(tmp_path / 'model.onnx')
    save_image(tmp_path / 'image.png')
    run = subprocess.run(
        [python, SCRIPT, tmp_path / 'model.onnx', tmp_path / 'image.png'],
        check=True, capture_output=True, text=True)
    assert printed(run.stdout) == expected(
        classify, tmp_path / 'image.png', weight, bias)
