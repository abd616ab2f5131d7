"""The pixels themselves into the backbone, against normalized images."""
import pytest
import torch
from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmdet.structures import DetDataSample
from mmengine.model import BaseDataPreprocessor, ImgDataPreprocessor

from iptq_mm.guard import integer_only_regions
from iptq_mm.lowering.pixels import Normalization, from_pixels
from iptq_mm.models import ImgPixelDataPreprocessor, IntSwinTransformer
from iptq_mm.models.detectors.pixel_preprocessor import PixelDataPreprocessor
from iptq_mm.nn import Pixels

from classifiers import (
    float_deit,
    float_timm_swin,
    float_vit,
    integer_twin,
)
from quantized import float_swin, quantized, sqnr_db

SMALL = dict(
    embed_dims=16, depths=(1, 2), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)
SIZES = [(37, 50), (41, 45), (40, 52)]


def data(sizes=SIZES):
    generator = torch.Generator().manual_seed(0)
    return dict(
        inputs=[
            torch.randint(0, 256, (3, *size), generator=generator,
                          dtype=torch.uint8) for size in sizes
        ],
        data_samples=[DetDataSample() for _ in sizes])


def pair(mean=(123., 116., 104.), std=(58., 57., 57.5), **settings):
    """Float backbone and preprocessor; their twins for pixels."""
    normalizing = DetDataPreprocessor(mean=mean, std=std, **settings)
    swin = float_swin(**SMALL)
    normalization = Normalization.of(normalizing, 3)
    pixels = PixelDataPreprocessor(
        normalization.pixel(normalizing.pad_value),
        pad_size_divisor=normalizing.pad_size_divisor)
    return swin, normalizing, from_pixels(swin, normalizing), pixels


@pytest.mark.parametrize('settings', [
    dict(),
    dict(bgr_to_rgb=True),
    dict(bgr_to_rgb=True, pad_size_divisor=32),
    dict(pad_size_divisor=3, pad_value=2),
    dict(mean=(100., ), std=(50., ), rgb_to_bgr=True),
    dict(mean=None, std=None),
], ids=str)
@torch.no_grad()
def test_the_float_twin_computes_the_same(settings):
    """The means are whole, so that the padding is a pixel."""
    swin, normalizing, pixel_swin, pixels = pair(**settings)
    image = pixels(data())['inputs']
    assert image.dtype == torch.uint8
    for y, expected in zip(
            pixel_swin(image), swin(normalizing(data())['inputs'])):
        assert sqnr_db(expected, y) > 70


@pytest.mark.parametrize('sizes, mean', [
    (SIZES, (124., 116., 104.)),
    (SIZES[:1], (123.675, 116.28, 103.53)),
    ([(48, 64)] * 2, (123.675, 116.28, 103.53)),
])
@torch.no_grad()
def test_integers_are_as_close_as_with_normalized_images(sizes, mean):
    """Padding is close where its pixel is: a mean is rounded to one."""
    swin, normalizing, pixel_swin, pixels = pair(
        mean=mean, std=(58.395, 57.12, 57.375), bgr_to_rgb=True)
    normalized = normalizing(data(sizes))['inputs']
    image = pixels(data(sizes))['inputs']
    of_normalized = quantized(swin, normalized)
    of_pixels = quantized(pixel_swin, image)
    for expected, y, z in zip(swin(normalized), of_normalized(normalized),
                              of_pixels(image)):
        assert sqnr_db(expected, z) > 25
        assert sqnr_db(expected, z) > sqnr_db(expected, y) - 3
        assert sqnr_db(y, z) > 25


def test_no_float_on_the_way_in():
    *_, pixel_swin, pixels = pair()
    image = pixels(data())['inputs']
    integer = quantized(pixel_swin, image)
    with integer_only_regions(integer) as regions:
        assert regions == ['quantize', 'body']
        guarded = integer(image)
    rebuilt = IntSwinTransformer(**SMALL, functions=dict(
        softmax='bit_softmax'), input='uint8').eval()
    rebuilt.load_state_dict(integer.state_dict())
    for y, z in zip(guarded, rebuilt(image)):
        assert torch.equal(y, z)
    assert not any(t.is_floating_point()
                   for t in integer.state_dict().values())


def test_every_pixel_is_its_own_integer():
    pixels = Pixels(2, 4)
    pixels.padding.copy_(torch.tensor([5, -7]))
    image = torch.arange(256, dtype=torch.uint8).view(1, 1, 2, 128)
    q = pixels(image.repeat(1, 2, 1, 1)[..., :127])
    assert q.dtype == torch.int8 and q.shape == (1, 2, 4, 128)
    assert torch.equal(q[0, 0, :2, :127].int(), image[0, 0, :, :127] - 128.)
    assert (q[0, 0, 2:] == 5).all() and (q[0, 1, :, 127] == -7).all()


def test_float_images_are_refused():
    with pytest.raises(TypeError, match='uint8 images, not torch.float32'):
        Pixels(3, 4)(torch.zeros(1, 3, 8, 8))
    with pytest.raises(TypeError, match='images of torch.float32'):
        PixelDataPreprocessor([0, 0, 0])(
            dict(inputs=[torch.zeros(3, 8, 8)]))


def test_samples_know_their_padded_shapes():
    _, normalizing, _, pixels = pair(pad_size_divisor=32)
    samples = [
        preprocessor(data())['data_samples']
        for preprocessor in (normalizing, pixels)
    ]
    for expected, sample in zip(*samples):
        assert sample.metainfo == expected.metainfo


def test_another_preprocessor_is_refused():
    with pytest.raises(TypeError, match='BaseDataPreprocessor'):
        Normalization.of(BaseDataPreprocessor(), 3)


def test_input_is_checked():
    with pytest.raises(ValueError, match="'normalized' or 'uint8'"):
        IntSwinTransformer(input='float16')


@pytest.mark.parametrize('make', [float_vit, float_deit, float_timm_swin])
@torch.no_grad()
def test_classifiers_too(make):
    normalizing = ImgDataPreprocessor(
        mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
    network, pixels = make(), ImgPixelDataPreprocessor()
    kept = {name: w.clone() for name, w in network.state_dict().items()}
    of_pixels = from_pixels(network, normalizing)
    shown = data([(32, 32)] * 4)
    image, normalized = pixels(shown)['inputs'], normalizing(shown)['inputs']
    assert image.dtype == torch.uint8
    assert sqnr_db(network(normalized), of_pixels(image)) > 70
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, kept[name])
    integer = integer_twin(of_pixels, image)
    other = integer_twin(network, normalized)
    with integer_only_regions(integer) as regions:
        assert regions == ['quantize', 'body']
        logits = integer(image)
    assert sqnr_db(network(normalized), logits) > sqnr_db(
        network(normalized), other(normalized)) - 3


def test_images_are_stacked_as_they_are():
    image, = data([(8, 8)])['inputs']
    for inputs in ([image, image], torch.stack([image, image])):
        made = ImgPixelDataPreprocessor()(dict(inputs=inputs))
        assert torch.equal(made['inputs'], torch.stack([image, image]))
        assert made['data_samples'] is None
    with pytest.raises(TypeError, match='images of torch.float32'):
        ImgPixelDataPreprocessor()(dict(inputs=[image.float()]))


def test_a_network_without_patches_is_refused():
    with pytest.raises(TypeError, match='Conv2d has no patch embedding'):
        from_pixels(torch.nn.Conv2d(3, 8, 3), ImgDataPreprocessor())
