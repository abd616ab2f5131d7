"""Whole models: ONNX Runtime gives the bits of PyTorch."""
import pytest
import torch
from onnx import TensorProto

from iptq_mm.engine.errors import UserError
from iptq_mm.export import check_integer, metadata, region_of, to_onnx
from iptq_mm.export.check.runtime import Session
from iptq_mm.export.library import (
    has_onnxruntime_library,
    onnxruntime_library,
)
from iptq_mm.guard import IntegerOnly
from iptq_mm.lowering.rounding.rounding import roundings
from iptq_mm.registry import APPROXIMATIONS

from classifiers import (
    float_deit,
    float_timm_swin,
    float_vit,
    images,
    integer_twin,
)
from detectors import TINY
from quantized import float_swin, quantized

NETWORKS = dict(vit=float_vit, deit=float_deit, swin=float_timm_swin)


def candidates(kind):
    return sorted(
        name for name, candidate in APPROXIMATIONS.module_dict.items()
        if candidate.kind == kind)


def exported(model, folder, **options):
    """Region, ModelProto and file of a network."""
    path = folder / 'model.onnx'
    return region_of(model), to_onnx(model, path, **options), path


def assert_equal_bits(region, path, *batches):
    """By the file's functions, and by the library of kernels."""
    sessions = [Session(str(path), threads=1)]
    if has_onnxruntime_library():
        sessions += [Session(str(path), threads, onnxruntime_library())
                     for threads in (1, 2)]
    for batch in batches:
        with IntegerOnly():
            expected = region(batch)
        for session in sessions:
            result = session(batch)
            assert len(result) == len(expected)
            for x, y in zip(result, expected):
                assert x.dtype == y.dtype and torch.equal(x, y)


@pytest.fixture(scope='module')
def vit():
    return integer_twin(float_vit(), images())


@pytest.fixture(scope='module')
def backbone():
    return quantized(float_swin(**TINY), images(2, 48))


@pytest.mark.parametrize('network', NETWORKS)
def test_classifiers(network, tmp_path):
    model = integer_twin(NETWORKS[network](), images())
    region, proto, path = exported(model, tmp_path, dynamic=True)
    assert_equal_bits(region, path, model.quantize(images(3, seed=5)),
                      model.quantize(9 * images(1, seed=6)))
    assert not {'FLOAT', 'DOUBLE'} & check_integer(proto).types
    assert check_integer(proto).operators['MatMulInteger'] > 8


@pytest.mark.parametrize(
    'kind, name', [(kind, name) for kind in ('gelu', 'softmax', 'layernorm')
                   for name in candidates(kind)])
def test_candidates(kind, name, tmp_path):
    network = float_vit(depth=1)
    model = integer_twin(network, images(), functions={kind: name})
    region, proto, path = exported(model, tmp_path)
    assert_equal_bits(region, path, model.quantize(images(1, seed=5)))
    assert name in metadata.read(proto)['functions'].values()


@pytest.mark.parametrize('height, width, batch', [(48, 48, 2), (37, 61, 1),
                                                  (33, 8, 1), (5, 130, 2)])
def test_a_backbone_at_sizes_it_was_not_traced_at(backbone, tmp_path, height,
                                                  width, batch):
    region, _, path = exported(backbone, tmp_path, dynamic=True)
    x = torch.randint(-127, 128, (batch, 3, height, width)).to(torch.int8)
    assert_equal_bits(region, path, x)


def test_a_backbone_of_one_size(backbone, tmp_path):
    region, proto, path = exported(backbone, tmp_path, size=(36, 52))
    x = torch.randint(-127, 128, (1, 3, 36, 52)).to(torch.int8)
    assert_equal_bits(region, path, x)
    shape = proto.graph.input[0].type.tensor_type.shape
    assert [axis.dim_value for axis in shape.dim] == [1, 3, 36, 52]


def test_no_images_at_all(vit, tmp_path):
    region, _, path = exported(vit, tmp_path, dynamic=True)
    none = torch.zeros(0, 3, 32, 32, dtype=torch.int8)
    result, = Session(str(path))(none)
    assert result.shape == (0, 10)
    if has_onnxruntime_library():
        result, = Session(str(path), library=onnxruntime_library())(none)
        assert result.shape == (0, 10)


def test_4_bit_weights_are_stored_in_4(vit, tmp_path):
    narrow = integer_twin(float_vit(), images(), bits=dict(weight=4))
    region, proto, path = exported(narrow, tmp_path)
    assert_equal_bits(region, path, narrow.quantize(images(1, seed=5)))
    kinds = {t.name: len(t.raw_data) for t in proto.graph.initializer}
    weight = narrow.body.blocks[0].mlp.fc1.weight
    assert kinds['blocks.0.mlp.fc1.weight.int4'] == weight.numel() // 2
    with pytest.raises(UserError, match='--opset 20.*21'):
        to_onnx(narrow, tmp_path / 'old.onnx', opset=20)
    assert not (tmp_path / 'old.onnx').exists()


def test_4_bit_weights_in_groups_are_codes_and_steps(tmp_path):
    """Where the rows are whole groups; other rows stay int8."""
    narrow = integer_twin(float_vit(), images(), bits=dict(weight=4),
                          roundings=roundings('mse', {}))
    region, proto, path = exported(narrow, tmp_path)
    assert_equal_bits(region, path, narrow.quantize(images(1, seed=5)))
    kinds = {t.name: (t.data_type, list(t.dims))
             for t in proto.graph.initializer}
    fc2 = 'blocks.0.mlp.fc2.weight'
    assert kinds[f'{fc2}.int4'] == (TensorProto.INT4, [48, 6, 32])
    assert kinds[f'{fc2}.steps'] == (TensorProto.INT32, [48, 6, 1])
    assert kinds['blocks.0.mlp.fc1.weight'] == (TensorProto.INT8, [192, 48])


@pytest.mark.parametrize('opset', [18, 21])
def test_6_bit_weights_are_stored_in_6(tmp_path, opset):
    narrow = integer_twin(float_vit(), images(), bits=dict(weight=6))
    region, proto, path = exported(narrow, tmp_path, opset=opset)
    assert_equal_bits(region, path, narrow.quantize(images(1, seed=5)))
    kinds = {t.name: len(t.raw_data) for t in proto.graph.initializer}
    fc1 = narrow.body.blocks[0].mlp.fc1.weight
    assert kinds['blocks.0.mlp.fc1.weight.lower'] == fc1.numel() // 2
    assert kinds['blocks.0.mlp.fc1.weight.upper'] == fc1.numel() // 4


def test_an_older_opset(vit, tmp_path):
    region, proto, path = exported(vit, tmp_path, opset=18)
    assert_equal_bits(region, path, vit.quantize(images(1, seed=5)))
    assert {e.version for e in proto.opset_import if not e.domain} == {18}
    with pytest.raises(UserError, match='at least 18'):
        to_onnx(vit, tmp_path / 'old.onnx', opset=17)


def test_nodes_are_named_after_modules(vit, tmp_path):
    _, proto, _ = exported(vit, tmp_path)
    names = [node.name for node in proto.graph.node]
    assert len(set(names)) == len(names)
    assert any(n.startswith('blocks.1.attn.qkv/linear') for n in names)
    stored = {tensor.name for tensor in proto.graph.initializer}
    assert 'blocks.1.attn.qkv.weight' in stored


def test_what_the_file_says_of_itself(backbone, tmp_path):
    region, proto, _ = exported(backbone, tmp_path, dynamic=True)
    said = metadata.read(proto)
    assert said['part'] == 'backbone'
    assert said['inputs'] == [
        dict(name='image', scale=backbone.quantize.scale.item(),
             layout='NCHW', optional=False)
    ]
    assert [port['scale'] for port in said['outputs']] == [
        border.scale.item() for border in backbone.dequantize
    ]
    assert said['functions']['stages.0.blocks.0.attn'] == 'bit_softmax'
    assert {'iptq_mm', 'torch', 'onnx'} == set(said['versions'])


def test_a_free_backbone_needs_a_size(backbone, tmp_path):
    with pytest.raises(UserError, match='--size HxW.*--dynamic'):
        to_onnx(backbone, tmp_path / 'model.onnx')
    assert not list(tmp_path.iterdir())


def test_a_classifier_has_its_own_size(vit, tmp_path):
    with pytest.raises(UserError, match='32x32'):
        to_onnx(vit, tmp_path / 'model.onnx', size=(64, 64))


def test_a_model_without_an_integer_part(tmp_path):
    with pytest.raises(UserError, match='no integer part'):
        to_onnx(float_vit(), tmp_path / 'model.onnx')
