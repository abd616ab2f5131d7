"""Top-1 and top-5 accuracy."""
from collections.abc import Sequence

import torch
from mmengine.evaluator import BaseMetric

from ..registry import METRICS


@METRICS.register_module()
class TopAccuracy(BaseMetric):
    """Share of images whose class is among the k of highest score.

    Gives ``top1`` and ``top5`` in percent. Of equal scores the class of the
    lower number counts as the higher one.

    Args:
        topk (Sequence[int]): The k. Defaults to (1, 5).
        classwise (bool): ``NAME_recall`` of each class too: the percentage of
            its images whose class comes first. Defaults to False.
        collect_device (str): As mmengine's ``BaseMetric``.
    """

    default_prefix = ''

    def __init__(self, topk: Sequence[int] = (1, 5),
                 classwise: bool = False,
                 collect_device: str = 'cpu'):
        super().__init__(collect_device)
        self.topk, self.classwise = tuple(topk), classwise

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the rank of the right class.

        Args:
            data_batch (dict): Not looked at.
            data_samples (Sequence[dict]): With ``pred_score`` (Tensor
                [classes]) and ``gt_label`` (int).
        """
        for sample in data_samples:
            score, label = sample['pred_score'], sample['gt_label']
            equal = (score[:label] == score[label]).sum()
            rank = (score > score[label]).sum() + equal
            self.results.append((rank.item(), int(label)))

    def compute_metrics(self, results: list[tuple[int, int]]
                        ) -> dict[str, float]:
        """Percentages from rank and class of all images."""
        ranks, labels = torch.tensor(results).T
        metrics = {f'top{k}': _percent(ranks < k) for k in self.topk}
        if self.classwise:
            names = (self.dataset_meta or {}).get('classes')
            for label in labels.unique().tolist():
                name = names[label] if names else label
                metrics[f'{name}_recall'] = _percent(ranks[labels == label]
                                                     == 0)
        return metrics


def _percent(right: torch.Tensor) -> float:
    return 100 * right.double().mean().item()
