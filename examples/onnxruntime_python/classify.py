"""Classify images with an integer-only ONNX file, without PyTorch.

Needs numpy, onnxruntime and pillow (requirements.txt).
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image


class UserError(Exception):
    """Something that the user can mend; the message says how."""


def open_model(path: str, library: str | None = None,
               threads: int = 0) -> onnxruntime.InferenceSession:
    """Load a file that ``tools/export.py`` of IPTQ-MM wrote.

    Args:
        path (str): The file.
        library (str, optional): Kernels of IPTQ-MM, which give the same
            integers faster. Defaults to None.
        threads (int): Defaults to 0, all processors.

    Raises:
        UserError: If there is none, or it is no ONNX file, or they do not
            fit.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.intra_op_num_threads = threads
    try:
        if library is not None:
            options.register_custom_ops_library(library)
        return onnxruntime.InferenceSession(
            path, options, providers=['CPUExecutionProvider'])
    except Exception as error:  # its errors have no class in common
        raise UserError(f'{path} cannot be loaded: {error}') from error


def metadata(session: onnxruntime.InferenceSession) -> dict[str, Any]:
    """What the file says about itself.

    Raises:
        UserError: If it says nothing.
    """
    properties = session.get_modelmeta().custom_metadata_map
    if 'iptq_mm' not in properties:
        raise UserError('the file has no metadata iptq_mm: write it with '
                        'tools/export.py')
    return json.loads(properties['iptq_mm'])


def describe(session: onnxruntime.InferenceSession) -> dict[str, Any]:
    """What the file says about its own input and outputs.

    Raises:
        UserError: If it says nothing, or is no classifier.
    """
    description = metadata(session)
    names = [output['name'] for output in description['outputs']]
    if names != ['logits']:
        raise UserError(f'the file gives {", ".join(names)}, not logits: '
                        f'export a classifier')
    if description['normalization'] is None:
        raise UserError('the file does not say how images are normalized: '
                        'export the int_config.py of tools/ptq.py')
    return description


def middle(image: Image.Image, height: int, width: int, crop_pct: float,
           interpolation: str) -> Image.Image:
    """Scale and cut as timm does: the shorter side becomes H / crop_pct."""
    shorter, target = min(image.size), int(height / crop_pct)
    scaled = [side * target // shorter for side in image.size]
    image = image.resize(scaled, Image.Resampling[interpolation.upper()])
    left, top = (round((a - b) / 2) for a, b in zip(scaled, (width, height)))
    return image.crop((left, top, left + width, top + height))


def prepare(path: str, description: dict[str, Any]) -> np.ndarray:
    """Read an image, scale and cut it where the file says how.

    Args:
        path (str): Image file.
        description (dict): Of the file.

    Returns:
        np.ndarray: uint8 [1, 3, H, W], RGB.

    Raises:
        UserError: If it is no image, or of another size where the file does
            not say how to scale it.
    """
    try:
        image = Image.open(path).convert('RGB')
    except OSError as error:
        raise UserError(f'{path} cannot be read: {error}') from error
    height, width = description['size']
    if description['resize']:
        image = middle(image, height, width, **description['resize'])
    if image.size != (width, height):
        raise UserError(f'{path} is {image.height} x {image.width} pixels, '
                        f'the model takes {height} x {width}')
    return np.asarray(image).transpose(2, 0, 1)[None]


def feed(pixels: np.ndarray,
         description: dict[str, Any]) -> dict[str, np.ndarray]:
    """What the model takes of an image, by the name of its input: the pixels
    themselves, or what they are quantized to.

    Args:
        pixels (np.ndarray): uint8 [B, 3, H, W].
        description (dict): Of the file.
    """
    name = description['inputs'][0]['name']
    return {name: pixels if name == 'pixels' else quantize(pixels,
                                                           description)}


def quantize(pixels: np.ndarray, description: dict[str, Any]) -> np.ndarray:
    """The integers of a normalized image, exactly as IPTQ-MM makes them.

    Each operation is one of float32: fused, or in float64, a pixel may round
    to another integer.

    Args:
        pixels (np.ndarray): uint8 [B, 3, H, W].
        description (dict): Of the file.

    Returns:
        np.ndarray: int8 [B, 3, H, W].
    """
    mean, std = (
        np.array(description['normalization'][key], np.float32)[:, None, None]
        for key in ('mean', 'std'))
    inverse = np.float32(1 / description['inputs'][0]['scale'])
    x = (pixels.astype(np.float32) - mean) / std
    q = np.floor(x * inverse + np.float32(0.5))
    return q.clip(-127, 127).astype(np.int8)


def table(logits: np.ndarray, top: int, description: dict[str, Any]) -> str:
    """A line for each of the first classes: index, integer, softmax, name.

    Args:
        logits (np.ndarray): Integers [N].
        top (int): Number of lines.
        description (dict): Of the file.
    """
    logits = logits.astype(np.int64)
    scale = description['outputs'][0]['scale']
    shares = np.exp((logits - logits.max()) * scale)
    shares /= shares.sum()
    names = description['classes'] or [''] * len(logits)
    return '\n'.join(
        f'{index:6d} {logits[index]:8d} {shares[index]:8.4f}  {names[index]}'
        for index in np.argsort(-logits, kind='stable')[:top])


def parse_args(args=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', help='file of tools/export.py')
    parser.add_argument('images', nargs='+', metavar='IMAGE')
    parser.add_argument(
        '--top', type=int, default=5, metavar='N',
        help='classes to print (default: %(default)s)')
    parser.add_argument(
        '--library', metavar='FILE',
        help='libiptq.so: the same integers at the speed of its kernels')
    parser.add_argument(
        '--ppm-dir', type=Path, metavar='DIR',
        help='also write each image, scaled and cut, as NAME.ppm')
    return parser.parse_args(args)


def main(args=None) -> int:
    args = parse_args(args)
    try:
        session = open_model(args.model, args.library)
        description = describe(session)
        for path in args.images:
            pixels = prepare(path, description)
            if args.ppm_dir:
                Image.fromarray(pixels[0].transpose(1, 2, 0)).save(
                    args.ppm_dir / f'{Path(path).stem}.ppm')
            logits, = session.run(None, feed(pixels, description))
            print(path, table(logits[0], args.top, description), sep='\n')
    except UserError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
