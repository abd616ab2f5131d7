"""Pixels, and constants that repeat."""
import torch

from iptq_mm.export import check_integer, region_of, to_onnx
from iptq_mm.export.check.runtime import Session
from iptq_mm.models import IntSwinTransformer

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


def test_pixels(tmp_path):
    model = filled(
        IntSwinTransformer(
            **TINY, input='uint8', functions=dict(layernorm='i_layernorm')))
    proto = to_onnx(model, tmp_path / 'model.onnx', dynamic=True)
    assert 'FLOAT' not in check_integer(proto).types
    entry, = proto.graph.input
    assert entry.name == 'pixels'
    images = torch.randint(
        0, 256, (2, 3, 39, 50), generator=torch.Generator().manual_seed(2),
        dtype=torch.uint8)
    found = Session(str(tmp_path / 'model.onnx'), threads=1)(images)
    for x, y in zip(found, region_of(model)(images)):
        assert x.dtype == y.dtype and torch.equal(x, y)


def test_equal_constants_are_stored_once(tmp_path):
    model = filled(IntSwinTransformer(**{**TINY, 'depths': (3, 1)}))
    proto = to_onnx(model, tmp_path / 'model.onnx', dynamic=True)
    masks = [
        tensor for tensor in proto.graph.initializer
        if tensor.name.endswith('.mask')
    ]
    assert len(masks) == 1
