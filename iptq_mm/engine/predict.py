"""Images through a saved integer model, and pictures of what it sees."""
from collections.abc import Iterable, Sequence
from pathlib import Path

import mmcv
from mmdet.apis import inference_detector
from mmengine.structures import InstanceData
from PIL import Image
from rich.console import Console
from rich.progress import track
from torch import nn

from ..visualization.detections import draw_detections
from .artifact.load import load
from .atomic import atomic_file
from .detections_file import coco_entries
from .errors import UserError
from .inputs.preflight import check_folder
from .report.report import save_json

NAMED = 5
"""At most as many files are named in one message."""


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
            zip(found, drawn, strict=True), 'detecting', len(found),
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


def find_images(sources: Iterable[str | Path]) -> list[Path]:
    """Image files, each decoded once to be sure that it can be.

    Args:
        sources (Iterable[str | Path]): Files, and folders whose image files
            are all taken (by suffix, in the order of their names).

    Returns:
        list[Path]: In the order of the sources, none twice.

    Raises:
        UserError: Naming what is missing, broken or empty, or two images
            whose pictures would have one name.
    """
    images: dict[Path, None] = {}
    faults = []
    for source in map(Path, sources):
        if source.is_dir():
            found = _images_in(source)
            images.update(dict.fromkeys(found))
            if not found:
                faults.append(f'{source} (a folder without images)')
        elif source.exists():
            images[source] = None
        else:
            faults.append(f'{source} (not there)')
    faults += [f'{path} ({fault})' for path in images
               if (fault := _fault(path))]
    if faults:
        more = f' and {len(faults) - NAMED} more' * (len(faults) > NAMED)
        raise UserError(f'these images cannot be read: '
                        f'{", ".join(faults[:NAMED])}{more}. Nothing was '
                        f'drawn; leave them out or replace them.')
    _check_names(images)
    return list(images)


def _images_in(folder: Path) -> list[Path]:
    suffixes = Image.registered_extensions()
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in suffixes)


def _fault(path: Path) -> str | None:
    """Why an image cannot be read; None if it can."""
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, SyntaxError, ValueError) as error:
        return str(error).removesuffix(f' {str(path)!r}')
    return None if mmcv.imread(path) is not None else 'OpenCV cannot read it'


def _check_names(images: Iterable[Path]) -> None:
    first: dict[str, Path] = {}
    for path in images:
        other = first.setdefault(path.stem, path)
        if other is not path:
            raise UserError(f'{other} and {path} would both be drawn as '
                            f'{path.stem}.png. Draw them in two runs.')


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
