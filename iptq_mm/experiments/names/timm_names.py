"""Which networks of timm have an integer form: every name of its ViT, DeiT and
Swin, tried."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from rich.console import Console
from rich.progress import track
from torch import nn

from ...benchmark.integer import integer_model
from ...benchmark.models import seeded_images
from ...engine.atomic import atomic_file
from ...visualization.markdown import markdown_table

FAMILIES = {
    'vision_transformer':
    dict(depth=1, embed_dim=96, num_heads=2, num_classes=10),
    'deit':
    dict(depth=1, embed_dim=96, num_heads=2, num_classes=10),
    'swin_transformer':
    dict(
        depths=(2, 2, 2, 2), embed_dim=16, num_heads=(1, 2, 4, 8),
        num_classes=10)
}
"""timm's modules, and what makes their networks small: fewer blocks and
channels. All else is as the name has it."""

WANTED_DB = 20.
"""SQNR of the logits below which a network has not been understood."""


@dataclass(frozen=True)
class Trial:
    """What became of a name.

    Args:
        name (str): As timm has it.
        module (str): Where timm defines it.
        sqnr_db (float | None): Of the logits; None where it was refused.
        refusal (str | None): What the error said.
    """
    name: str
    module: str
    sqnr_db: float | None = None
    refusal: str | None = None


def names() -> list[tuple[str, str]]:
    """(module, name) of every network of the families."""
    return [(module, name) for module in FAMILIES
            for name in timm.list_models(module=module)]


def small_network(module: str, name: str) -> nn.Module:
    """A network of timm with few blocks and channels, and seeded weights that
    give a signal at every site."""
    torch.manual_seed(0)
    network = timm.create_model(name, **FAMILIES[module]).eval()
    for weight in network.parameters():
        if weight.dim() > 1:
            nn.init.normal_(weight, std=weight[0].numel()**-0.5)
    return network


@torch.no_grad()
def attempt(module: str, name: str) -> Trial:
    """Build a small network of that name and lower it."""
    network = small_network(module, name)
    size = network.patch_embed.img_size
    images = seeded_images((2, 3, *size))
    try:
        integer = integer_model(network, images, {})
    except TypeError as error:
        return Trial(name, module, refusal=str(error))
    exact = network(images).double()
    noise = (integer(images).double() - exact).square().mean()
    return Trial(name, module,
                 (10 * torch.log10(exact.square().mean() / noise)).item())


def understood(trial: Trial) -> bool:
    """Whether a name lowers well, or is refused."""
    return trial.refusal is not None or trial.sqnr_db > WANTED_DB


def supported(page: Path | None) -> bool:
    """Try every name and print what became of it.

    Args:
        page (Path | None): Where to write the table in Markdown.

    Returns:
        bool: Whether all of them are understood.

    Raises:
        UserError: If the page cannot be written.
    """
    console = Console()
    trials = [
        attempt(*one) for one in track(
            names(), 'trying', console=Console(stderr=True))
    ]
    for trial in trials:
        console.print(f'{trial.name}: {_outcome(trial)}', highlight=False,
                      soft_wrap=True)
    lowered = sum(trial.refusal is None for trial in trials)
    console.print(f'{len(trials)} names: {lowered} lowered, '
                  f'{len(trials) - lowered} refused')
    if page is not None:
        with atomic_file(page) as temporary:
            temporary.write_text('\n'.join(_page(trials)))
    return all(map(understood, trials))


def _outcome(trial: Trial) -> str:
    if trial.refusal is not None:
        return trial.refusal
    return f'{trial.sqnr_db:.1f} dB'


def _page(trials: Sequence[Trial]) -> Iterator[str]:
    yield f"""# What of timm has an integer form

Every name in `timm.list_models()` of ViT, DeiT and Swin (timm
{timm.__version__}), written by

    python tools/supported.py timm --page docs/measured/supported.md

Each network was built as its name has it, but with few blocks and channels,
ten classes and seeded weights; two images of noise calibrate it, and the
figure is the SQNR of its logits, W8A8 with the default functions and rounding
to the nearest.
What has no integer form is refused with the words that stand here, before any
work.
"""
    for module in FAMILIES:
        some = [trial for trial in trials if trial.module == module]
        lowered = [trial for trial in some if trial.refusal is None]
        yield f'## {module}: {len(lowered)} of {len(some)}\n'
        yield markdown_table(
            ['name', 'SQNR / dB, or why not'],
            ([f'`{trial.name}`',
              _outcome(trial).removesuffix(' dB').replace('|', '\\|')]
             for trial in (*lowered,
                           *(one for one in some if one not in lowered))))
