"""Data sets: generated images, and labelled images in a folder or tar."""
from .images import TimmImageDataset
from .shapes import ShapesDataset
from .single_shapes import SingleShapesDataset

__all__ = ['ShapesDataset', 'SingleShapesDataset', 'TimmImageDataset']
