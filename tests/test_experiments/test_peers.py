"""Other runtimes, where they are installed (``pip install -e .[peers]``)."""
import pytest
import torch

from iptq_mm.benchmark import RUNTIMES
from iptq_mm.experiments.peers import PEERS, QUANTIZERS

from classifiers import float_vit, images
from quantized import sqnr_db


@pytest.mark.parametrize('name', PEERS)
@pytest.mark.filterwarnings('ignore')
@torch.no_grad()
def test_a_peer_is_close_to_the_float_network(name, tmp_path):
    for package in RUNTIMES[name].packages:
        pytest.importorskip(package)
    network = float_vit(depth=1)
    quantized = QUANTIZERS[name](network, images(4), tmp_path)
    seen = images(3)  # not as many as it was calibrated on
    assert 10 < sqnr_db(network(seen), quantized(seen)) < 60
