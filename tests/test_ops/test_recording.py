"""Recordings: the same bits on other memory, or a refusal."""
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptq_mm import ops
from iptq_mm.functions import ILayerNorm
from iptq_mm.ops import native
from iptq_mm.ops.native.recording import (
    ALIGNMENT,
    Memory,
    _places,
    _Word,
)

from native_kernels import calls_of, needs_recordings

pytestmark = needs_recordings

NORM = ILayerNorm().lower(2.0**-8, 0.02, torch.ones(12), torch.zeros(12),
                          1e-5)
M, N = torch.tensor([2**30]), torch.tensor([33])
TOKEN = torch.arange(12, dtype=torch.int16).view(1, 12)


def stream(seed, *shape):
    return torch.randint(-2**15, 2**15, shape, dtype=torch.int16,
                         generator=torch.Generator().manual_seed(seed))


def halved(x):
    return ops.requantize(x, M, N, 16)


FUNCTIONS = dict(
    one_operator=lambda x: [halved(x)],
    two_outputs=lambda x: [halved(x), ops.layer_norm(x, 'i_layernorm', NORM,
                                                     8)],
    an_output_that_is_read=lambda x: [y := halved(x), ops.add(y, x)],
    tokens_before=lambda x: [halved(
        torch.cat([TOKEN.expand(x.shape[0], -1, -1), halved(x)], 1))],
    the_first_tokens=lambda x: [ops.layer_norm(x[:, :2], 'i_layernorm', NORM,
                                               16)],
    their_sum=lambda x: [halved(halved(x)[:, 1:].sum(1, dtype=torch.int32))],
    padded=lambda x: [halved(torch.nn.functional.pad(x, (0, 3, 1, 2)))],
    padded_by_nothing=lambda x: [halved(torch.nn.functional.pad(x,
                                                                (0, 0)))],
    turned=lambda x: [halved(halved(x).transpose(1, 2).contiguous())],
    constants=lambda x: [ops.add(halved(x), TOKEN.expand(5, 12))])


@pytest.mark.parametrize('name', FUNCTIONS)
def test_it_gives_the_same_bits_of_other_inputs(name):
    function = FUNCTIONS[name]
    x = stream(0, 3, 5, 12)
    function(x)
    recording = native.record(function, x)
    for seed in range(3):
        other = stream(seed, 3, 5, 12)
        for ours, theirs in zip(recording(other), function(other)):
            assert ours.dtype == theirs.dtype
            assert torch.equal(ours, theirs)
    assert calls_of(lambda: recording(x)) == ['iptq_recording_play']


@pytest.mark.parametrize('recorded, played', [(0, 1), (1, 0), (2, 2)])
def test_a_part_of_a_batch(recorded, played):
    function, batch = FUNCTIONS['the_first_tokens'], stream(0, 3, 5, 12)
    expected, = function(batch[played:played + 1])
    recording = native.record(function, batch[recorded:recorded + 1])
    assert torch.equal(recording(batch[played:played + 1])[0], expected)


def test_recording_is_seen_by_who_watches_calls():
    x = stream(0, 3, 5, 12)
    halved(x)
    assert calls_of(lambda: native.record(FUNCTIONS['one_operator'], x)) == [
        'iptq_requantize', 'iptq_recording_create']


def test_outputs_are_new_each_time():
    x = stream(0, 3, 5, 12)
    recording = native.record(FUNCTIONS['one_operator'], x)
    first, = recording(x)
    kept = first.clone()
    recording(stream(1, 3, 5, 12))
    assert torch.equal(first, kept)


def test_what_it_calls_lives_as_long():
    norms = [NORM.clone()]
    x = stream(0, 3, 5, 12)

    def function(x):
        return [ops.layer_norm(x, 'i_layernorm', norms[0], 8)]

    expected, = function(x)
    recording = native.record(function, x)
    norms[0].mul_(2)  # from here on the library would make another object
    changed, = function(x)
    assert not torch.equal(changed, expected)
    norms.clear()
    assert torch.equal(recording(x)[0], expected)


def test_constants_are_its_own():
    scale = torch.full((1, ), 2**30)
    x = stream(0, 3, 5, 12)

    def function(x):
        return [ops.requantize(x, scale, N, 16)]

    expected, = function(x)
    recording = native.record(function, x)
    scale.zero_()
    scale.data = torch.zeros(1, dtype=torch.int64)
    assert torch.equal(recording(x)[0], expected)


@pytest.mark.parametrize('function, reason', [
    (lambda x: [halved(x) + 1], 'aten.add'),
    (lambda x: [halved(x + x)], 'aten.add'),
    (lambda x: [x], 'an output that no call has made'),
    (lambda x: [halved(x)[1:]], 'an output that no call has made'),
    (lambda x: [halved(x)] * 2, 'an output that no call has made'),
    (lambda x: [halved(torch.nn.functional.pad(x, (0, -1)))], 'cuts off'),
    (lambda x: [halved(x.sum(2, dtype=torch.int32))], 'a sum of another'),
    (lambda x: [ops.requantize(x, M, N, 32)], 'not one call|leaves this'),
    (lambda x: [ops.rank(x.flatten(), 3)], 'no recording calls'),
])  # yapf: disable
def test_what_it_cannot_do_again_is_refused(function, reason):
    x = stream(0, 3, 5, 12)
    function(x)
    with pytest.raises(native.NotRecordableError, match=reason):
        native.record(function, x)
    assert torch.equal(halved(x), halved(x))  # nothing is left over


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 9),
                          st.integers(0, 9)), min_size=1, max_size=12))
def test_what_is_needed_at_once_lies_apart(memories):
    words = [[] for _ in range(10)]
    spans = []
    for number, (_, begin, end) in enumerate(memories, 1):
        spans.append(sorted((begin, end)))
        for call in spans[-1]:
            words[call].append(_Word(0, number))
    made = [Memory.of_storage(torch.empty(size, dtype=torch.uint8))
            for size in (1, *(size for size, _, _ in memories))]
    places, scratch = _places(words, made, [])
    for i, (first, last) in enumerate(spans, 1):
        base, begin = places[i]
        end = begin + made[i].size
        assert base == 1 and begin % ALIGNMENT == 0 and end <= scratch
        for j, (other_first, other_last) in enumerate(spans[:i - 1], 1):
            if first <= other_last and other_first <= last:
                assert (end <= places[j].offset
                        or places[j].offset + made[j].size <= begin)
