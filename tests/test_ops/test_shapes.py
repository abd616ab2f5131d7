from contextlib import contextmanager

import pytest
import torch
from packaging import version
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from iptq_mm import ops
from iptq_mm.compat import zip_strict
from iptq_mm.models.block import IntBlock
from iptq_mm.ops import shapes
from iptq_mm.registry import APPROXIMATIONS

from classifiers import (
    float_deit,
    float_timm_swin,
    float_vit,
    images,
    integer_twin,
)
from quantized import float_swin, quantized

SWIN = dict(
    embed_dims=16, depths=(2, 1), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)
SIZES = ((36, 64), (50, 30), (64, 41))

VALUES_DECIDE = {'nms', 'paste_masks'}
"""Operators whose sizes nobody can tell beforehand."""

exports = pytest.mark.skipif(
    version.parse(torch.__version__) < version.parse('2.5'),
    reason='torch.export of 2.1 knows no free sizes, that of 2.4 not those of '
    'a padded image')


class Calls(TorchDispatchMode):
    """Keeps every call of our operators."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function.namespace == ops.NAMESPACE:
            self.seen.append((function, args, kwargs or {}, result))
        return result


def on_meta(value):
    return value.to('meta') if torch.is_tensor(value) else value


def assert_told(function, args, kwargs, result):
    told = function(*tree_map(on_meta, args), **tree_map(on_meta, kwargs))
    assert told.device.type == 'meta'
    assert (told.shape, told.dtype) == (result.shape, result.dtype), function


@contextmanager
def hooked(model):
    """While somebody sees the layers of its blocks."""
    handles = [module.register_forward_hook(lambda *_: None)
               for module in model.modules() if isinstance(module, IntBlock)
               for module in module.children()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def image(height, width):
    return torch.randn(1, 3, height, width, generator=torch.manual_seed(1))


@pytest.fixture(scope='module')
def swin():
    return quantized(float_swin(**SWIN), image(*SIZES[0]))


def test_every_operator_answers_but_where_values_decide():
    names = {name.split('::')[1] for name in ops.REFERENCES}
    assert shapes.ANSWERS.keys() == names - VALUES_DECIDE


@torch.no_grad()
def test_what_networks_call_is_as_told(swin):
    vit = integer_twin(float_vit(depth=4), images())
    with Calls() as calls:
        vit(images())
        for size in SIZES:
            swin(image(*size))
        # Of hooked layers, the operators of each.
        with hooked(vit), hooked(swin):
            vit(images())
            swin(image(*SIZES[0]))
    called = {function.name() for function, *_ in calls.seen}
    assert {'iptq::window_block', 'iptq::block', 'iptq::merge_layer_norm',
            'iptq::linear_wide', 'iptq::conv2d', 'iptq::requantize',
            'iptq::layer_norm', 'iptq::window_attention', 'iptq::attention',
            'iptq::linear', 'iptq::linear_add', 'iptq::linear_gelu'} <= called
    for call in calls.seen:
        assert_told(*call)


@pytest.mark.parametrize('kernel, stride, padding', [
    (1, 1, 0), (3, 1, 1), (3, 2, 1), (2, 2, 0), (3, 2, 0), (5, 3, 2)])
def test_convolutions_are_as_told(kernel, stride, padding):
    x = torch.ones(2, 7, 10, 3, dtype=torch.int8)
    weight = torch.ones(4, 3 * kernel**2, dtype=torch.int8)
    args = (x, weight, torch.zeros(4, dtype=torch.int32),
            torch.full((4, ), 2**30), torch.full((4, ), 40), kernel, stride,
            padding, True, 16)
    assert_told(torch.ops.iptq.conv2d.default, args, {}, ops.conv2d(*args))


def test_what_detectors_call_is_as_told():
    boxes = torch.tensor([[0, 0, 4096, 8192], [256, 0, 2048, 2048],
                          [0, 0, 0, 0]], dtype=torch.int32)
    deltas = torch.zeros(3, 4, dtype=torch.int8)
    ratio = torch.full((4, ), 2**30), torch.full((4, ), 20)
    maps = [torch.ones(1, 9, 8, 5, dtype=torch.int8)]
    zeros = torch.zeros(3, dtype=torch.int64)
    for name, args in dict(
            box_levels=(boxes, [4, 9]),
            decode_boxes=(boxes, deltas, *ratio, boxes[:, 2:]),
            rank=(zeros, 2),
            add=(torch.ones(2, 3, 4, dtype=torch.int16),
                 torch.ones(4, dtype=torch.int16)),
            roi_align=(maps, [4], boxes, zeros, zeros, 7, 3, 0)).items():
        function = getattr(torch.ops.iptq, name).default
        assert_told(function, args, {}, function(*args))
    assert ops.rank(zeros.to('meta'), 9).shape == (3, )


@pytest.mark.parametrize('name', [
    name for name, kind in APPROXIMATIONS.module_dict.items()
    if kind.kind in ('gelu', 'softmax')])
def test_functions_alone_are_as_told(name):
    candidate = APPROXIMATIONS.get(name)
    if candidate.kind == 'gelu':
        params = ops.with_zero_point(-3, candidate().lower(.05, .04))
        dtype = torch.int16 if candidate.extra_bits else torch.int8
    else:
        params, dtype = candidate().lower(.01), torch.int32
    x = torch.arange(-6, 6, dtype=dtype).view(3, 4)
    function = getattr(torch.ops.iptq, candidate.kind).default
    assert_told(function, (x, name, params), {}, function(x, name, params))


@torch.no_grad()
def test_a_compiled_backbone_gives_the_same_integers_at_any_size(swin):
    compiled = torch.compile(swin.body, dynamic=True, backend='aot_eager')
    for size in SIZES:
        quantized_image = swin.quantize(image(*size))
        for one, other in zip_strict(
                compiled(quantized_image), swin.body(quantized_image)):
            assert torch.equal(one, other)


def equal_for_all(program, model, *inputs):
    for x in inputs:
        found, expected = program(x), model(x)
        if torch.is_tensor(found):
            found, expected = [found], [expected]
        for one, other in zip_strict(found, expected):
            assert torch.equal(one, other)


@exports
@torch.no_grad()
def test_an_exported_backbone_gives_the_same_integers_at_any_size(swin):
    sizes = {name: torch.export.Dim(name, min=16, max=500)
             for name in ('height', 'width')}
    program = torch.export.export(
        swin, (image(45, 70).repeat(2, 1, 1, 1), ), dynamic_shapes=({
            0: torch.export.Dim('batch', max=9), 2: sizes['height'],
            3: sizes['width']}, ))
    equal_for_all(program.module(), swin, *(image(*size) for size in SIZES),
                  torch.cat([image(40, 21)] * 3))


@exports
@pytest.mark.parametrize('network', [float_vit, float_deit, float_timm_swin])
@torch.no_grad()
def test_an_exported_classifier_gives_the_same_integers(network):
    model = integer_twin(network(), images())
    program = torch.export.export(
        model, (images(2), ), dynamic_shapes=({
            0: torch.export.Dim('batch', max=9)}, ))
    equal_for_all(program.module(), model, images(1, seed=4),
                  images(5, seed=5))
