"""Which detectors of mmdet go through quantization: one config of each of its
own, with a small Swin in the backbone's place, tried."""
from __future__ import annotations

import copy
import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mmdet
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from rich.console import Console
from torch import nn
from torch.utils.data import Dataset

from ...engine.atomic import atomic_file
from ...engine.quantization.ptq_hook import PTQHook
from ...visualization.markdown import markdown_table

CONFIGS = Path(mmdet.__file__).parent / '.mim' / 'configs'
EMBED_DIMS = 16
RESNET_CHANNELS = (256, 512, 1024, 2048)
SCOPES = ('all', 'backbone')
SIZE = (64, 96)
"""Height and width of the images."""

REFUSED = 'refused'
"""How the words of a refusal begin that came before any work."""


@dataclass(frozen=True)
class Trial:
    """What became of a detector.

    Args:
        name (str): Its folder among mmdet's configs.
        config (str): The config that was tried, in that folder.
        outcomes (dict[str, str]): By scope: ``'works'``, or why not. Empty
            where mmdet itself does not run the float detector.
        failure (str | None): What mmdet said then.
    """
    name: str
    config: str
    outcomes: dict[str, str]
    failure: str | None = None


class NoiseImages(Dataset):
    """Two images of coarse random colours, as a test dataloader of mmdet
    gives them."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> dict[str, Any]:
        height, width = SIZE
        coarse = torch.randint(256, (3, height // 8, width // 8),
                               generator=torch.manual_seed(range(2)[index]))
        image = coarse.repeat_interleave(8, -1).repeat_interleave(8, -2)
        sample = DetDataSample(metainfo=dict(
            img_id=index, ori_shape=SIZE, img_shape=SIZE,
            batch_input_shape=SIZE, scale_factor=(1., 1.)))
        return dict(inputs=image.to(torch.uint8), data_samples=sample)


def names() -> list[str]:
    """Folders of mmdet's configs that hold a detector with a ResNet-50; of
    those that are built of the same modules (a data set or a way of training
    is another folder to mmdet) the one that is called like its detector, or
    the first."""
    first: dict[frozenset[str], str] = {}
    for folder in sorted(CONFIGS.iterdir()):
        path = _config_in(folder) if folder.is_dir() else None
        if path is None:
            continue
        try:
            model = Config.fromfile(path).get('model')
        except FileNotFoundError:  # some of mmdet's bases are not there
            continue
        if model is None or model.get('backbone', {}).get('type') != 'ResNet':
            continue
        called = folder.name.replace('_', '') == str(model.type).lower()
        built = frozenset(_types(model))
        if called or built not in first:
            first[built] = folder.name
    return sorted(first.values())


def _types(config: Any) -> Iterator[str]:
    """Of every module in a config, training aside."""
    if isinstance(config, dict):
        yield str(config.get('type'))
        for key, value in config.items():
            if not key.startswith(('loss', 'train', 'init', 'pretrained')):
                yield from _types(value)
    elif isinstance(config, (list, tuple)):
        for item in config:
            yield from _types(item)


def _config_in(folder: Path) -> Path | None:
    """The config with the shortest name of those with a ResNet-50."""
    files = sorted(folder.glob('*r50*.py'), key=lambda path: len(path.name))
    return next((path for path in files if not path.name.startswith('_')),
                None)


def with_small_swin(model: ConfigDict) -> ConfigDict:
    """The config of a detector whose ResNet has become a Swin with few blocks
    and channels.

    Raises:
        ValueError: If it has no ResNet.
    """
    model = copy.deepcopy(model)
    old = model.get('backbone', {})
    if old.get('type') != 'ResNet':
        raise ValueError(f'no ResNet but a {old.get("type")}')
    kept = tuple(old.get('out_indices', (0, 1, 2, 3)))
    channels = {
        before: EMBED_DIMS * 2**i for i, before in enumerate(RESNET_CHANNELS)
    }
    model.backbone = ConfigDict(
        type='SwinTransformer', embed_dims=EMBED_DIMS, depths=(1, 1, 1, 1),
        num_heads=(1, 2, 2, 4), window_size=4, out_indices=kept)
    owners = ([model.neck] if model.get('neck')
              else [part for part in model.values() if isinstance(part, dict)
                    and part is not model.backbone])
    for owner in owners:
        for part in owner if isinstance(owner, list) else [owner]:
            known = part.get('in_channels')
            if isinstance(known, (list, tuple)):
                part.in_channels = [channels.get(c, c) for c in known]
            elif known in channels:
                part.in_channels = channels[known]
    return model


def attempt(name: str) -> Trial:
    """Quantize one detector in each scope, and detect with it."""
    path = _config_in(CONFIGS / name)
    try:
        config = with_small_swin(Config.fromfile(path).model)
        detector = _seeded(config)
        with torch.no_grad():
            detector.test_step(_batch())
    except Exception as error:  # of mmdet, which raises anything
        return Trial(name, path.name, {}, _first_line(error))
    return Trial(name, path.name, {
        scope: _outcome(config, detector, scope) for scope in SCOPES
    })


def _seeded(config: ConfigDict) -> nn.Module:
    """A detector whose every matrix has a signal behind it."""
    torch.manual_seed(0)
    detector = MODELS.build(copy.deepcopy(config))
    detector.init_weights()
    for weight in detector.backbone.parameters():
        if weight.dim() > 1:
            nn.init.normal_(weight, std=0.5 * weight.shape[-1]**-0.5)
    return detector.eval()


def _batch() -> dict[str, list]:
    item = NoiseImages()[0]
    return {key: [value] for key, value in item.items()}


def _outcome(config: ConfigDict, detector: nn.Module, scope: str) -> str:
    runner = SimpleNamespace(
        model=copy.deepcopy(detector),
        cfg=SimpleNamespace(model=config, load_from=None),
        build_dataloader=Runner.build_dataloader)
    hook = PTQHook(
        dict(
            batch_size=1, dataset=NoiseImages(),
            collate_fn=dict(type='pseudo_collate'),
            sampler=dict(type='DefaultSampler', shuffle=False)),
        num_batches=2, scope=scope, rounding='nearest', compensate=False,
        candidates=dict(gelu=['poly_gelu'], softmax=['bit_softmax'],
                        layernorm=['i_layernorm']))
    try:
        hook.quantize(runner)
        hook.install(runner)
        with torch.no_grad():
            runner.model.test_step(_batch())
    except ValueError as error:  # a UserError is one
        return f'{REFUSED}: {_first_line(error)}'
    except Exception as error:
        return f'fails: {type(error).__name__}: {_first_line(error)}'
    return 'works'


def _first_line(error: Exception) -> str:
    line = str(error).partition('\n')[0].partition('; what has one')[0]
    return ' '.join(line.split()) or repr(error)


def supported(page: Path | None) -> bool:
    """Try every detector and print what became of it.

    Args:
        page (Path | None): Where to write the table in Markdown.

    Returns:
        bool: Whether each that mmdet runs works or is refused in each scope.

    Raises:
        UserError: If the page cannot be written.
    """
    register_all_modules()
    logging.disable(logging.WARNING)  # each weight's initialization is said
    console, trials = Console(), []
    everyone = names()
    for i, name in enumerate(everyone, 1):
        with redirect_stdout(io.StringIO()):  # progress bars
            trials.append(attempt(name))
        for line in _lines(trials[-1]):
            console.print(f'{i}/{len(everyone)} {line}', highlight=False,
                          soft_wrap=True)
    logging.disable(logging.NOTSET)
    if page is not None:
        with atomic_file(page) as temporary:
            temporary.write_text('\n'.join(_page(trials)))
    return all(outcome == 'works' or outcome.startswith(REFUSED)
               for trial in trials for outcome in trial.outcomes.values())


def _lines(trial: Trial) -> Iterator[str]:
    if trial.failure is not None:
        yield f'{trial.name}: mmdet does not run it: {trial.failure}'
    for scope, outcome in trial.outcomes.items():
        yield f'{trial.name}, {scope}: {outcome}'


def _page(trials: Sequence[Trial]) -> Iterator[str]:
    ran = [trial for trial in trials if trial.failure is None]
    works = {
        scope: sum(trial.outcomes[scope] == 'works' for trial in ran)
        for scope in SCOPES
    }
    yield f"""# Which detectors of mmdet go through quantization

One config of each kind of detector with a ResNet-50 among mmdet's own (mmdet
{mmdet.__version__}), written by

    python tools/supported.py mmdet --page docs/measured/supported_detectors.md

Each was built as its config has it, with a Swin of {EMBED_DIMS} channels and a
block a stage in the ResNet's place and seeded weights; two images of noise
calibrate it, and it detects in one. Of {len(trials)} detectors mmdet itself
runs {len(ran)} so on a CPU. With `scope='backbone'` {works['backbone']} of
them work, with `scope='all'`, everything integer, {works['all']}; what does
not is refused with the words that stand here, before any work.
"""
    yield markdown_table(
        ['detector', 'config', *(f"`scope='{scope}'`" for scope in SCOPES)],
        ([trial.name, f'`{trial.config}`',
          *(trial.outcomes[scope].replace('|', '\\|') for scope in SCOPES)]
         for trial in ran))
    yield """
What mmdet itself does not run so: it needs another package, ground truth or a
GPU, or a ResNet where a Swin now is.
"""
    yield markdown_table(
        ['detector', 'config', 'what mmdet says'],
        ([trial.name, f'`{trial.config}`',
          trial.failure.replace('|', '\\|')]
         for trial in trials if trial.failure is not None))
