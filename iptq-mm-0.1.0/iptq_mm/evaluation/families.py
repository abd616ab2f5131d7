"""Homogeneous assignments: the functions of one paper in every layer."""
from collections.abc import Mapping

FAMILIES = dict(
    i_bert=dict(
        gelu='i_gelu', softmax='i_softmax', layernorm='i_layernorm'),
    i_vit=dict(
        gelu='shift_gelu', softmax='shiftmax', layernorm='i_layernorm'),
    # FQ-ViT leaves GELU in floating point; the table stands for that.
    fq_vit=dict(
        gelu='table_gelu',
        softmax='log_int_softmax',
        layernorm='ptf_layernorm'),
    iptq=dict(
        gelu='poly_gelu', softmax='bit_softmax', layernorm='i_layernorm'),
    tables=dict(
        gelu='table_gelu', softmax='table_softmax', layernorm='i_layernorm'))
"""Candidate of each kind, by family."""

PAPER_CANDIDATES = dict(
    gelu=['i_gelu', 'poly_gelu', 'shift_gelu'],
    softmax=['bit_softmax', 'i_softmax', 'shiftmax'],
    layernorm=['i_layernorm'])
"""What the Unified Metric chooses from in IPTQ-ViT (arXiv:2511.15369)."""


def homogeneous(family: str, kinds: Mapping[str, str]) -> dict[str, str]:
    """The assignment of a family.

    Args:
        family (str): Name in ``FAMILIES``.
        kinds (Mapping[str, str]): Kind of every non-linear layer.

    Returns:
        dict[str, str]: Candidate by layer.
    """
    return {layer: FAMILIES[family][kind] for layer, kind in kinds.items()}
