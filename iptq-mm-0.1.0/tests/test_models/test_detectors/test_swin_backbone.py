"""mmdet's own unit tests of Swin, and what an integer Swin adds to them."""
import pytest
import torch

from iptq_mm.guard import integer_only_regions
from iptq_mm.models import IntSwinTransformer

from quantized import float_swin, quantized, sqnr_db

SMALL = dict(
    embed_dims=16, depths=(2, 2, 2, 1), num_heads=(1, 2, 4, 8), window_size=4)


def twins(image, seed=0, **config):
    swin = float_swin(seed=seed, **config)
    return swin, quantized(swin, image)


@torch.no_grad()
def least_sqnr(swin, integer, image):
    outs = integer(image)
    return outs, min(map(sqnr_db, swin(image), outs))


def test_arguments_are_checked_as_mmdets():
    with pytest.raises(TypeError):
        IntSwinTransformer(pretrained=123)
    with pytest.raises(AssertionError):
        IntSwinTransformer(strides=(2, 2, 2, 2), patch_size=4)
    with pytest.raises(AssertionError):
        IntSwinTransformer(pretrain_img_size=(224, 224, 224))


@pytest.mark.parametrize('size, shapes', [
    ((32, 32), [(8, 8), (4, 4), (2, 2), (1, 1)]),
    ((31, 31), [(8, 8), (4, 4), (2, 2), (1, 1)]),
    ((112, 137), [(28, 35), (14, 18), (7, 9), (4, 5)]),
])
def test_swin_t_at_any_size(size, shapes):
    image = torch.randn(1, 3, *size, generator=torch.manual_seed(1))
    swin, integer = twins(image)
    outs, sqnr = least_sqnr(swin, integer, image)
    assert [tuple(out.shape) for out in outs] == [
        (1, 96 * 2**i, *shape) for i, shape in enumerate(shapes)
    ]
    assert sqnr > 20


@pytest.mark.parametrize('config', [
    dict(pretrain_img_size=64, use_abs_pos_embed=True),
    dict(patch_norm=False),
    dict(qkv_bias=False),
    dict(window_size=7),
    dict(window_size=12),
    dict(out_indices=(1, 3)),
    dict(mlp_ratio=2, qk_scale=0.2),
    dict(frozen_stages=4, with_cp=True, convert_weights=True),
    dict(strides=(2, 2, 2, 2), patch_size=2),
    dict(in_channels=1),
], ids=str)
def test_every_argument_of_mmdets_swin(config):
    config = {**SMALL, **config}
    image = torch.randn(
        2, config.get('in_channels', 3), 64, 64,
        generator=torch.manual_seed(2))
    swin, integer = twins(image, **config)
    outs, sqnr = least_sqnr(swin, integer, image)
    assert [out.shape for out in outs] == [out.shape for out in swin(image)]
    assert sqnr > 20

    # The same keys build it from a config, and its state fills it.
    layers = dict(functions=None, bits=None)
    rebuilt = IntSwinTransformer(**{**config, **layers}).eval()
    rebuilt.load_state_dict(integer.state_dict())
    for out, again in zip(outs, rebuilt(image)):
        assert torch.equal(out, again)


def test_only_integers_inside():
    image = torch.randn(1, 3, 61, 75, generator=torch.manual_seed(3))
    _, integer = twins(image, **SMALL)
    with integer_only_regions(integer) as regions:
        assert regions == ['body']
        guarded = integer(image)
    for out, again in zip(guarded, integer(image)):
        assert torch.equal(out, again)
    assert not any(t.is_floating_point()
                   for t in integer.state_dict().values())


def test_each_image_of_a_batch_is_on_its_own():
    images = torch.randn(3, 3, 40, 52, generator=torch.manual_seed(4))
    _, integer = twins(images, **SMALL)
    batched = integer(images)
    for i in range(3):
        for out, alone in zip(batched, integer(images[i:i + 1])):
            assert torch.equal(out[i:i + 1], alone)


def test_images_beyond_the_calibrated_range_saturate():
    image = torch.randn(1, 3, 32, 32, generator=torch.manual_seed(5))
    _, integer = twins(image, **SMALL)
    for wild in (image * 1e4, torch.full_like(image, -1e9)):
        assert all(out.isfinite().all() for out in integer(wild))


def test_the_size_of_a_position_embedding_is_checked():
    config = dict(SMALL, pretrain_img_size=64, use_abs_pos_embed=True)
    image = torch.randn(1, 3, 64, 64, generator=torch.manual_seed(6))
    _, integer = twins(image, **config)
    with pytest.raises(ValueError, match='256 tokens.*8 x 8'):
        integer(image[..., :32, :32])


def test_an_empty_model_says_so():
    with pytest.raises(RuntimeError, match='int_model.pth'):
        IntSwinTransformer(**SMALL)(torch.zeros(1, 3, 32, 32))
