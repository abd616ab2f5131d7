"""Find objects in images with an integer-only ONNX file, without PyTorch.

Needs numpy, onnxruntime and opencv-python-headless (requirements.txt).
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from classify import UserError, metadata, open_model

COLOURS = ((75, 25, 230), (75, 180, 60), (25, 225, 255), (200, 130, 0),
           (48, 130, 245), (180, 30, 145), (240, 240, 70), (230, 50, 240))
"""BGR; the next detection has the next one."""


def describe(session: onnxruntime.InferenceSession) -> dict[str, Any]:
    """What the file says about itself.

    Raises:
        UserError: If it says nothing, or is no whole detector of pixels.
    """
    description = metadata(session)
    names = [port['name'] for port in description['inputs']]
    if description['part'] != 'detector' or names[0] != 'pixels':
        raise UserError('the file is no detector that takes pixels: export '
                        'one that was quantized with scope=all and '
                        'input=uint8, the defaults of tools/ptq.py')
    return description


def read(path: str | Path) -> np.ndarray:
    """An image file as uint8 [H, W, 3], BGR.

    Raises:
        UserError: If there is none, or it is no image.
    """
    try:
        return decoded(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise UserError(f'{path} cannot be read: {error}') from error


def decoded(content: bytes, name: str) -> np.ndarray:
    """The content of an image file as uint8 [H, W, 3], BGR.

    Raises:
        UserError: If it is no image, or has no pixels.
    """
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8),
                             cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise UserError(f'{name} cannot be read: {error}') from error
    if image is None:
        raise UserError(f'{name} is no image, or is damaged')
    return image


def scaled(image: np.ndarray, description: dict[str, Any]) -> np.ndarray:
    """As large as the detector's test images were, if the file says so."""
    if not description['resize']:
        return image
    height, width = image.shape[:2]
    longest, shortest = description['resize']['scale']
    factor = min(longest / max(height, width), shortest / min(height, width))
    return cv2.resize(
        image, (int(width * factor + 0.5), int(height * factor + 0.5)))


def detect(session: onnxruntime.InferenceSession,
           description: dict[str, Any],
           image: np.ndarray) -> dict[str, np.ndarray]:
    """Integers in, integers out.

    Args:
        session: Of the file.
        description (dict): Of the file.
        image (np.ndarray): uint8 [H, W, 3], BGR.

    Returns:
        dict: ``boxes`` int32 [N, 4] in 256ths of a pixel of the image,
        ``scores`` int32 [N] with 30 fractional bits, ``labels`` int64 [N],
        and of a detector with masks ``masks`` bool [N, H, W].

    Raises:
        UserError: If the file is not for images of this size.
    """
    pixels = scaled(image, description)
    if description['normalization']['channels'] == 'RGB':
        pixels = pixels[..., ::-1]
    try:
        outputs = session.run(None, dict(
            pixels=np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]),
            size=np.array(image.shape[:2], np.int64)))
    except Exception as error:  # its errors have no class in common
        raise UserError(f'an image of {image.shape[0]} x {image.shape[1]} '
                        f'pixels: {error}') from error
    names = [port['name'] for port in description['outputs']]
    return dict(zip(names, outputs))


def draw(image: np.ndarray, found: dict[str, np.ndarray],
         description: dict[str, Any], least: int) -> np.ndarray:
    """The image with what was found in it.

    Args:
        image (np.ndarray): uint8 [H, W, 3], BGR.
        found (dict): Of :func:`detect`.
        description (dict): Of the file.
        least (int): Score of what is drawn, 30 fractional bits.
    """
    picture = image.copy()
    classes = description['classes'] or []
    # The best are drawn last, above the others.
    for i in reversed(np.flatnonzero(found['scores'] >= least)):
        label = int(found['labels'][i])
        colour = COLOURS[i % len(COLOURS)]
        if 'masks' in found:
            inside = found['masks'][i]
            picture[inside] = picture[inside] // 2 + np.array(
                colour, np.uint8) // 2
        left, top, right, bottom = (found['boxes'][i] >> 8).tolist()
        cv2.rectangle(picture, (left, top), (right, bottom), colour, 1)
        name = classes[label] if label < len(classes) else str(label)
        cv2.putText(picture, f'{name} {found["scores"][i] / 2**30:.2f}',
                    (left, max(top - 2, 8)), cv2.FONT_HERSHEY_SIMPLEX, 0.35,
                    colour, 1, cv2.LINE_AA)
    return picture


def rows(found: dict[str, np.ndarray], least: int) -> list[str]:
    """Label, score, box and number of pixels of each detection, integers."""
    return [
        ' '.join(map(str, (
            found['labels'][i], found['scores'][i], *found['boxes'][i],
            found['masks'][i].sum() if 'masks' in found else 0)))
        for i in np.flatnonzero(found['scores'] >= least)
    ]


def parse_args(args=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog='Prints a line for each detection, all '
        'integers: label, score with 30 fractional bits, box (x1, y1, x2, y2) '
        'in 256ths of a pixel, number of pixels of its mask.')
    parser.add_argument('model', help='file of tools/export.py')
    parser.add_argument('images', nargs='+', metavar='IMAGE')
    parser.add_argument(
        '--out', type=Path, metavar='DIR',
        help='write each image with its detections as DIR/NAME.png')
    parser.add_argument(
        '--threshold', type=float, default=0.3, metavar='P',
        help='score of what is printed and drawn (default: %(default)s)')
    parser.add_argument(
        '--library', metavar='FILE',
        help='libiptq.so: the same integers at the speed of its kernels')
    return parser.parse_args(args)


def main(args=None) -> int:
    args = parse_args(args)
    least = int(args.threshold * 2**30)
    try:
        session = open_model(args.model, args.library)
        description = describe(session)
        for path in args.images:
            image = read(path)
            found = detect(session, description, image)
            print(path, *rows(found, least), sep='\n')
            if args.out:
                args.out.mkdir(parents=True, exist_ok=True)
                target = args.out / f'{Path(path).stem}.png'
                picture = draw(image, found, description, least)
                if not cv2.imwrite(str(target), picture):
                    raise UserError(f'{target} cannot be written')
    except UserError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
