"""Integer parts of detectors, pixels, and constants that repeat."""
import torch

from iptq_mm.compat import zip_strict
from iptq_mm.export import check_integer, regions_of, to_onnx
from iptq_mm.export.check.runtime import Session
from iptq_mm.models import IntSwinTransformer
from iptq_mm.models.detectors.fpn import IntFPN
from iptq_mm.models.detectors.mask_head import IntFCNMaskHead

from detectors import TINY


def filled(model, seed=0):
    """Buffers of an empty integer model, as lowering might fill them."""
    generator = torch.Generator().manual_seed(seed)
    for name, buffer in model.named_buffers():
        leaf = name.rpartition('.')[2]
        if leaf == 'm':
            buffer.fill_(3 << 29)
        elif leaf == 'n':
            buffer.fill_(38)
        elif leaf in ('weight', 'bias', 'padding'):
            buffer.copy_(
                torch.randint(-127, 128, buffer.shape, generator=generator))
    return model.eval()


def assert_parts_equal(model, path, *inputs, **options):
    region, = regions_of(model)
    (file, proto), = to_onnx(model, path, **options).items()
    assert 'FLOAT' not in check_integer(proto).types
    session = Session(str(file), threads=1)
    for given in inputs:
        for x, y in zip_strict(session(*given), region(*given)):
            assert x.dtype == y.dtype and torch.equal(x, y)
    return file, proto


def features(*shapes):
    generator = torch.Generator().manual_seed(1)
    return tuple(
        torch.randint(-127, 128, shape, generator=generator).to(torch.int8)
        for shape in shapes)


def test_a_neck(tmp_path):
    neck = filled(IntFPN(in_channels=[4, 8], out_channels=6, num_outs=3))
    file, _ = assert_parts_equal(
        neck, tmp_path / 'model.onnx',
        features((1, 9, 11, 4), (1, 5, 6, 8)),
        features((2, 16, 12, 4), (2, 8, 6, 8)))
    assert file.name == 'model.layers.onnx'


def test_a_mask_head_of_any_number_of_boxes(tmp_path):
    head = filled(
        IntFCNMaskHead(num_convs=1, in_channels=4, conv_out_channels=4,
                       num_classes=3))
    assert_parts_equal(head, tmp_path / 'model.onnx', features((5, 7, 7, 4)),
                       features((1, 14, 14, 4)))


def test_pixels(tmp_path):
    model = filled(
        IntSwinTransformer(
            **TINY, input='uint8', functions=dict(layernorm='i_layernorm')))
    images = torch.randint(
        0, 256, (2, 3, 39, 50), generator=torch.Generator().manual_seed(2),
        dtype=torch.uint8)
    _, proto = assert_parts_equal(
        model, tmp_path / 'model.onnx', (images, ), dynamic=True)
    entry, = proto.graph.input
    assert entry.name == 'pixels'


def test_equal_constants_are_stored_once(tmp_path):
    model = filled(IntSwinTransformer(**{**TINY, 'depths': (3, 1)}))
    (_, proto), = to_onnx(model, tmp_path / 'model.onnx',
                          dynamic=True).items()
    masks = [
        tensor for tensor in proto.graph.initializer
        if tensor.name.endswith('.mask')
    ]
    assert len(masks) == 1
