"""Each mapping, traced and run in ONNX Runtime, against torch."""
import pytest
import torch

from iptq_mm.export.graph.tracer import NotExportableError
from iptq_mm.export.mapping import MAPPINGS
from iptq_mm.ops.int_mm import matmul

from traced import assert_same, integers, traced

X, Y = integers(3, 4), integers(3, 4, seed=1)
LONGER = integers(5, 6, seed=2), integers(5, 6, seed=3)
SMALL = integers(3, 4, low=-40, high=40)
BYTES, WORDS = integers(3, 4, dtype=torch.int8), integers(
    3, 4, dtype=torch.int16)
AMOUNTS = integers(3, 4, low=0, high=62)

BINARY = dict(
    add=lambda x, y: x + y,
    sub=lambda x, y: x - y,
    mul=lambda x, y: x * y,
    maximum=torch.maximum,
    minimum=torch.minimum,
    lt=lambda x, y: x < y,
    le=lambda x, y: x <= y,
    gt=lambda x, y: x > y,
    ge=lambda x, y: x >= y,
    eq=torch.eq,
    ne=lambda x, y: x != y,
    __and__=lambda x, y: x & y,
    __or__=lambda x, y: x | y,
    __xor__=lambda x, y: x ^ y,
    where=lambda x, y: torch.where(x < 0, x, y),
    cat=lambda x, y: torch.cat([x, y], -1),
    stack=lambda x, y: torch.stack([x, y], -1))

UNARY = dict(
    neg=lambda x: -x,
    abs=lambda x: x.abs(),
    __rsub__=lambda x: 5 - x,
    clamp=lambda x: x.clamp(-7, 9) + x.clamp(min=3) - x.clamp(max=4),
    clamp_=lambda x: (x + 1).clamp_(min=0),
    __rshift__=lambda x: x >> 3,
    __lshift__=lambda x: x << 3,
    __rlshift__=lambda x: 1 << (x & 31),
    div=lambda x: torch.div(x, 7, rounding_mode='floor'),
    floor_divide=lambda x: torch.floor_divide(x, -7),
    __floordiv__=lambda x: x // 7,
    sum=lambda x: x.sum(-1, keepdim=True) - x.sum(-1)[..., None],
    amax=lambda x: x.amax(-1, keepdim=True) - x,
    to=lambda x: x.to(torch.int16).to(torch.int32),
    view=lambda x: x.view(-1, 2),
    reshape=lambda x: x.transpose(-1, -2).reshape(*x.shape[:-2], -1),
    flatten=lambda x: x.flatten(-2),
    permute=lambda x: x[None].permute(-1, 0, 1),
    transpose=lambda x: x.transpose(-1, -2),
    squeeze=lambda x: x[..., None].squeeze(-1),
    unsqueeze=lambda x: x.unsqueeze(-1),
    expand=lambda x: x[None].expand(3, *(-1 for _ in x.shape)),
    repeat=lambda x: x.repeat(2, *x.shape),
    roll=lambda x: x.roll((-1, 2), (-2, -1)),
    unbind=lambda x: x.unbind(-1)[3] - x.unbind(-1)[0],
    __getitem__=lambda x: x[..., 1:x.shape[-1]:2],
    zeros=lambda x: x + torch.zeros(x.shape[-1], dtype=torch.int64),
    new_zeros=lambda x: x.new_zeros(2, *x.shape),
    full_like=lambda x: torch.full_like(x, -9),
    zeros_like=lambda x: torch.zeros_like(x),
    ones_like=lambda x: torch.ones_like(x),
    arange=lambda x: x + torch.arange(x.shape[-1]))
UNARY['T.__get__'] = lambda x: x[..., 0, :, None].flatten(0, -2).T
UNARY['__iter__'] = lambda x: [row for row in x][1]
UNARY['__setitem__'] = lambda x: with_corner(x)
UNARY['__eq__'] = lambda x: x == x.amax(-1, keepdim=True)
UNARY['nn.functional.pad'] = lambda x: torch.nn.functional.pad(
    x, (0, x.shape[-2], 1, -x.shape[-1] % 5))
UNARY['iptq.matmul'] = lambda x: matmul(x, x.transpose(-1, -2))


def with_corner(x):
    padded = x.new_zeros(*x.shape[:-2], x.shape[-2] + 1, x.shape[-1] + 2)
    padded[..., :x.shape[-2], :x.shape[-1]] = x
    return padded


def test_every_mapping_is_tested():
    assert set(BINARY) | set(UNARY) == set(MAPPINGS)


@pytest.mark.parametrize('name', BINARY)
def test_binary(name):
    assert_same(BINARY[name], (X, Y), [LONGER, (SMALL, SMALL.flip(0))])


@pytest.mark.parametrize('name', BINARY)
def test_binary_of_narrow_types(name):
    if name in ('mul', 'cat', 'stack'):
        pytest.skip('no reference mixes narrow types here')
    assert_same(BINARY[name], (BYTES, WORDS))


@pytest.mark.parametrize('name', UNARY)
def test_unary(name):
    assert_same(UNARY[name], (X, ), [(SMALL, ), LONGER[:1]])


@pytest.mark.parametrize('dtype', [torch.int8, torch.int16, torch.int32])
@pytest.mark.parametrize('name', ['neg', 'clamp_', '__rsub__', '__rshift__',
                                  'to', '__setitem__', 'roll', 'sum',
                                  'nn.functional.pad'])
def test_unary_of_narrow_types(name, dtype):
    x = integers(3, 4, dtype=dtype, low=-100, high=100)
    assert_same(UNARY[name], (x, ))


def test_shift_by_a_tensor():
    assert_same(lambda x, n: (x >> n) - (x << n), (X, AMOUNTS))
    assert_same(lambda x, n: x >> n, (X, AMOUNTS[0]))


@pytest.mark.parametrize('index', [
    0, -1, (0, 1), (slice(None), 2), (..., None), (None, slice(1, 2)),
    (slice(None), None), torch.tensor([2, 0, 2]),
    (slice(None), torch.tensor([3, 1]))
])
def test_indices(index):
    assert_same(lambda x: x[index], (X, ))


@pytest.mark.parametrize('types', [
    (torch.int8, torch.int8), (torch.uint8, torch.int8),
    (torch.uint8, torch.uint8)
])
@pytest.mark.parametrize('shapes', [((5, ), (5, 3)), ((4, 5), (5, 3)),
                                    ((2, 3, 4, 5), (2, 3, 5, 7)),
                                    ((0, 5), (5, 3)), ((3, 65), (65, 2))])
def test_products_of_bytes_stay_products_of_bytes(types, shapes):
    inputs = [
        integers(*shape, dtype=dtype) for shape, dtype in zip(shapes, types)
    ]
    extreme = [torch.full_like(x, torch.iinfo(x.dtype).min) for x in inputs]
    largest = [torch.full_like(x, torch.iinfo(x.dtype).max) for x in inputs]
    assert_same(matmul, inputs, [extreme, largest])
    assert 'MatMulInteger' in str(traced(matmul, *inputs))


def test_sizes_that_are_computed():

    def padded(x):
        height = x.shape[0] + -x.shape[0] % 4
        width = -(-x.shape[1] // 3) * 3 - 0
        rows = torch.sym_max(height, 2 * x.shape[1] + 1)
        return x.new_zeros(rows, width)

    assert_same(padded, (X, ),
                [(integers(n, m), ) for n in (1, 4, 9) for m in (1, 3, 8)])


def test_a_function_without_a_mapping_is_named():
    with pytest.raises(NotExportableError, match='cumsum'):
        traced(lambda x: x.cumsum(0), X)


def test_the_length_of_a_traced_tensor_is_not_a_constant():
    with pytest.raises(NotExportableError, match='__len__'):
        traced(lambda x: x.view(len(x), -1), X)


@pytest.mark.parametrize('fault', [
    lambda x: x[torch.tensor([0]), torch.tensor([1])],
    lambda x: x.__setitem__(0, 1) or x,
    lambda x: torch.div(x, 2, rounding_mode='trunc')
])
def test_what_a_mapping_does_not_do_it_refuses(fault):
    with pytest.raises(NotImplementedError):
        traced(fault, X.clone())
