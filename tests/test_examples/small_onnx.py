"""A small integer classifier as a file, made by hand."""
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.model import ImgDataPreprocessor

from iptq_mm.lowering.pixels import from_pixels
from iptq_mm.models import ImgPixelDataPreprocessor

from classifiers import float_vit, images, integer_twin

EXAMPLES = Path(__file__).parents[2] / 'examples'
CLASSES = [f'class {index}' for index in range(7)]
SIDE = 8
DESCRIPTION = dict(
    format=1,
    part='backbone',
    inputs=[dict(name='image', scale=0.0186, layout='NCHW')],
    outputs=[dict(name='logits', scale=2.0**-12, layout='NC')],
    size=[SIDE, SIDE],
    normalization=dict(
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        channels='RGB'),
    resize=dict(crop_pct=0.9, interpolation='bicubic'),
    classes=CLASSES)
"""As tools/export.py writes it, but for what no example reads."""


def save_model(path, **settings):
    """One integer linear layer.

    Args:
        **settings: Entries of the description that differ.

    Returns:
        tuple[np.ndarray, np.ndarray]: Weight int8 [192, 7], bias int32 [7];
        the logits are int16.
    """
    onnx = pytest.importorskip('onnx')
    rng = np.random.default_rng(0)
    weight = rng.integers(-20, 21, (3 * SIDE**2, len(CLASSES)), dtype=np.int8)
    bias = rng.integers(-1000, 1000, len(CLASSES), dtype=np.int32)
    graph = onnx.parser.parse_graph(f'''
        g (int8[B, 3, {SIDE}, {SIDE}] image)
        => (int16[B, {len(CLASSES)}] logits) {{
            flat = Flatten(image)
            product = MatMulInteger(flat, weight)
            sum = Add(product, bias)
            logits = Cast<to = 5>(sum)
        }}''')
    graph.initializer.extend([
        onnx.numpy_helper.from_array(weight, 'weight'),
        onnx.numpy_helper.from_array(bias, 'bias')
    ])
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid('', 17)], ir_version=8)
    onnx.helper.set_model_props(
        model, dict(iptq_mm=json.dumps({**DESCRIPTION, **settings})))
    onnx.save(model, path)
    return weight, bias


def integer_classifier(kind):
    """A seeded integer ViT with its data preprocessor.

    Args:
        kind (str): What it takes, ``'normalized'`` images or ``'uint8'``.
    """
    model = torch.nn.Module()
    normalization = DESCRIPTION['normalization']
    normalizing = ImgDataPreprocessor(normalization['mean'],
                                      normalization['std'])
    if kind == 'normalized':
        model.data_preprocessor = normalizing
        model.backbone = integer_twin(float_vit(), images())
    else:
        model.data_preprocessor = ImgPixelDataPreprocessor()
        model.backbone = integer_twin(
            from_pixels(float_vit(), normalizing),
            (50 * images() + 128).clamp(0, 255).byte())
    return model


def save_image(path, width=31, height=23, seed=0):
    image = pytest.importorskip('PIL.Image')
    pixels = np.random.default_rng(seed).integers(
        0, 256, (height, width, 3), dtype=np.uint8)
    image.fromarray(pixels).save(path)


def printed(output):
    """(index, integer logit) of each line that an example printed for a
    class."""
    rows = [line.split() for line in output.splitlines()]
    return [(int(row[0]), int(row[1])) for row in rows
            if len(row) > 2 and row[0].isdigit()]
