"""Data sets that need no files."""
from .shapes import ShapesDataset

__all__ = ['ShapesDataset']
