"""A whole detector as one integer program."""
import copy
from itertools import islice

import pytest
import torch
from mmdet.models.detectors import TwoStageDetector
from torchvision.ops import box_iou

from iptq_mm.compat import zip_strict
from iptq_mm.engine.inputs.config import ptq_hook_config
from iptq_mm.engine.inputs.options import PTQOptions, resolve
from iptq_mm.engine.inputs.runner import build_runner
from iptq_mm.guard import integer_only_regions
from iptq_mm.models.detectors.program import SCORES, Sizes, instances
from iptq_mm.ops import native
from iptq_mm.registry import HOOKS

from conftest import FEW, ROOT
from detectors import ASSIGNED_ONLY

CONFIGS = ['iptq_swin_nano_maskrcnn_shapes',
           'iptq_swin_nano_cascade_maskrcnn_shapes']


@pytest.fixture(scope='module', params=CONFIGS)
def detector(request, tmp_path_factory):
    """The program of a bundled detector, and that detector."""
    options = PTQOptions(
        str(ROOT / 'configs' / f'{request.param}.py'),
        work_dir=str(tmp_path_factory.mktemp('program')), device='cpu',
        cfg_options={
            **FEW, 'custom_hooks.0.scope': 'all',
            'custom_hooks.0.rounding': 'nearest',
            'custom_hooks.0.candidates': ASSIGNED_ONLY,
            'custom_hooks.0.assignment': {SCORES: 'table_softmax'}
        })
    config = resolve(options)
    runner = build_runner(config, 'cpu', False)
    hook = HOOKS.build(ptq_hook_config(config))
    hook.quantize(runner)
    hook.install(runner)
    return (runner.model.integer_program(), runner.model,
            runner.test_dataloader)


def prepared(model, data):
    """The integers of an image, and its sizes."""
    batch = model.data_preprocessor(copy.deepcopy(data), False)
    sizes = [Sizes(tuple(sample.img_shape[:2]), tuple(sample.ori_shape[:2]))
             for sample in batch['data_samples']]
    return model.backbone.quantize(batch['inputs']), sizes


def between_floats(model, data):
    """What mmdet makes of the outputs of the same integer parts."""
    batch = model.data_preprocessor(copy.deepcopy(data), False)
    sample, = TwoStageDetector.predict(model, batch['inputs'],
                                       batch['data_samples'])
    return sample.pred_instances


def equal(ours, theirs):
    return all(torch.equal(a, b) for a, b in zip_strict(ours, theirs))


@torch.no_grad()
def test_it_finds_what_its_parts_find_between_floats(detector):
    program, model, loader = detector
    found, all_sure = 0, 0
    for data in islice(loader, 3):
        image, sizes = prepared(model, data)
        ours, = program(image, sizes, True)
        result = instances(ours, *sizes[0].original, 0.5)
        theirs = between_floats(model, data)
        sure = theirs[theirs.scores > 0.5]
        overlap, match = box_iou(sure.bboxes, result.bboxes).max(1)
        all_sure += len(sure)
        match = match[overlap > 0.9]
        sure = sure[overlap > 0.9]
        assert torch.equal(result.labels[match], sure.labels)
        assert (result.scores[match] - sure.scores).abs().max() < 0.05
        both = (result.masks[match] & sure.masks).flatten(1).sum(1)
        either = (result.masks[match] | sure.masks).flatten(1).sum(1)
        assert (both / either.clamp(min=1)).mean() > 0.95
        found += len(sure)
    assert found > 5 and found >= 0.9 * all_sure


@torch.no_grad()
def test_nothing_in_it_is_float(detector):
    program, model, loader = detector
    image, sizes = prepared(model, next(iter(loader)))
    plain, = program(image, sizes, False)
    with integer_only_regions(program):
        guarded, = program(image, sizes, False)
    assert equal(plain, guarded) and len(plain.boxes)
    assert not any(tensor.is_floating_point()
                   for tensor in program.state_dict().values())


@torch.no_grad()
def test_an_image_of_a_batch_is_what_it_is_alone(detector):
    """With the padding that it has there: mmdet's results depend on that."""
    program, model, loader = detector
    some = [
        dict(inputs=[data['inputs'][0][:, :height, :width]],
             data_samples=[data['data_samples'][0].clone()])
        for data, (height, width) in zip(
            islice(loader, 3), [(128, 160), (96, 160), (101, 77)])
    ]
    for data in some:
        shape = tuple(data['inputs'][0].shape[1:])
        data['data_samples'][0].set_metainfo(
            dict(img_shape=shape, ori_shape=(2 * shape[0], 2 * shape[1])))
    batch = {key: [data[key][0] for data in some] for key in some[0]}
    images, sizes = prepared(model, batch)
    together = program(images, sizes, True)
    for image, size, one in zip_strict(images, sizes, together):
        alone, = program(image[None], [size], True)
        assert equal(one, alone)
    assert sum(len(one.boxes) for one in together) > 3


@torch.no_grad()
def test_instruction_sets_and_threads_change_nothing(detector):
    program, model, loader = detector
    image, sizes = prepared(model, next(iter(loader)))
    best = native.isa() if native.available() else None
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for isa in native.isas() if best else [None]:
            if isa:
                native.set_isa(isa)
            found += program(image, sizes, True)
    assert len(found[0].boxes)
    assert all(equal(found[0], other) for other in found[1:])


@torch.no_grad()
@pytest.mark.parametrize('pixel', [-127, 0, 127])
def test_an_image_of_one_colour(detector, pixel):
    program, model, loader = detector
    image, sizes = prepared(model, next(iter(loader)))
    found, = program(torch.full_like(image, pixel), sizes, True)
    assert found.boxes.shape == (len(found.scores), 4)
    assert len(found.masks) == len(found.labels) == len(found.scores)
    result = instances(found, *sizes[0].original, 0.5)
    assert result.masks.shape[1:] == sizes[0].original
