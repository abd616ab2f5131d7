"""A block in one operator, and layer by layer."""
import copy

import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook
from torch.utils._python_dispatch import TorchDispatchMode

from iptq_mm.models.block import IntBlock
from iptq_mm.ops import NAMESPACE

from classifiers import float_timm_swin, float_vit, images, integer_twin


@pytest.fixture(scope='module')
def networks():
    return [integer_twin(network, images())
            for network in (float_vit(), float_timm_swin())]


def blocks(network):
    return [m for m in network.modules() if isinstance(m, IntBlock)]


class Operators(TorchDispatchMode):
    """Which of ours are called."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.namespace == NAMESPACE:
            self.names.add(function.name().removeprefix(f'{NAMESPACE}::'))
        return function(*args, **(kwargs or {}))


def operators_of(network, batch):
    """The result of a network, and which operators it took."""
    with Operators() as called:
        result = network(batch)
    return result, called.names


def seen_by(calls):
    return lambda *call: calls.append(call)


@torch.no_grad()
@pytest.mark.parametrize('part', ['norm1', 'attn', 'attn.qkv', 'attn.proj',
                                  'norm2', 'mlp', 'mlp.fc1', 'mlp.fc2'])
def test_one_call_a_block_unless_its_layers_are_hooked(networks, part):
    for network in networks:
        whole, called = operators_of(network, images())
        assert called & {'block', 'window_block'}
        assert not called & {'linear_add', 'linear_gelu'}
        seen = []
        handles = [
            block.get_submodule(part).register_forward_hook(seen_by(seen))
            for block in blocks(network)
        ]
        steps, called = operators_of(network, images())
        for handle in handles:
            handle.remove()
        assert len(seen) == len(handles)
        assert {'linear_add', 'linear_gelu'} <= called
        assert not called & {'block', 'window_block'}
        assert torch.equal(steps, whole)


@torch.no_grad()
def test_hooks_of_all_modules_see_the_layers(networks):
    seen = set()
    handle = register_module_forward_hook(
        lambda module, *_: seen.add(type(module).__name__))
    networks[0](images())
    handle.remove()
    assert {'IntBlock', 'IntLinearGELU', 'IntLayerNorm'} <= seen


@torch.no_grad()
def test_changes_of_any_tensor_are_seen(networks):
    """What the kernels keep of a block is of what its tensors are now."""
    for network in networks:
        network = copy.deepcopy(network)
        shifted = blocks(network)[1]  # of a Swin
        for name, buffer in shifted.named_buffers():
            before, kept = network(images()), buffer.clone()
            buffer.copy_(changed(name, buffer))
            after, called = operators_of(network, images())
            assert called & {'block', 'window_block'}
            assert not torch.equal(after, before), name
            buffer.copy_(kept)
            assert torch.equal(network(images()), before), name


def changed(name, buffer):
    """Other integers that are as good."""
    if name.endswith(('norm1.params', 'norm2.params')):
        return torch.cat([buffer[:-1], buffer[-1:].flip(1)])
    if name.endswith('fc1.params'):
        return torch.cat([buffer[:, :1] + 9, buffer[:, 1:]], 1)
    if name == 'attn.params':
        return torch.cat([buffer[:2], buffer[2:3] + 1, buffer[3:]])  # a shift
    if name == 'attn.mask':
        return buffer * 0
    if name.endswith(('.n', 'score', 'output')):
        return buffer + torch.tensor([0, 1]) if buffer.dim() == 2 else (
            buffer + 1)
    if name.endswith('.m'):
        return 2**30 + buffer // 8
    return buffer // 2 + 3
