"""What timm's ViT and Swin have in common: the names in their blocks, and what
of them is supported."""
from timm.layers import Attention, LayerScale, Mlp
from timm.models.swin_transformer import SwinTransformerBlock, WindowAttention
from timm.models.vision_transformer import Block
from torch import nn

from ..transformer.block import BlockNames
from ..watchable import WatchedAttention


def timm_names(network: nn.Module, block: str) -> BlockNames:
    """Module names inside a block of timm's.

    Args:
        network (nn.Module): timm's ViT or Swin.
        block (str): Name of the block.
    """
    attn, mlp = f'{block}.attn', f'{block}.mlp'
    scaled = hasattr(network.get_submodule(block), 'ls1')
    return BlockNames(
        block,
        norm1=f'{block}.norm1',
        attn=attn,
        norm2=f'{block}.norm2',
        fc1=f'{mlp}.fc1',
        gelu=f'{mlp}.act',
        fc2=f'{mlp}.fc2',
        branch1=f'{block}.ls1' if scaled else f'{attn}.proj',
        branch2=f'{block}.ls2' if scaled else f'{mlp}.fc2')


def require(condition: bool, network: nn.Module, what: str,
            supported: str) -> None:
    """Refuse a network.

    Raises:
        TypeError: Unless ``condition``: naming the network, what it has, and
            what is supported.
    """
    if not condition:
        raise TypeError(f'{type(network).__name__} with {what}, which has no '
                        f'integer form; supported: {supported}')


def check_norm(network: nn.Module, name: str) -> None:
    """Refuse what is no LayerNorm with weight and bias.

    Raises:
        TypeError: As :func:`require`.
    """
    norm = network.get_submodule(name)
    require(
        isinstance(norm, nn.LayerNorm) and norm.bias is not None, network,
        f'{type(norm).__name__} as {name}', 'LayerNorm with weight and bias')


def check_block(network: nn.Module, name: str) -> None:
    """Refuse a block with parts that have no integer form.

    Raises:
        TypeError: As :func:`require`.
    """
    block = network.get_submodule(name)

    def has(condition: bool, what: str, supported: str) -> None:
        require(condition, network, f'{what} in {name}', supported)

    has(type(block) in (Block, SwinTransformerBlock), type(block).__name__,
        'pre-norm blocks (Block)')
    attn, mlp = block.attn, block.mlp
    has(type(attn) in (Attention, WindowAttention, WatchedAttention),
        type(attn).__name__, 'softmax attention without positions of its own')
    has(attn.qkv.out_features == 3 * attn.qkv.in_features,
        f'{attn.qkv.out_features // 3} attention channels',
        f'as many as the stream has, {attn.qkv.in_features}')
    for part, plain in (('q_norm', nn.Identity), ('k_norm', nn.Identity),
                        ('norm', nn.Identity), ('gate', type(None))):
        module = getattr(attn, part, None)
        has(module is None or isinstance(module, plain), f'attn.{part}',
            'attention without qk_norm, norm and gate')
    has(type(mlp) is Mlp and isinstance(mlp.norm, nn.Identity),
        type(mlp).__name__, 'two linear layers and GELU (Mlp without norm)')
    has(isinstance(mlp.act, nn.GELU) and mlp.act.approximate == 'none',
        str(mlp.act), 'exact GELU')
    for part in ('ls1', 'ls2'):
        scale = getattr(block, part, nn.Identity())
        has(isinstance(scale, (LayerScale, nn.Identity)),
            type(scale).__name__, 'LayerScale')
    for norm in ('norm1', 'norm2'):
        check_norm(network, f'{name}.{norm}')
