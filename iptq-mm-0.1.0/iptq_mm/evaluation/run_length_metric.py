"""mmdet's CocoMetric on masks whose boxes alone are looked at."""
from collections.abc import Sequence

from mmdet.evaluation.metrics import CocoMetric

from ..models.detectors.program import run_length_masks
from ..registry import METRICS


@METRICS.register_module()
class RunLengthCocoMetric(CocoMetric):
    """The figures of mmdet's ``CocoMetric``, for images so large that its
    encoding of whole masks takes long.

    Args:
        **kwargs: As mmdet's.
    """

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """As mmdet's, with masks already in run-length form."""
        samples = []
        for sample in data_samples:
            found = dict(sample['pred_instances'])
            if 'masks' in found:
                found['masks'] = run_length_masks(
                    found['masks'].cpu(), found['bboxes'].cpu())
            samples.append(dict(sample, pred_instances=found))
        super().process(data_batch, samples)
