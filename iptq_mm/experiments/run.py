"""What ``tools/reproduce.py`` does: measure, keep, write the pages."""
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from ..engine.atomic import atomic_file
from ..engine.errors import UserError
from ..engine.inputs.options import PTQOptions
from ..engine.quantization.progress import ProgressBars
from ..engine.report.report import read_json, save_json
from ..visualization.stages import draw_stages
from .diagnosis import diagnoses
from .functions import StudyOptions, study
from .pages import diagnosis as diagnosis_page
from .pages import functions as functions_page
from .pages import papers as papers_page
from .pages import scores as scores_page
from .peers import check_peer
from .scores import score_functions
from .tables import ablation, accuracy, calibration_size, quantization_time
from .widths import means, widths

HEADING = '## The tables\n'
"""What is above it in a page is written by hand."""

Entry = dict[str, Any]


def _accuracy(options: PTQOptions, args: Namespace,
              bars: ProgressBars) -> Entry:
    for name in args.vs:
        check_peer(name)
    return accuracy(options, args.vs, args.seeds, bars)


def _widths(options: PTQOptions, args: Namespace,
            bars: ProgressBars) -> Entry:
    return widths(options, args.vs, args.seeds, bars)


def _functions(options: PTQOptions, args: Namespace,
               bars: ProgressBars) -> Entry:
    return study(
        options,
        StudyOptions(args.seeds, args.num_search, args.num_val,
                     args.num_random, args.rank_map), bars.bars.console.print)


EXPERIMENTS: dict[str, Callable[[PTQOptions, Namespace, ProgressBars],
                                Entry]] = {
    'accuracy': _accuracy,
    'widths': _widths,
    'means': lambda options, args, bars: means(options, bars),
    'ablation': lambda options, args, bars: ablation(options, bars),
    'calibration-size':
    lambda options, args, bars: calibration_size(options, args.sizes, bars),
    'time': lambda options, args, bars: quantization_time(options),
    'functions': _functions,
    'scores': lambda options, args, bars: score_functions(
        options, bars.bars.console.print),
    'diagnosis': lambda options, args, bars: diagnoses(
        options, bars.bars.console.print)
}
"""What is measured, by the name of the experiment."""


def measure(args: Namespace) -> None:
    """Run an experiment and add what it found to the JSON file.

    Args:
        args (Namespace): ``experiment``, ``json``, ``name``, what names the
            model, and what ``tools/reproduce.py`` asks for the experiment.

    Raises:
        UserError: For input that cannot be worked with.
    """
    tables = read_json(args.json, 'tables')
    with Progress(console=Console(stderr=True)) as bars:
        found = EXPERIMENTS[args.experiment](
            _options(args), args, ProgressBars(bars))
    name = args.name or Path(args.config).stem.removeprefix('iptq_')
    tables.setdefault(args.experiment, {})[name] = found
    args.json.parent.mkdir(parents=True, exist_ok=True)
    save_json(args.json, dict(tables=tables))
    Console().print(f'{args.json}: {args.experiment}, {name}')


def _options(args: Namespace) -> PTQOptions:
    options = dict(args.cfg_options)
    if args.batch_size is not None:
        options['test_dataloader.batch_size'] = args.batch_size
    if args.num_images is not None:
        options['test_dataloader.dataset.num_images'] = args.num_images
    return PTQOptions(
        args.config, args.checkpoint, args.work_dir, options, device='cpu')


def write_pages(args: Namespace) -> None:
    """Write the tables of each page anew, below what was written by hand.

    Args:
        args (Namespace): ``json``; ``pages``, the folder of
            ``reproduction.md`` and ``study_functions.md``, beside which lies
            ``user_guides/diagnosis.md``.

    Raises:
        UserError: If nothing was measured, or a file cannot be written.
    """
    tables = read_json(args.json, 'tables')
    if not tables:
        raise UserError(f'{args.json} is not there: measure something first')
    picture = None
    if 'time' in tables:
        picture = args.pages / 'reproduction_time.png'
        with atomic_file(picture) as temporary:
            draw_stages({
                name: entry['seconds']
                for name, entry in tables['time'].items()
            }, temporary)
    pages = {
        'reproduction.md':
        papers_page.markdown(tables, picture and picture.name)
    }
    if 'diagnosis' in tables:
        pages['../user_guides/diagnosis.md'] = diagnosis_page.markdown(
            tables['diagnosis'])
    if 'functions' in tables:
        pages['study_functions.md'] = [
            *functions_page.markdown(tables['functions']),
            *scores_page.markdown(tables.get('scores', {}))
        ]
    for name, lines in pages.items():
        page = args.pages / name
        text = page.read_text() if page.exists() else ''
        head = text.partition(HEADING)[0]
        with atomic_file(page) as temporary:
            temporary.write_text('\n'.join([head + HEADING, *lines]))
        Console().print(page)
