"""Data sets: generated images, and labelled images in a folder or tar."""
from .images import TimmImageDataset
from .shapes import ShapesDataset

__all__ = ['ShapesDataset', 'TimmImageDataset']
