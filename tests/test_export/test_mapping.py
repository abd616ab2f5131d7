"""Each mapping, traced and run in ONNX Runtime, against torch."""
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from iptq_mm.compat import sym_max
from iptq_mm.export.graph.tracer import NotExportableError
from iptq_mm.export.mapping import MAPPINGS
from iptq_mm.ops.int_mm import matmul
from iptq_mm.ops.loops import each, while_any

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
    arange=lambda x: x + torch.arange(x.shape[-1]),
    remainder=lambda x: x % 7 - x % -5,
    __invert__=lambda x: ~(x > 0),
    prod=lambda x: (x & 7).prod(-1) - (x & 3).prod(-1, keepdim=True).sum(-1),
    all=lambda x: (x > -2**62).all(-1),
    any=lambda x: (x > 2**62).any(-1, keepdim=True),
    cumsum=lambda x: (x >> 8).cumsum(-1),
    argmax=lambda x: (x & 3).argmax(-1),
    sort=lambda x: ordered(x.flatten() & 3),
    split=lambda x: x.split([1, x.shape[-1] - 1], dim=-1)[1],
    nonzero=lambda x: (x > 0).nonzero(),
    full=lambda x: torch.full((2, x.shape[-1]), -3),
    tensor=lambda x: torch.tensor([[x.shape[-1], 2], [3, x.shape[-2]]]),
    matmul=lambda x: (x >> 40) @ (x >> 40).transpose(-1, -2))
UNARY['T.__get__'] = lambda x: x[..., 0, :, None].flatten(0, -2).T
UNARY['__iter__'] = lambda x: [row for row in x][1]
UNARY['__setitem__'] = lambda x: with_corner(x)
UNARY['__eq__'] = lambda x: x == x.amax(-1, keepdim=True)
UNARY['nn.functional.pad'] = lambda x: torch.nn.functional.pad(
    x, (0, x.shape[-2], 1, -x.shape[-1] % 5))
UNARY['iptq.matmul'] = lambda x: matmul(x, x.transpose(-1, -2))


def ordered(x):
    values, places = torch.sort(x, descending=True, stable=True)
    return values * 100 + places


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
    (slice(None), torch.tensor([3, 1])),
    torch.tensor([True, False, True]),
    (torch.tensor([False, True, True]), slice(1, 3)),
    (torch.tensor([2, 0]), torch.tensor([3, 1])),
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
        rows = sym_max(height, 2 * x.shape[1] + 1)
        return x.new_zeros(rows, width)

    assert_same(padded, (X, ),
                [(integers(n, m), ) for n in (1, 4, 9) for m in (1, 3, 8)])


def test_a_function_without_a_mapping_is_named():
    with pytest.raises(NotExportableError, match='cumprod'):
        traced(lambda x: x.cumprod(0), X)


def test_the_length_of_a_traced_tensor_is_not_a_constant():
    with pytest.raises(NotExportableError, match='__len__'):
        traced(lambda x: x.view(len(x), -1), X)


@pytest.mark.parametrize('fault', [
    lambda x: x.__setitem__(0, 1) or x,
    lambda x: torch.div(x, 2, rounding_mode='trunc')
])
def test_what_a_mapping_does_not_do_it_refuses(fault):
    with pytest.raises(NotImplementedError):
        traced(fault, X.clone())


def test_places_of_several_tensors_come_first():
    with pytest.raises(NotImplementedError):
        traced(lambda x: x[:, None][torch.tensor([0]), :, torch.tensor([1])],
               X)


def test_bools_have_a_logic_of_their_own():
    assert_same(lambda x, y: (x > 0) & (y > 0) | ~(x > y), (X, Y), [LONGER])


def test_a_number_of_a_tensor_is_a_size():
    assert_same(
        lambda x: torch.arange(x[0].item()).reshape(x[1].item(), -1) + x[:1],
        (torch.tensor([6, 2]), ),
        [(torch.tensor([12, 3]), ), (torch.tensor([1, 1]), )])


def rows_of(count):
    return integers(count, 4, low=-9, high=9, seed=count)


@pytest.mark.parametrize('count', [0, 1, 5])
def test_a_loop_over_rows(count):
    """Whose step knows what is around it."""

    def function(x):
        size = x.shape[0] * 2
        first = x.sum(0)[:2]
        return each(lambda row, n: row[:, None] * n - size + first, x,
                    x[:, 0])

    assert_same(function, (rows_of(3), ), [(rows_of(count), )])
    assert_same(function, (rows_of(count), ), [(rows_of(3), )])
    found, = ReferenceEvaluator(traced(function, rows_of(3))).run(
        None, dict(x0=rows_of(count).numpy()))
    assert torch.equal(torch.from_numpy(found), function(rows_of(count)))


def halved(alive, total):
    """The first that is alive goes, and counts its place."""
    first = torch.arange(alive.shape[0]) == alive.to(torch.int32).argmax(0)
    return alive & ~first, total + first * 7


@pytest.mark.parametrize('flags', [
    [True, False, True], [False] * 3, [True] * 6, []])
def test_a_loop_that_ends(flags):
    alive = torch.tensor(flags, dtype=torch.bool)

    def function(x):
        return while_any(halved, x > 0, torch.zeros_like(x))[1]

    assert_same(function, (torch.tensor([1, 0, 4]), ), [(alive.long(), )])
    model = traced(function, torch.tensor([1, 0, 4]))
    found, = ReferenceEvaluator(model).run(None, dict(x0=alive.long().numpy()))
    assert found.tolist() == (alive * 7).tolist()
