import pytest
import torch

from iptq_mm.benchmark import float_model, seeded_images
from iptq_mm.benchmark.integer import integer_model
from iptq_mm.benchmark.models import MASK_RCNN
from iptq_mm.guard import integer_only_regions
from iptq_mm.nn.packed import codes_and_steps


def test_images_are_the_same_every_time():
    shape = 1, 3, 4, 5
    assert torch.equal(seeded_images(shape), seeded_images(shape))


@pytest.mark.parametrize('weight', [8, 4])
@pytest.mark.parametrize('name', ['swin_nano', 'deit_t'])
@torch.no_grad()
def test_weights_take_their_bits(name, weight):
    images = seeded_images((1, 3, 32, 64))
    model = integer_model(
        float_model(name, (32, 64)), images, dict(weight=weight))
    model(images)
    ends = ('patch_embed', 'head')  # these keep 8 bits
    largest = {True: 0, False: 0}
    for key, value in model.state_dict().items():
        if key.endswith('.weight'):
            end = any(part in key for part in ends)
            # Of 4 bits in groups, it is the codes.
            codes = value if end or weight > 4 else codes_and_steps(value)[0]
            largest[end] = max(largest[end], int(codes.abs().max()))
    assert largest == {True: 127, False: 2**(weight - 1) - 1}


@torch.no_grad()
def test_a_detector_is_integer_in_all_its_parts():
    size = 64, 96
    images = seeded_images((1, 3, *size))
    integer = integer_model(float_model(MASK_RCNN, size), images, {})
    with integer_only_regions(integer.detector) as regions:
        found, = integer(images)
    assert 'program' in regions
    assert found.pred_instances.masks.shape[1:] == size
    assert len(found.pred_instances)  # or the mask head would have no work
