"""Runs a saved integer model in a process of its own: prints the instruction
sets, the one that runs, and a digest of the model's integers.

    run_saved_model.py FILE    (a pickled dict of model and images)
"""
import hashlib
import sys

import torch

from iptq_mm.ops import native


def digest(model, images):
    """SHA-256 of a classifier's logits."""
    with torch.no_grad():
        logits = model(images)
    return hashlib.sha256(logits.numpy().tobytes()).hexdigest()


if __name__ == '__main__':
    saved = torch.load(sys.argv[1], weights_only=False)
    print(*native.isas())
    print(native.isa(), digest(saved['model'], saved['images']))
