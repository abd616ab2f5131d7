"""``tools/export.py`` on a small classifier and the bundled detector."""
import importlib.util
import textwrap

import numpy as np
import onnx
import pytest
from mmengine.config import Config
from PIL import Image

from iptq_mm.engine.artifact.int_config import int_config, save_int_config
from iptq_mm.engine.artifact.int_model import IntModel, save_int_model
from iptq_mm.engine.artifact.int_model_config import int_classifier_config
from iptq_mm.models.detectors.swin_backbone import (
    DEFAULT_BITS,
    DEFAULT_FUNCTIONS,
)

from classifiers import float_vit, images, integer_twin


@pytest.fixture(scope='module')
def main(tool):
    return tool('export')


@pytest.fixture(scope='module')
def classifier(tmp_path_factory):
    """Folder of a saved integer classifier, and of labelled images."""
    folder = tmp_path_factory.mktemp('classifier')
    generator = np.random.default_rng(0)
    for label in 'ab':
        (folder / 'images' / label).mkdir(parents=True)
        for i in range(3):
            pixels = generator.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(
                folder / 'images' / label / f'{i}.png')
    (folder / 'float.py').write_text(
        textwrap.dedent(f'''
        default_scope = 'mmengine'
        model = dict(
            type='iptq_mm.TimmClassifier', name='vit_tiny_patch16_224')
        test_dataloader = dict(
            batch_size=2, num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(
                type='iptq_mm.TimmImageDataset',
                data_root='{folder}/images', name='vit_tiny_patch16_224',
                input_size=32, crop_pct=1.))
        custom_hooks = [dict(type='iptq_mm.PTQHook')]
        '''))
    network = integer_twin(float_vit(depth=1, num_classes=2), images())
    config = Config.fromfile(folder / 'float.py')
    model = int_classifier_config(config.model, network, DEFAULT_FUNCTIONS,
                                  DEFAULT_BITS, None)
    save_int_config(folder / 'int_config.py',
                    int_config(config, model, 'int_model.pth'))
    weights = {
        f'backbone.{name}': tensor
        for name, tensor in network.state_dict().items()
    }
    save_int_model(
        folder / 'int_model.pth',
        IntModel(
            weights,
            dict(
                integer_parts=['backbone'], bits=DEFAULT_BITS,
                dataset_meta=dict(classes=['a', 'b']))))
    return folder


def lines(capsys):
    return capsys.readouterr().out.strip().splitlines()


def test_export_and_check_on_the_images_of_the_config(main, classifier,
                                                      tmp_path, capsys):
    out = tmp_path / 'new' / 'model.onnx'
    code = main([
        str(classifier / 'int_config.py'), '--out', str(out), '--dynamic',
        '--check', '--batch-size', '4', '--num-images', '5'
    ])
    printed = lines(capsys)
    assert code == 0 and printed[-1] == '5 of 5 images equal'
    accuracy, = [line for line in printed if line.startswith('top-1')]
    assert accuracy.split('file ')[1].split(',')[0] == accuracy.split(
        'PyTorch ')[1]
    assert any('integer operators: Cast' in line for line in printed)
    size, = onnx.load(out).graph.input
    assert size.type.tensor_type.shape.dim[0].dim_param == 'batch'


def test_check_on_a_folder(main, classifier, tmp_path, capsys):
    assert main([
        str(classifier / 'int_config.py'),
        str(classifier / 'int_model.pth'), '--out',
        str(tmp_path / 'model.onnx'), '--check',
        str(classifier / 'images')
    ]) == 0
    assert lines(capsys)[-1] == '6 of 6 images equal'


def test_the_first_differing_node_is_named(main, classifier, tmp_path,
                                           capsys, monkeypatch):
    from iptq_mm.export import run
    write = run.to_onnx

    def faulty(*args):
        proto = write(*args)
        bias, = [
            tensor for tensor in proto.graph.initializer
            if tensor.name == 'blocks.0.mlp.fc1.bias'
        ]
        values = onnx.numpy_helper.to_array(bias) + 10**6
        bias.raw_data = values.astype(np.int32).tobytes()
        return proto

    monkeypatch.setattr(run, 'to_onnx', faulty)
    code = main([
        str(classifier / 'int_config.py'), '--out',
        str(tmp_path / 'model.onnx'), '--check', '--num-images', '2'
    ])
    printed = lines(capsys)
    assert code == 1 and printed[-1] == '0 of 2 images equal'
    difference, = [line for line in printed if 'first difference' in line]
    assert difference.startswith(
        'first difference: blocks.0.mlp.fc1/linear_gelu')


def test_a_detector_on_image_files(main, saved, tmp_path, capsys):
    # By fewer proposals: the functions of a file take their time.
    config = tmp_path / 'few.py'
    config.write_text(
        f"_base_ = [{str(saved / 'int_config.py')!r}]\n"
        'model = dict(test_cfg=dict(rpn=dict(nms_pre=100, max_per_img=20)))\n')
    model = str(config), str(saved / 'int_model.pth')
    picture = tmp_path / 'picture.png'
    Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (70, 90, 3),
                                          np.uint8)).save(picture)
    assert main([
        *model, '--out', str(tmp_path / 'model.onnx'), '--dynamic',
        '--check', str(picture)
    ]) == 0
    assert lines(capsys)[-1] == '1 of 1 images equal'
    # An image of another size than the file's is an error of the user.
    assert main([
        *model, '--out', str(tmp_path / 'model.onnx'), '--size', '32x32',
        '--check', str(picture)
    ]) == 1
    assert '--dynamic' in capsys.readouterr().err


@pytest.mark.parametrize('options, message', [
    (['--batch-size', '2'], 'needs --dynamic'),
    (['--size', '64x64'], '32x32'),
    (['--opset', '17'], 'at least 18'),
    (['--check', 'nowhere'], 'nowhere'),
    (['--check', 'a', 'b'], 'one folder'),
])
def test_bad_options(main, classifier, tmp_path, capsys, options, message):
    assert main([
        str(classifier / 'int_config.py'), '--out',
        str(tmp_path / 'model.onnx'), *options
    ]) == 1
    error = capsys.readouterr().err
    assert message in error and error.startswith('error: ')


def test_a_missing_package_is_named(main, classifier, tmp_path, capsys,
                                    monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec',
        lambda name, *rest: None if name == 'onnxruntime' else find(
            name, *rest))
    assert main([
        str(classifier / 'int_config.py'), '--out',
        str(tmp_path / 'model.onnx')
    ]) == 1
    assert '"iptq-mm[deploy]"' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('option', [['--size', '64x'], ['--size', '0x8'],
                                    ['--num-images', '0']])
def test_values_that_are_none(main, option, capsys):
    with pytest.raises(SystemExit) as end:
        main(['config.py', '--out', 'model.onnx', *option])
    assert end.value.code == 2
    assert option[0] in capsys.readouterr().err
