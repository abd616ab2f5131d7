import torch
from torch import nn

from iptq_mm.evaluation.spiked_variant import spiked
from iptq_mm.lowering.transformer.block import BlockNames


class MLP(nn.Module):

    def __init__(self):
        super().__init__()
        self.fc1, self.act = nn.Linear(6, 24), nn.GELU()
        self.fc2 = nn.Linear(24, 6)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


NAMES = BlockNames(*[''] * 4, 'fc1', 'act', 'fc2', '', '')


def test_one_token_has_a_spike_and_the_function_is_nearly_the_same():
    torch.manual_seed(0)
    network, tokens = MLP(), torch.randn(2, 200, 6)
    before = {name: tensor.clone()
              for name, tensor in network.state_dict().items()}
    other = spiked(network, [NAMES], list(tokens[:, None]), factor=8.)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
    with torch.no_grad():
        y, z = network(tokens), other(tokens)
        hidden = network.act(network.fc1(tokens))
        spikes = other.act(other.fc1(tokens)).flatten(0, 1)
    largest = spikes.max(0).values
    channel = largest.argmax()
    assert torch.isclose(largest[channel], 8 * hidden.max(), rtol=1e-4)
    assert (spikes[:, channel] > .1 * largest[channel]).sum() == 1
    assert ((y - z)**2).mean() < .02 * y.var()
