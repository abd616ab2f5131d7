import torch

from iptq_mm.assignment import FITS
from iptq_mm.assignment.policy import registered
from iptq_mm.evaluation.families import FAMILIES, homogeneous
from iptq_mm.evaluation.probe import Probe
from iptq_mm.lowering import lowering_of
from iptq_mm.models.detectors.swin_backbone import DEFAULT_BITS

from quantized import float_swin, min_max_thresholds, quantized, sqnr_db

SMALL = dict(
    embed_dims=16, depths=(1, 2), num_heads=(1, 2), strides=(4, 2),
    out_indices=(0, 1), window_size=4)


def test_probe_is_worth_what_the_model_is_worth():
    swin = float_swin(**SMALL)
    image = torch.randn(2, 3, 32, 32, generator=torch.manual_seed(0))
    lowering = lowering_of(swin, DEFAULT_BITS)
    kinds = lowering.nonlinear_layers()
    thresholds = min_max_thresholds(swin, lowering.sites(), image)
    samples = {layer: torch.zeros(1, 1) for layer in kinds}
    names = {layer: registered(kind) for layer, kind in kinds.items()}
    probe = Probe(swin, lowering, thresholds,
                  FITS.get('published')(names, samples), [image])

    iptq = homogeneous('iptq', kinds)
    integer = quantized(swin, image, FAMILIES['iptq'])
    with torch.no_grad():
        expected = [sqnr_db(y.double(), q.double())
                    for y, q in zip(swin(image), integer(image))]
    assert abs(probe.sqnr_db(iptq) - sum(expected) / 2) < 1e-6

    # One GELU by a table instead of a polynomial: its elements, 20 less each.
    layer = 'stages.0.blocks.0.ffn.layers.0.1'
    table = probe.operations({**iptq, layer: 'table_gelu'})
    assert probe.operations(iptq) - table == 8 * 8 * 64 * 20
