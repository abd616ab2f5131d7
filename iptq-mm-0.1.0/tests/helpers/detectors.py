"""Detectors of mmdet with seeded weights, and small images for them."""
import copy
from types import SimpleNamespace

import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.model import BaseDataPreprocessor, BaseModel
from mmengine.runner import Runner

from iptq_mm.engine.quantization.ptq_hook import PTQHook

ASSIGNED_ONLY = dict(
    gelu=['poly_gelu'], softmax=['bit_softmax'], layernorm=['i_layernorm'])
"""Candidates of the default assignment alone, so that none is scored that
will not be used."""


TINY = dict(
    embed_dims=8, depths=(1, 1), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)
"""Arguments of the smallest Swin."""


class Images(torch.utils.data.Dataset):
    """Five seeded images of noise."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        generator = torch.manual_seed(index)
        return dict(inputs=torch.randn(3, 32, 32, generator=generator))


class Detector(BaseModel):
    """A backbone and nothing else."""

    def __init__(self, backbone):
        super().__init__(BaseDataPreprocessor())
        self.backbone = backbone

    def forward(self, inputs, mode='tensor'):
        return self.backbone(inputs)


class SeededImages(torch.utils.data.Dataset):
    """Coarse random colours, as a test dataloader of mmdet gives them.

    Args:
        size (tuple[int, int]): Height and width.
        num_images (int): How many.
    """

    def __init__(self, size=(64, 96), num_images=2):
        self.size, self.num_images = size, num_images

    def __len__(self):
        return self.num_images

    def __getitem__(self, index):
        height, width = self.size
        coarse = torch.randint(
            256, (3, height // 8, width // 8),
            generator=torch.manual_seed(index))
        image = coarse.repeat_interleave(8, -1).repeat_interleave(8, -2)
        sample = DetDataSample(
            metainfo=dict(
                img_id=index,
                ori_shape=self.size,
                img_shape=self.size,
                batch_input_shape=self.size,
                scale_factor=(1., 1.)))
        return dict(inputs=image.to(torch.uint8), data_samples=sample)


def runner_of(model_config, seed=0):
    """What the hook needs of a runner, with seeded weights: every matrix
    lively enough to have a signal behind it."""
    register_all_modules()
    torch.manual_seed(seed)
    model = MODELS.build(copy.deepcopy(model_config))
    model.init_weights()  # DINO's constructor leaves some as memory was
    model.eval()
    for parameter in model.backbone.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(
                parameter, std=0.5 * parameter.shape[-1]**-0.5)
    return SimpleNamespace(
        model=model, cfg=SimpleNamespace(model=model_config),
        build_dataloader=Runner.build_dataloader)


def hook_on(images, **settings):
    """A hook that calibrates on all of the images."""
    loader = dict(
        batch_size=1,
        dataset=images,
        collate_fn=dict(type='pseudo_collate'),
        sampler=dict(type='DefaultSampler', shuffle=False))
    return PTQHook(
        loader,
        num_batches=len(images),
        candidates=ASSIGNED_ONLY,
        rounding='nearest',
        **settings)


def batches(images):
    """Every image as ``test_step`` takes it."""
    for i in range(len(images)):
        item = images[i]
        yield {key: [value] for key, value in item.items()}
