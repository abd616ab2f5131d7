"""Distillation: a trained classifier labels what another one learns from."""
from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner, load_checkpoint

from ...registry import HOOKS, MODELS


@HOOKS.register_module()
class TeacherHook(Hook):
    """Gives each training image its teacher's probabilities as labels.

    The teacher sees the augmented image that the student sees ("Knowledge
    distillation: a good teacher is patient and consistent",
    arXiv:2106.05237). The samples get a ``gt_score`` (float32 [classes]),
    which ``TimmClassifier`` learns from in the place of ``gt_label``.

    Args:
        model (dict): Config of the teacher, a ``TimmClassifier``.
        checkpoint (str): Its weights.

    Raises:
        FileNotFoundError: If the weights are not there.
    """

    def __init__(self, model: dict[str, Any], checkpoint: str):
        self._teacher = MODELS.build(model).eval()
        load_checkpoint(
            self._teacher, checkpoint, map_location='cpu', strict=True)

    @torch.no_grad()
    def before_train_iter(self,
                          runner: Runner,
                          batch_idx: int,
                          data_batch: dict | None = None) -> None:
        """Label the batch."""
        data = self._teacher.data_preprocessor(data_batch)
        with torch.autocast('cpu', torch.bfloat16):
            logits = self._teacher(data['inputs'])
        for sample, score in zip(data_batch['data_samples'],
                                 logits.float().softmax(-1)):
            sample.set_field(score, 'gt_score')
