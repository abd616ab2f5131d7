"""Commands and options of the documents, as they stand there."""
import re
import shlex

import pytest
from mmengine.config import DictAction

from iptq_mm.engine.inputs.config import load_config
from iptq_mm.engine.inputs.settings import CHECKS, checked

from conftest import ROOT, SHAPES

PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md')),
         *sorted((ROOT / 'examples').glob('**/README.md')),
         ROOT / 'iptq_mm' / 'assets' / 'README.md', ROOT / 'CONTRIBUTING.md']

PLACES = dict(CONFIG=str(SHAPES), CHECKPOINT='checkpoint.pth',
              WORK_DIR='work_dirs/run', REPORT='ptq_report.json',
              TABLE='accuracy', EXPERIMENT='accuracy', IMAGES='images',
              OUT='out', IMAGE='image.jpg', N='4')
"""What a reader puts in the place of a word in capitals."""


def commands(text):
    """Every command line of a page that begins with a tool of ours, with its
    continued lines in one."""
    text = text.replace('\\\n', ' ')
    found = re.findall(
        r'(?<!=")(?:python|nproc-per-node \d+) (tools/\w+\.py[^`\n]*)', text)
    for command in found:
        command = command.partition('  #')[0]
        if '$' not in command:  # a variable of a loop
            yield re.sub(
                r'\b([A-Z][A-Z_]*)\b', lambda word: PLACES.get(
                    word[1], word[1]), command).strip(' "')


EXAMPLES = sorted({
    (page.relative_to(ROOT).as_posix(), command)
    for page in PAGES if page.exists()
    for command in commands(page.read_text())
})


@pytest.mark.parametrize('page, command', EXAMPLES)
def test_a_command_is_understood(tool_module, page, command):
    script, *arguments = shlex.split(command)
    name = script.removeprefix('tools/').removesuffix('.py')
    module = tool_module(name)
    if arguments in ([], ['--help']):
        return
    args = module.parse_args(arguments)
    options = getattr(args, 'cfg_options', None)
    if options and getattr(args, 'config', '').endswith('.py'):
        config = load_config(ROOT / args.config, {
            key: value for key, value in options.items()
            if not key.endswith('_root')})
        hook = config.custom_hooks[0]
        checked({key: hook[key] for key in hook if key != 'type'})


def test_the_readme_is_for_two_minutes():
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 150


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(
    page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = re.sub(r'```.*?```', '', page.read_text(), flags=re.DOTALL)
    for target in re.findall(r'\]\(([^)#]+)[^)]*\)', text):
        if '://' not in target:
            assert (page.parent / target).exists(), target


def test_there_are_examples():
    assert len(EXAMPLES) > 20


def test_every_key_of_the_table_exists():
    page = ROOT / 'docs' / 'user_guides' / 'own_detector.md'
    rows = re.findall(r'^\| `([\w.]+)` \| `?(.*?)`? \|', page.read_text(),
                      re.MULTILINE)
    keys = [(key, value) for key, value in rows
            if key.partition('.')[0] in CHECKS]
    assert len(keys) >= 6
    for key, value in keys:
        name, _, inner = key.partition('.')
        value = DictAction._parse_iterable(value) if value != '{}' else {}
        checked({name: {inner: value} if inner else value})


def test_options_in_words(tmp_path):
    """``custom_hooks.0.KEY=VALUE`` wherever a document says it."""
    said = set()
    for page in PAGES:
        if page.exists():
            said |= set(re.findall(r'custom_hooks\.0\.([\w.]+=[\w.]+)',
                                   page.read_text().replace('\n', ' ')))
    said.discard('KEY=VALUE')
    assert len(said) >= 3
    for option in said:
        key, _, value = option.partition('=')
        config = load_config(SHAPES, {
            f'custom_hooks.0.{key}': DictAction._parse_iterable(value)})
        hook = config.custom_hooks[0]
        checked({key: hook[key] for key in hook if key != 'type'})
