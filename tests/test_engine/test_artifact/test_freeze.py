import copy
import io
import pickle
import warnings

import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode

import iptq_mm
from iptq_mm import freeze
from iptq_mm.compat import zip_strict
from iptq_mm.engine.errors import UserError
from iptq_mm.guard import integer_only_regions
from iptq_mm.models.classifiers.vit import IntVit
from iptq_mm.nn import Pixels
from iptq_mm.ops import native

from classifiers import (
    float_deit,
    float_timm_swin,
    float_vit,
    images,
    integer_twin,
)
from native_kernels import calls_of, needs_recordings
from quantized import float_swin, quantized

pytestmark = needs_recordings


def vit(**config):
    return integer_twin(float_vit(**config), images())


def backbone():
    """Windows that are shifted and padded, odd maps, two outputs."""
    return quantized(
        float_swin(embed_dims=24, depths=(2, 2), num_heads=(2, 3),
                   strides=(4, 2), out_indices=(0, 1), window_size=5),
        torch.randn(2, 3, 50, 35, generator=torch.Generator().manual_seed(0)))


NETWORKS = dict(
    vit=(vit, (32, 32)),
    mean=(lambda: vit(global_pool='avg', class_token=True), (32, 32)),
    deit=(lambda: integer_twin(float_deit(), images()), (32, 32)),
    swin=(lambda: integer_twin(float_timm_swin(), images()), (32, 32)),
    backbone=(backbone, (50, 35)))


def noise(size, count=2, seed=3):
    return torch.randn(count, 3, *size,
                       generator=torch.Generator().manual_seed(seed))


def run(model, x):
    with torch.no_grad():
        outputs = model(x)
    return outputs if isinstance(outputs, list) else [outputs]


def same(ours, theirs):
    return all(torch.equal(a, b) and a.dtype == b.dtype
               and a.stride() == b.stride()
               for a, b in zip_strict(ours, theirs))


def calls(model, x):
    """Those of the library in a run."""
    return calls_of(lambda: run(model, x))


ONE = ['iptq_recording_play']


@pytest.fixture
def frozen():
    """A small ViT that has run before."""
    model = freeze(vit())
    run(model, images())
    assert calls(model, images()) == ONE
    return model


@pytest.mark.parametrize('name', NETWORKS)
def test_the_same_bits_in_one_call(name):
    build, size = NETWORKS[name]
    model = build()
    batches = [noise(size, count, seed)
               for count in (1, 2) for seed in range(3)]
    expected = [run(model, x) for x in batches]
    assert freeze(model) is model
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for _ in range(2):
            for x, theirs in zip(batches, expected):
                assert same(run(model, x), theirs)
    assert calls(model, batches[0]) == ONE
    assert len(calls(build(), batches[0])) > 5


def test_pixels_as_they_are():
    models = [backbone(), backbone()]
    for model in models:
        model.quantize = Pixels(3, 4)
        model.quantize.padding.copy_(torch.tensor([-5, 0, 9]))
    x = torch.randint(0, 256, (2, 3, 49, 35), dtype=torch.uint8)
    expected = run(models[0], x)
    for _ in range(2):
        assert same(run(freeze(models[1]), x), expected)
        assert same(run(models[1], x), expected)
    assert calls(models[1], x) == ONE


def test_another_size_is_another_recording():
    model, plain = freeze(backbone()), backbone()
    for size in ((50, 35), (64, 64), (21, 70), (50, 35)):
        x = noise(size)
        assert same(run(model, x), run(plain, x))
        assert calls(model, x) == ONE


@pytest.mark.parametrize('isa', native.isas() if native.available() else [])
def test_every_instruction_set_and_number_of_threads(frozen, isa):
    x, best, threads = images(), native.isa(), torch.get_num_threads()
    expected = run(vit(), x)
    native.set_isa(isa)
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            assert same(run(frozen, x), expected)
            assert same(run(frozen, x), expected)
    finally:
        torch.set_num_threads(threads)
        native.set_isa(best)


def test_images_in_another_layout(frozen):
    x = images().to(memory_format=torch.channels_last)
    assert same(run(frozen, x), run(vit(), images()))


def test_hooks_see_layers(frozen):
    seen = []
    handle = frozen.body.blocks[1].mlp.register_forward_hook(
        lambda *_: seen.append(1))
    hooked = run(frozen, images())
    assert seen == [1]
    handle.remove()
    assert calls(frozen, images()) == ONE
    assert same(run(frozen, images()), hooked)


def test_hooks_of_all_modules_see_layers(frozen):
    seen = []
    handle = nn.modules.module.register_module_forward_hook(
        lambda module, *_: seen.append(type(module).__name__))
    run(frozen, images())
    handle.remove()
    assert 'IntMLP' in seen
    assert calls(frozen, images()) == ONE


def test_hooks_from_before_the_first_image():
    model, seen = freeze(vit()), []
    model.body.norm = None
    handle = model.body.register_forward_hook(lambda *_: seen.append(1))
    run(model, images())
    run(model, images())
    handle.remove()
    assert seen == [1, 1]
    run(model, images())
    assert calls(model, images()) == ONE


def test_guards_and_fake_tensors_see_layers(frozen):
    expected = run(frozen, images())
    with integer_only_regions(frozen) as regions:
        assert same(run(frozen, images()), expected)
    assert regions
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        logits = frozen(mode.from_tensor(images()))
    assert logits.shape == expected[0].shape


def test_exported_files_are_the_same(frozen, tmp_path):
    pytest.importorskip('onnx')
    from iptq_mm.export import to_onnx
    files = [to_onnx(model, tmp_path / 'model.onnx').SerializeToString()
             for model in (frozen, vit())]
    assert files[0] == files[1]


def test_exported_programs_are_the_same(frozen):
    program = torch.export.export(frozen, (images(), ))
    assert torch.equal(program.module()(images()), run(frozen, images())[0])
    assert 'block' in program.graph_module.code


def test_loading_begins_anew(frozen):
    other = integer_twin(float_vit(), images(seed=5))
    frozen.load_state_dict(other.state_dict())
    assert same(run(frozen, images()), run(other, images()))


def test_freezing_again_begins_anew(frozen):
    before = run(frozen, images())
    frozen.body.blocks[0].mlp.fc1.bias.add_(100)
    assert same(run(frozen, images()), before)
    after = run(freeze(frozen), images())
    assert not same(after, before)
    assert same(run(frozen, images()), after)


def test_copies_stand_alone(frozen):
    expected = run(frozen, images())
    buffer = io.BytesIO()
    torch.save(frozen, buffer)
    buffer.seek(0)
    for twin in (copy.deepcopy(frozen), pickle.loads(pickle.dumps(frozen)),
                 torch.load(buffer, weights_only=False)):
        assert same(run(twin, images()), expected)
        assert calls(twin, images()) == ONE
        twin.body.blocks[0].mlp.fc1.bias.add_(100)
        assert not same(run(freeze(twin), images()), expected)
    assert same(run(frozen, images()), expected)


def test_a_classifier_around_it():
    network = vit()
    classifier = nn.Sequential(network)
    expected = run(classifier, images())
    freeze(classifier)
    assert same(run(classifier, images()), expected)
    assert calls(classifier, images()) == ONE


def test_a_wrong_image_is_refused_as_ever(frozen):
    with pytest.raises(ValueError, match='the model is for'):
        frozen(noise((40, 32)))


def test_what_it_cannot_record_runs_by_layers(monkeypatch):
    forward = IntVit.forward
    monkeypatch.setattr(IntVit, 'forward',
                        lambda self, x: forward(self, x + 0))
    model = freeze(vit())
    expected = run(vit(), images())
    with pytest.warns(UserWarning, match='layer by layer.*aten.add'):
        assert same(run(model, images()), expected)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert same(run(model, images()), expected)


def test_what_has_no_network_is_refused():
    with pytest.raises(UserError, match='no integer network'):
        freeze(nn.Linear(2, 2))


def test_a_whole_detector_is_refused():
    detector = nn.Module()
    detector.integer_program = lambda: None
    with pytest.raises(UserError, match='integer as a whole'):
        freeze(detector)


def test_without_kernels_it_says_so(monkeypatch):
    monkeypatch.setattr(native, 'available', lambda: False)
    with pytest.raises(UserError, match='needs the native kernels'):
        iptq_mm.freeze(vit())
