"""The check of ``int_model.pth`` inside a stock mmengine run."""
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...registry import HOOKS
from ..inputs.checkpoint import load_weights
from ..quantization.ptq_hook import unwrapped
from .int_model import load_int_model


@HOOKS.register_module()
class IntModelCheckHook(Hook):
    """Refuses a truncated, foreign or ill-fitting ``int_model.pth``.

    mmengine itself only warns of keys that do not fit and would go on with
    the integers that happen to be there. ``int_config.py`` names this hook.
    """

    def before_run(self, runner: Runner) -> None:
        """Check the checkpoint that the runner is about to load.

        Raises:
            UserError: If it is no integer model that fits the config.
        """
        path = runner.cfg.get('load_from')
        if path:
            model = load_int_model(path)
            load_weights(unwrapped(runner.model), model.weights, str(path))
