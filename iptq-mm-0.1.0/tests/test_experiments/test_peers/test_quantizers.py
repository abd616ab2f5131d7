"""Other runtimes, where they are installed (``pip install -e .[peers]``)."""
import pytest
import torch

from iptq_mm.benchmark import RUNTIMES
from iptq_mm.experiments.peers import PEERS, QUANTIZERS, check_peer

from classifiers import float_vit, images
from quantized import sqnr_db


@pytest.mark.parametrize('name', sorted(PEERS.keys() & RUNTIMES.keys()))
@pytest.mark.filterwarnings('ignore')
@torch.no_grad()
def test_a_peer_is_close_to_the_float_network(name, tmp_path):
    for package in RUNTIMES[name].packages:
        pytest.importorskip(package)
    network = float_vit(depth=1)
    quantized = QUANTIZERS[name](network, images(4), tmp_path)
    seen = images(3)  # not as many as it was calibrated on
    assert 10 < sqnr_db(network(seen), quantized(seen)) < 60


@torch.no_grad()
def test_a_scheme_needs_no_package(tmp_path):
    network, seen = float_vit(depth=1), images(4)
    found = []
    for name in ('repq-w8a8', 'repq-w6a6', 'repq-w4a4'):
        check_peer(name)
        quantized = QUANTIZERS[name](network, seen, tmp_path)
        found.append(sqnr_db(network(seen), quantized(seen)))
    assert found == sorted(found, reverse=True)
    assert found[0] > 25 > found[2] > 3
