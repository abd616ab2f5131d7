"""What must be installed before anything of the package can run."""
import importlib.util


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
