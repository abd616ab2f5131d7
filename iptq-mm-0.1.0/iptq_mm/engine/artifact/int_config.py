"""``int_config.py``: a config that builds the integer model as it is."""
from __future__ import annotations

from pathlib import Path

from mmengine.config import Config, ConfigDict

from ..atomic import atomic_file
from ..inputs.config import without_ptq_hook

_TRAINING = ('train_dataloader', 'train_cfg', 'train_pipeline',
             'optim_wrapper', 'param_scheduler', 'auto_scale_lr', 'resume',
             'work_dir', 'launcher', 'calib_dataloader')


def int_config(config: Config, model: ConfigDict, checkpoint: str) -> Config:
    """The config of a quantized model: no calibration, no base files.

    Args:
        config (Config): The resolved float config with its ``PTQHook``.
        model (ConfigDict): The integer model, see ``int_model_config``.
        checkpoint (str): File name of the integer model, in the folder that
            the config will lie in.

    Returns:
        Config: For mmdet's ``tools/test.py`` and ``init_detector``. Keys
        that only training or calibration reads are left out.
    """
    result = without_ptq_hook(config)
    for key in _TRAINING:
        result.pop(key, None)
    result.model = model
    imports = result.get('custom_imports', dict(imports=[]))
    if 'iptq_mm' not in imports['imports']:
        imports = dict(imports, imports=[*imports['imports'], 'iptq_mm'])
    result.custom_imports = imports
    result.custom_hooks = [
        *result.custom_hooks, dict(type='iptq_mm.IntModelCheckHook')
    ]
    # mmengine fills in the folder of the file that it parses.
    result.load_from = '{{ fileDirname }}/' + checkpoint
    return result


def save_int_config(path: str | Path, config: Config) -> None:
    """Write a config as a file that stands alone, whole or not at all.

    Raises:
        UserError: If it cannot be written.
    """
    with atomic_file(path) as temporary:
        temporary.write_text(
            '# An integer model, written by tools/ptq.py; needs iptq_mm.\n' +
            config.pretty_text)
