"""Train a linear probe on the features of a config's float network.

The features are those before the classifier, of the calibration images (all
of them, or --num-images). Of the weight decays that are tried the one with
the best accuracy on a tenth of the images is taken.
"""
import argparse

import torch
from mmengine.config import DictAction
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import Tensor
from torch.nn import functional as F

from iptq_mm.engine.atomic import atomic_file
from iptq_mm.engine.config import load_config, ptq_hook_config
from iptq_mm.models import TimmClassifier
from iptq_mm.registry import MODELS

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config with a PTQHook')
    parser.add_argument('out', help='checkpoint of the probe to write')
    parser.add_argument('--num-images', type=int, default=10000)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    args = parser.parse_args()
    config = load_config(args.config, args.cfg_options)
    init_default_scope(config.get('default_scope', 'mmengine'))
    loader = ptq_hook_config(config).calib_dataloader
    loader.dataset.num_images, loader.batch_size = args.num_images, 50
    config.model.backbone.probe = None
    model = MODELS.build(config.model).eval()
    weights = probe(*features(model, Runner.build_dataloader(loader, 0)))
    with atomic_file(args.out) as temporary:
        torch.save(weights, temporary)


if __name__ == '__main__':
    main()
