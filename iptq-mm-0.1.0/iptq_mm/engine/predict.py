"""Images through a saved integer model, and pictures of what it sees."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import mmcv
from mmdet.apis import inference_detector
from mmengine.structures import InstanceData
from rich.console import Console
from rich.progress import track
from torch import nn

from ..compat import zip_strict
from ..visualization.detections import draw_detections
from .artifact.load import load
from .atomic import atomic_file
from .detections_file import coco_entries
from .inputs.images import find_images
from .inputs.preflight import check_folder
from .report.report import save_json


def predict(config: str, images: Iterable[str], out_dir: Path,
            checkpoint: str | None, score_thr: float, device: str,
            json: Path | None = None) -> None:
    """What ``tools/predict.py`` does: a picture for each image.

    Args:
        config (str): ``int_config.py``.
        images (Iterable[str]): Files and folders.
        out_dir (Path): Where the pictures go.
        checkpoint (str | None): Instead of the file beside the config.
        score_thr (float): Detections below it are not drawn.
        device (str): Where the model runs.
        json (Path, optional): Where the detections go as well, see
            ``detections_file.py``. Defaults to None, nowhere.

    Raises:
        UserError: If an image, the folder, the model or the device cannot be
            used.
    """
    found = find_images(images)
    check_folder(out_dir, '--out-dir')
    model = load(config, checkpoint, device)
    console = Console()
    if json is not None:
        check_folder(json.parent, '--json')
    drawn = draw_predictions(model, found, out_dir, score_thr)
    entries: list[dict] = []
    for path, (picture, seen) in track(
            zip_strict(found, drawn), 'detecting', len(found),
            console=console):
        count = int((seen.scores > score_thr).sum())
        console.print(f'{picture}: {count} detections above {score_thr}',
                      soft_wrap=True, highlight=False)
        if json is not None:
            entries += coco_entries(seen, path.name,
                                    model.dataset_meta['classes'], score_thr)
    if json is not None:
        save_json(json, entries)
        console.print(f'{json}: {len(entries)} detections', soft_wrap=True,
                      highlight=False)


def draw_predictions(model: nn.Module, images: Sequence[Path], folder: Path,
                     score: float) -> Iterable[tuple[Path, InstanceData]]:
    """Detect and draw, one image at a time.

    Args:
        model (nn.Module): As ``load`` gives it.
        images (Sequence[Path]): Readable image files.
        folder (Path): Where the pictures go; exists.
        score (float): Detections below it are not drawn.

    Yields:
        tuple[Path, InstanceData]: The picture, and all that was detected.
    """
    for path in images:
        image = mmcv.imread(path)  # as mmdet reads it: BGR
        sample = inference_detector(model, image).cpu()
        picture = folder / f'{path.stem}.png'
        with atomic_file(picture) as temporary:
            draw_detections(image[..., ::-1].copy(), {'integer': sample},
                            model.dataset_meta, temporary, score)
        yield picture, sample.pred_instances
