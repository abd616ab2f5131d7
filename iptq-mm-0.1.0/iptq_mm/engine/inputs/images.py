"""Image files that a user names."""
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
from PIL import Image

from ..errors import UserError

NAMED = 5
"""At most as many files are named in one message."""


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
    return 'OpenCV cannot read it' if cv2.imread(str(path)) is None else None


def _check_names(images: Iterable[Path]) -> None:
    first: dict[str, Path] = {}
    for path in images:
        other = first.setdefault(path.stem, path)
        if other is not path:
            raise UserError(f'{other} and {path} would both be drawn as '
                            f'{path.stem}.png. Draw them in two runs.')
