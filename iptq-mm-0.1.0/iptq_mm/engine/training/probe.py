"""A linear probe on the features of a float classifier."""
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import Tensor
from torch.nn import functional as F

from ...models import TimmClassifier
from ...registry import MODELS
from ..atomic import atomic_file
from ..inputs.config import load_config, ptq_hook_config

DECAYS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)


@torch.no_grad()
def features(model: TimmClassifier,
             loader) -> tuple[Tensor, Tensor]:
    """float64 [N, C] before the classifier, and labels int64 [N]."""
    rows, labels = [], []
    for batch in loader:
        data = model.data_preprocessor(batch, False)
        network = model.backbone
        rows.append(
            network.forward_head(
                network.forward_features(data['inputs']), pre_logits=True))
        labels += [sample.gt_label for sample in data['data_samples']]
    return torch.cat(rows).double(), torch.tensor(labels)


def fit(x: Tensor, y: Tensor, decay: float) -> tuple[Tensor, Tensor]:
    """Logistic regression with an L2 penalty on standardized features.

    Args:
        x (Tensor): float64 [N, C].
        y (Tensor): int64 [N].
        decay (float): Of the weights for standardized features.

    Returns:
        tuple[Tensor, Tensor]: weight [classes, C] and bias [classes] for the
        features as they are.
    """
    mean, std = x.mean(0), x.std(0)
    z, classes = (x - mean) / std, int(y.max()) + 1
    weight = torch.zeros(classes, x.shape[1]).double().requires_grad_()
    bias = torch.zeros(classes).double().requires_grad_()
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=300,
                                  line_search_fn='strong_wolfe')

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(F.linear(z, weight, bias), y)
        value = value + decay * weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    weight = weight.detach() / std
    return weight, bias.detach() - weight @ mean


def accuracy(x: Tensor, y: Tensor, weight: Tensor, bias: Tensor) -> float:
    """In percent."""
    return 100 * (F.linear(x, weight, bias).argmax(1) == y).double().mean(
    ).item()


def probe(x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """``weight`` [classes, C] and ``bias`` [classes], float32."""
    held = len(x) // 10
    scores = {
        decay: accuracy(x[:held], y[:held], *fit(x[held:], y[held:], decay))
        for decay in DECAYS
    }
    decay = max(scores, key=scores.get)
    print(f'accuracy on {held} images by weight decay: {scores}')
    weight, bias = fit(x, y, decay)
    return dict(weight=weight.float(), bias=bias.float())


def train_probe(config: str, out: str, num_images: int,
                cfg_options: Mapping[str, Any]) -> None:
    """Train a probe on calibration images and write its checkpoint.

    Args:
        config (str): With a ``PTQHook`` and a ``TimmClassifier``.
        out (str): The file to write.
        num_images (int): Of the calibration set.
        cfg_options (Mapping): Changes of the config.
    """
    parsed = load_config(config, cfg_options)
    init_default_scope(parsed.get('default_scope', 'mmengine'))
    loader = ptq_hook_config(parsed).calib_dataloader
    loader.dataset.num_images, loader.batch_size = num_images, 50
    parsed.model.backbone.probe = None
    model = MODELS.build(parsed.model).eval()
    weights = probe(*features(model, Runner.build_dataloader(loader, 0)))
    with atomic_file(out) as temporary:
        torch.save(weights, temporary)
