"""Data sets: generated images, and labelled images in a folder or tar."""
from ..environment import has_mmdet
from .images import TimmImageDataset
from .single_shapes import SingleShapesDataset

__all__ = ['SingleShapesDataset', 'TimmImageDataset']

if has_mmdet():
    from .shapes import ShapesDataset  # noqa: F401
    __all__ += ['ShapesDataset']
