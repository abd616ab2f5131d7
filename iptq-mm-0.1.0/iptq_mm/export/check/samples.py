"""Images to compare a file and its model on."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from ...engine.errors import UserError
from ...engine.inputs.images import find_images
from ...environment import has_mmdet
from ...models import TimmClassifier

if has_mmdet():
    import mmcv
    from mmdet.apis import inference_detector


class Batch(NamedTuple):
    """Some images.

    Args:
        size (int): How many.
        run (Callable): Runs the model on them; gives its data samples, for a
            classifier with ``gt_label`` where that is known.
    """
    size: int
    run: Callable[[], list]


def batches(model: nn.Module, sources: Sequence[str | Path], count: int,
            batch_size: int) -> Iterator[Batch]:
    """The first images of some sources.

    Args:
        model (nn.Module): As ``iptq_mm.load`` gives it.
        sources (Sequence[str | Path]): For a detector image files and
            folders; for a classifier one folder or tar, as its dataset reads
            it. Empty for those of the config's ``test_dataloader``.
        count (int): At most so many images.
        batch_size (int): At most so many at once.

    Raises:
        UserError: If there are no images, or they cannot be read.
    """
    if sources and not isinstance(model, TimmClassifier):
        for path in find_images(sources)[:count]:
            yield Batch(1, partial(_detect, model, str(path)))
        return
    loader = _dataloader(model, sources, batch_size)
    left = count
    for data in loader:
        data = {key: value[:left] for key, value in data.items()}
        size = len(data['inputs'])
        yield Batch(size, partial(model.test_step, data))
        left -= size
        if not left:
            return


def _detect(model: nn.Module, path: str) -> list:
    return [inference_detector(model, mmcv.imread(path))]  # BGR, as mmdet's


def _dataloader(model: nn.Module, sources: Sequence[str | Path],
                batch_size: int) -> DataLoader:
    config = model.cfg.get('test_dataloader')
    if config is None:
        raise UserError('the config has no test_dataloader: name the images.')
    config = config.copy()
    config.update(
        batch_size=batch_size, num_workers=0, persistent_workers=False)
    if len(sources) > 1:
        raise UserError('a classifier takes its images from one folder or '
                        'tar, as its dataset reads it.')
    if sources and not Path(sources[0]).exists():
        raise UserError(f'the images {sources[0]} are not there.')
    if sources:
        config.dataset.data_root = str(sources[0])
        config.dataset.pop('num_images', None)
    try:
        return Runner.build_dataloader(config, seed=0)
    except (RuntimeError, AssertionError, ValueError, OSError) as error:
        raise UserError(f'the images cannot be read: {error}') from error
