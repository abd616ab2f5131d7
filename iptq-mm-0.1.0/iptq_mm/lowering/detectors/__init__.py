"""Neck and heads of an R-CNN to integer parts."""
