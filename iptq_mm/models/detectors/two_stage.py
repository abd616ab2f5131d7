"""mmdet's Faster, Mask and Cascade R-CNN, detecting on integers."""
from collections.abc import Sequence

from mmdet.models.detectors import TwoStageDetector
from mmdet.structures import DetDataSample
from torch import Tensor, nn

from ...registry import MODELS
from .part import IntPart
from .program import IntRCNN, ScoreSoftmax, Sizes, assemble, instances


def integer_parts(detector: nn.Module) -> dict[str, IntPart]:
    """Neck and heads of an integer detector, by the part's name."""
    return {
        name: module.layers
        for name, module in detector.named_modules()
        if isinstance(getattr(module, 'layers', None), IntPart)
    }


@MODELS.register_module()
class IntTwoStageDetector(TwoStageDetector):
    """A detector of the R-CNN family that is one integer program.

    Its children are those of mmdet's detector with integer parts, and hold
    all that is saved. A test runs the program that they make: from the image
    to boxes, scores, labels and masks without a float; only the results
    become mmdet's floats and masks of the whole image.

    Args:
        softmax (str): Candidate of kind ``softmax`` for the class scores.
            Defaults to ``'table_softmax'``.
        **kwargs: As mmdet's ``TwoStageDetector``, whose parts are integer.
    """

    def __init__(self, softmax: str = 'table_softmax', **kwargs):
        super().__init__(**kwargs)
        self.score_softmax = ScoreSoftmax(softmax)
        self.__dict__['_program'] = None

    def integer_program(self) -> IntRCNN:
        """The program, put together when it is first asked for.

        It shares the modules of the detector and is none of them: what is
        saved and loaded are the parts.

        Raises:
            TypeError: If a step of the detector has no integer form.
        """
        if self._program is None:
            self.__dict__['_program'] = assemble(
                self, self.backbone, integer_parts(self), self.score_softmax)
        return self._program.to(self.score_softmax.params.device)

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        self.__dict__['_program'] = None  # its constants are of other parts
        super()._load_from_state_dict(*args, **kwargs)

    def predict(self,
                batch_inputs: Tensor,
                batch_data_samples: Sequence[DetDataSample],
                rescale: bool = True) -> Sequence[DetDataSample]:
        """As mmdet's.

        Args:
            batch_inputs (Tensor): float32 or uint8 [B, C, H, W], as the
                backbone takes it.
            batch_data_samples (Sequence[DetDataSample]): With ``img_shape``
                and ``ori_shape``.
            rescale (bool): Whether boxes are those of the original images.
                Defaults to True.

        Returns:
            Sequence[DetDataSample]: With ``pred_instances``.
        """
        sizes = [
            Sizes(tuple(sample.img_shape[:2]), tuple(sample.ori_shape[:2]))
            for sample in batch_data_samples
        ]
        found = self.integer_program()(
            self.backbone.quantize(batch_inputs), sizes, rescale)
        threshold = self.test_cfg.rcnn.get('mask_thr_binary', 0.5)
        return self.add_pred_to_datasample(list(batch_data_samples), [
            instances(one, *(size.original if rescale else size.inside),
                      threshold)
            for one, size in zip(found, sizes, strict=True)
        ])
