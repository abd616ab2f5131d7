"""mmdet's detectors whose test is one integer program.

Their children are those of mmdet's detectors with integer parts, and hold all
that is saved. A test runs the program that the parts make: from the image to
boxes, scores, labels and masks without a float; only the results become
mmdet's floats, and masks of the whole image.
"""
from collections.abc import Callable, Sequence

from mmdet.models.detectors import SingleStageDetector, TwoStageDetector
from mmdet.structures import DetDataSample
from torch import Tensor, nn

from ...compat import zip_strict
from ...registry import MODELS
from .part import IntPart
from .program import IntOneStage, IntRCNN, ScoreSoftmax, Sizes, instances
from .program.assemble import assemble_one_stage, assemble_rcnn


@MODELS.register_module()
class IntTwoStageDetector(TwoStageDetector):
    """Faster, Mask or Cascade R-CNN on integers.

    Args:
        softmax (str): Candidate of kind ``softmax`` for the class scores.
            Defaults to ``'table_softmax'``.
        **kwargs: As mmdet's ``TwoStageDetector``, whose parts are integer.
    """

    def __init__(self, softmax: str = 'table_softmax', **kwargs):
        super().__init__(**kwargs)
        self.score_softmax = ScoreSoftmax(softmax)

    def integer_program(self) -> IntRCNN:
        """See :func:`program_of`."""
        return program_of(self, assemble_rcnn)

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        forget_program(self)
        super()._load_from_state_dict(*args, **kwargs)

    def predict(self,
                batch_inputs: Tensor,
                batch_data_samples: Sequence[DetDataSample],
                rescale: bool = True) -> Sequence[DetDataSample]:
        """See :func:`detected`."""
        return detected(self, batch_inputs, batch_data_samples, rescale,
                        self.test_cfg.rcnn.get('mask_thr_binary', 0.5))


@MODELS.register_module()
class IntSingleStageDetector(SingleStageDetector):
    """RetinaNet on integers.

    Args:
        softmax (str): Candidate of kind ``softmax`` for the class scores,
            sigmoid being that of a logit and 0. Defaults to
            ``'table_softmax'``.
        **kwargs: As mmdet's ``SingleStageDetector``, whose parts are integer.
    """

    def __init__(self, softmax: str = 'table_softmax', **kwargs):
        super().__init__(**kwargs)
        self.score_softmax = ScoreSoftmax(softmax)

    def integer_program(self) -> IntOneStage:
        """See :func:`program_of`."""
        return program_of(self, assemble_one_stage)

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        forget_program(self)
        super()._load_from_state_dict(*args, **kwargs)

    def predict(self,
                batch_inputs: Tensor,
                batch_data_samples: Sequence[DetDataSample],
                rescale: bool = True) -> Sequence[DetDataSample]:
        """See :func:`detected`."""
        return detected(self, batch_inputs, batch_data_samples, rescale, 0.5)


def integer_parts(detector: nn.Module) -> dict[str, IntPart]:
    """Neck and heads of an integer detector, by the part's name."""
    return {
        name: module.layers
        for name, module in detector.named_modules()
        if isinstance(getattr(module, 'layers', None), IntPart)
    }


def program_of(detector: nn.Module,
               assemble: Callable[..., nn.Module]) -> nn.Module:
    """The program of a detector, put together when it is first asked for.

    It shares the modules of the detector and is none of them: what is saved
    and loaded are the parts.

    Args:
        detector (nn.Module): With ``score_softmax``.
        assemble (Callable): Of ``program/assemble.py``.

    Raises:
        TypeError: If a step of the detector has no integer form.
    """
    device = detector.score_softmax.params.device
    known, program = vars(detector).get('_program', (None, None))
    if known != device:  # constants of its own do not move with the detector
        program = assemble(detector, integer_parts(detector),
                           detector.score_softmax).to(device)
        vars(detector)['_program'] = device, program
    return program


def forget_program(detector: nn.Module) -> None:
    """Have it put together anew: its constants are of other parts."""
    vars(detector).pop('_program', None)


def detected(detector: nn.Module, batch_inputs: Tensor,
             batch_data_samples: Sequence[DetDataSample], rescale: bool,
             mask_threshold: float) -> Sequence[DetDataSample]:
    """What mmdet's ``predict`` gives, by the program.

    Args:
        detector (nn.Module): With ``integer_program``.
        batch_inputs (Tensor): float32 or uint8 [B, C, H, W], as the backbone
            takes it.
        batch_data_samples (Sequence[DetDataSample]): With ``img_shape`` and
            ``ori_shape``.
        rescale (bool): Whether boxes are those of the original images.
        mask_threshold (float): Least probability of a pixel of a mask.

    Returns:
        Sequence[DetDataSample]: With ``pred_instances``.
    """
    sizes = [
        Sizes(tuple(sample.img_shape[:2]), tuple(sample.ori_shape[:2]))
        for sample in batch_data_samples
    ]
    found = detector.integer_program()(
        detector.backbone.quantize(batch_inputs), sizes, rescale)
    return detector.add_pred_to_datasample(list(batch_data_samples), [
        instances(one, *(size.original if rescale else size.inside),
                  mask_threshold)
        for one, size in zip_strict(found, sizes)
    ])
