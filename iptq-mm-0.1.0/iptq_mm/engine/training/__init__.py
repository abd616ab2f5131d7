"""Helpers to train bundled checkpoints; quantizing needs none of them."""
