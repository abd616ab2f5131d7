"""Any ViT, DeiT or Swin of timm as a model of mmengine."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import timm
import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor, nn
from torch.nn import functional as F

from ...registry import MODELS
from .weights import WeightsUnavailableError, ask_hub


@MODELS.register_module()
class TimmClassifier(BaseModel):
    """A network that classifies images, with the normalization it was made
    for.

    Args:
        name (str): A model of timm, e.g. ``deit_small_patch16_224``. Its
            ``pretrained_cfg`` gives mean and standard deviation.
        pretrained (bool | str): timm's weights of that name, or a file of
            weights in timm's format. Defaults to False: random weights.
        options (dict, optional): Of ``timm.create_model``: ``num_classes``,
            ``img_size``, ``embed_dim``, ...
        backbone (dict, optional): Config of another network in the place of
            timm's, such as an integer one; ``pretrained`` and ``options``
            have no effect then.
        data_preprocessor (dict, optional): Config of another one than the
            normalization, for a network that takes pixels.
        label_smoothing (float): Of the cross-entropy that training minimizes.
            Defaults to 0.

    Attributes:
        weights (str | None): Where the weights are from; None if they are
            random.
        backbone (nn.Module): float32 [B, 3, H, W], normalized, or uint8
            pixels, to logits [B, classes].

    Raises:
        WeightsUnavailableError: If timm cannot get the weights.
        RuntimeError: If timm has no model of that name.
    """

    def __init__(self,
                 name: str,
                 pretrained: bool | str = False,
                 options: Mapping[str, Any] | None = None,
                 backbone: Mapping[str, Any] | None = None,
                 data_preprocessor: Mapping[str, Any] | None = None,
                 label_smoothing: float = 0.):
        source = timm.get_pretrained_cfg(name, allow_unregistered=False)
        super().__init__(data_preprocessor or dict(
            type='mmengine.ImgDataPreprocessor',
            mean=[255 * value for value in source.mean],
            std=[255 * value for value in source.std]))
        self.weights = None
        if backbone is not None:
            self.weights = backbone['type']
        elif pretrained:
            self.weights = pretrained if isinstance(
                pretrained, str) else source.hf_hub_id or source.url
        self.label_smoothing = label_smoothing
        self.backbone = (
            MODELS.build(backbone) if backbone is not None else timm_network(
                name, pretrained, options or {}))

    def init_weights(self) -> None:
        """Nothing to do: timm initializes, or loads, what it creates."""

    def forward(self,
                inputs: Tensor,
                data_samples: Sequence[BaseDataElement] | None = None,
                mode: str = 'tensor'):
        """As mmengine's ``BaseModel`` asks for.

        Args:
            inputs (Tensor): [B, 3, H, W], as the backbone takes it.
            data_samples (Sequence[BaseDataElement], optional): With
                ``gt_label`` (int) or, to learn from a teacher, ``gt_score``
                (probabilities, float32 [classes]).
            mode (str): ``tensor`` gives logits [B, classes], ``loss`` a
                dictionary, ``predict`` the samples with ``pred_score``
                (probabilities, float32 [classes]).
        """
        logits = self.backbone(inputs)
        if mode == 'tensor':
            return logits
        if mode == 'loss':
            return dict(
                loss=F.cross_entropy(
                    logits, _labels(data_samples, logits.device),
                    label_smoothing=self.label_smoothing))
        for sample, score in zip(data_samples, logits.softmax(-1)):
            sample.pred_score = score
        return list(data_samples)


def timm_network(name: str, pretrained: bool | str,
                 options: Mapping[str, Any]) -> nn.Module:
    """A stock network of timm; arguments as :class:`TimmClassifier`.

    Raises:
        WeightsUnavailableError: If the weights cannot be had.
    """
    source, overlay = timm.get_pretrained_cfg(name), {}
    if isinstance(pretrained, str):
        # The file's own classifier; timm makes a new one where it is told of
        # another number of classes.
        overlay = dict(
            file=pretrained,
            num_classes=options.get('num_classes', source.num_classes))
    try:
        if pretrained is True and source.hf_hub_id:
            ask_hub(source.hf_hub_id)
        return timm.create_model(
            name,
            pretrained=bool(pretrained),
            pretrained_cfg_overlay=overlay,
            **options)
    except Exception as error:  # each way of downloading has its own
        if not pretrained:
            raise
        raise WeightsUnavailableError(
            f'the weights of {name} are out of reach '
            f'({type(error).__name__}). Get them from '
            f'{source.hf_hub_id or source.url} where there is a network and '
            f'give the file by --cfg-options model.pretrained=FILE, or run on '
            f'random weights with model.pretrained=False.') from error


def _labels(samples: Sequence[BaseDataElement],
            device: torch.device) -> Tensor:
    """int64 [B], or where a teacher has labelled, float32 [B, classes]."""
    if 'gt_score' in samples[0]:
        return torch.stack([sample.gt_score for sample in samples]).to(device)
    return torch.tensor([sample.gt_label for sample in samples], device=device)
