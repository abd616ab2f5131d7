"""The random numbers of a generated image: its own, whatever the order."""
from typing import List, Tuple

import numpy as np

SPLITS = ('train', 'val')


def scene_key(seed: int, split: str, index: int) -> Tuple[int, int, int]:
    """The seed of one image: two images of different splits never share it.

    Args:
        seed (int): The data set's seed, in [0, 2^32).
        split (str): One of ``SPLITS``.
        index (int): The image's index in its split, in [0, 2^32).

    Returns:
        tuple: Entropy for ``np.random.SeedSequence``. Each part is one 32-bit
        word of it, so that different keys are different entropy.
    """
    if split not in SPLITS:
        raise ValueError(f"split '{split}' is none of {', '.join(SPLITS)}")
    if not (0 <= seed < 2**32 and 0 <= index < 2**32):
        raise ValueError(
            f'seed {seed} or index {index} lies outside of [0, 2^32)')
    return seed, SPLITS.index(split), index


def generators(key: Tuple[int, int, int]) -> List[np.random.Generator]:
    """One generator for where the figures lie and one for their looks."""
    children = np.random.SeedSequence(key).spawn(2)
    return [np.random.Generator(np.random.PCG64(child)) for child in children]
