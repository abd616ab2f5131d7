"""What must be installed before anything of the package can run, and what
other packages say on being imported that is not the user's business."""
import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def require_compiled_mmcv() -> None:
    """Refuse an mmcv without compiled operators.

    Raises:
        ImportError: Naming what is missing and what to install.
    """
    if importlib.util.find_spec('mmcv') is None:
        raise ImportError(
            'IPTQ-MM needs mmcv with compiled operators, and there is no '
            'mmcv: install mmcv >= 2.0 and mmdet >= 3.3 (see README.md)')
    if importlib.util.find_spec('mmcv._ext') is None:
        raise ImportError(
            'the installed mmcv has no compiled operators (mmcv._ext), so '
            'mmdet cannot run: install a full build of mmcv, or run `make '
            'setup` in the repository of IPTQ-MM, which builds one')


@contextmanager
def quiet_imports() -> Iterator[None]:
    """Import mmdet without what it says of optional packages.

    It reports a missing OneDL at the level of debugging, by a function that
    prints whatever the level is; and it warns of a missing
    ``faster_coco_eval`` whether that is used or not (then its metric fails,
    and says so).
    """
    from mmengine import logging as mmengine_logging
    print_log = mmengine_logging.print_log

    def print_above_debug(msg: Any, logger: Any = None,
                          level: int = logging.INFO) -> None:
        if logger is not None or level > logging.DEBUG:
            print_log(msg, logger, level)

    warnings.filterwarnings(
        'ignore', message='faster_coco_eval is not installed')
    mmengine_logging.print_log = print_above_debug
    try:
        yield
    finally:
        mmengine_logging.print_log = print_log
