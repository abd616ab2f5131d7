"""The GELU layer where replacing the function costs most."""
from ...engine.inputs.options import PTQOptions
from ...evaluation.activations import (
    Activations,
    activations,
    layer_sensitivity,
)
from .calibrated import calibrate

PROBE = 'i_gelu'
"""The candidate that tells how sensitive a GELU layer is: I-BERT's."""

PAPER = 'poly_gelu'
"""IPTQ-ViT's, shown whichever is assigned."""


def most_sensitive_gelu(
        options: PTQOptions) -> tuple[dict[str, float], Activations]:
    """Find the most sensitive GELU layer, and look into it.

    It is the layer that, as the only one that runs I-BERT's ``i_gelu`` in
    integers while all else is float, leaves the backbone's outputs the
    lowest SQNR.

    Args:
        options (PTQOptions): Which model, calibrated how.

    Returns:
        tuple: That SQNR in dB by GELU layer; and input and outputs of the
        most sensitive one, in all channels but the outliers, by ``float``,
        ``i_gelu``, ``poly_gelu`` and the candidate that the config assigns to
        it.

    Raises:
        UserError: For input that cannot be worked with.
    """
    work = calibrate(options)
    subject = work.subject
    gelus = {
        layer: some
        for layer, some in subject.candidates(work.hook.fit).items()
        if PROBE in some
    }
    sensitivity = layer_sensitivity(
        work.sqnr, subject.layers,
        {layer: some[PROBE] for layer, some in gelus.items()})
    worst = min(sensitivity, key=sensitivity.get)
    ours = work.selection.choose(subject.layers, subject.samples,
                                 lambda *_: None)[worst].assigned
    shown = {name: gelus[worst][name] for name in (PROBE, PAPER)}
    layer, calm = subject.layers[worst].parts(subject.samples[worst])[0]
    return sensitivity, activations(worst, layer, calm,
                                    {**shown, ours.name: ours})
