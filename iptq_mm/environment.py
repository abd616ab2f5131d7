"""What must be installed before anything of the package can run, and what
other packages say on being imported that is not the user's business."""
import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional


@lru_cache(None)
def has_mmdet() -> bool:
    """Whether mmdet is installed. Without it there are classifiers alone, and
    nothing imports mmdet or mmcv."""
    return importlib.util.find_spec('mmdet') is not None


def is_detector(model: Any) -> bool:
    """Whether a model is one of mmdet's detectors."""
    if not has_mmdet():
        return False
    from mmdet.models.detectors.base import BaseDetector
    return isinstance(model, BaseDetector)


def is_detection(sample: Any) -> bool:
    """Whether a data sample is one of mmdet's, not a classifier's."""
    if not has_mmdet():
        return False
    from mmdet.structures import DetDataSample
    return isinstance(sample, DetDataSample)


def require_compiled_mmcv() -> None:
    """Refuse an mmcv without compiled operators, if there is an mmdet.

    Raises:
        ImportError: Naming what is missing and what to install.
    """
    if not has_mmdet():
        return
    if importlib.util.find_spec('mmcv') is None:
        raise ImportError(
            'mmdet needs mmcv with compiled operators, and there is no mmcv: '
            'install mmcv >= 2.0 (see README.md)')
    if importlib.util.find_spec('mmcv._ext') is None:
        raise ImportError(
            'the installed mmcv has no compiled operators (mmcv._ext), so '
            'mmdet cannot run: install a full build of mmcv, or run `make '
            'setup` in the repository of IPTQ-MM, which builds one')


def own_config(name: str) -> Path:
    """The file of a config that comes with the package.

    Args:
        name (str): After ``iptq_mm::``, as ``iptq_swin_t_maskrcnn.py``.

    Raises:
        FileNotFoundError: Naming the nearest that there is.
    """
    folder = Path(__file__).parent / '.mim' / 'configs'
    path = folder / name
    if not path.is_file():
        known = [str(file.relative_to(folder))
                 for file in folder.glob('**/*.py')]
        near = get_close_matches(name, known, n=1, cutoff=0)
        raise FileNotFoundError(
            f'iptq_mm has no config {name}. The nearest is '
            f'iptq_mm::{near[0]}.' if near else
            f'{folder} is not there: install iptq_mm by pip, not by copying '
            f'its modules.')
    return path


def find_own_configs() -> None:
    """Have mmengine find ``iptq_mm::NAME.py``, also as a ``_base_``. It knows
    the packages of OpenMMLab alone, and wants a folder in the name."""
    from mmengine.config import Config
    others = Config._get_cfg_path

    def located(cfg_path: str,
                filename: str) -> tuple[str, Optional[str]]:
        package, _, name = cfg_path.partition('::')
        if package != 'iptq_mm':
            return others(cfg_path, filename)
        return str(own_config(name)), None

    Config._get_cfg_path = staticmethod(located)


@contextmanager
def quiet_imports() -> Iterator[None]:
    """Import mmdet without what it says of optional packages.

    It reports a missing OneDL at the level of debugging, by a function that
    prints whatever the level is; and it warns of a missing
    ``faster_coco_eval`` whether that is used or not (then its metric fails,
    and says so). With torch 2.4, mmengine imports what torch will drop.
    """
    from mmengine import logging as mmengine_logging
    print_log = mmengine_logging.print_log

    def print_above_debug(msg: Any, logger: Any = None,
                          level: int = logging.INFO) -> None:
        if logger is not None or level > logging.DEBUG:
            print_log(msg, logger, level)

    warnings.filterwarnings('ignore',
                            message='faster_coco_eval is not installed')
    # It asks for no filter; mmengine does without it where it is not there.
    with warnings.catch_warnings(record=True), suppress(ImportError):
        importlib.import_module('torch.distributed.optim')
    mmengine_logging.print_log = print_above_debug
    try:
        yield
    finally:
        mmengine_logging.print_log = print_log
