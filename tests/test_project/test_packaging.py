"""What a wheel carries, and how it is found."""
import shutil
import subprocess
import sys

import pytest
import yaml
from mmengine.config import Config

import iptq_mm
from iptq_mm.engine.errors import UserError
from iptq_mm.engine.inputs.config import load_config

from conftest import ROOT

NAME = 'iptq_swin_nano_maskrcnn_shapes.py'


def metafile():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    return [yaml.safe_load((ROOT / path).read_text())
            for path in index['Import']]


def test_the_index_names_every_config_and_weights_that_are_there():
    models = [model for file in metafile() for model in file['Models']]
    named = {model['Config'] for model in models}
    assert named == {
        str(path.relative_to(ROOT))
        for path in (ROOT / 'configs').glob('**/iptq_*.py')}
    collections = {
        one['Name'] for file in metafile() for one in file['Collections']}
    for model in models:
        assert model['In Collection'] in collections
        if 'Weights' in model:
            assert (ROOT / model['Weights']).is_file()


def test_a_config_goes_by_its_name():
    own, file = load_config(f'iptq_mm::{NAME}'), Config.fromfile(
        ROOT / 'configs' / NAME)
    assert own.model == file.model
    assert ROOT.samefile(
        load_config(f'iptq_mm::{NAME}').filename.rpartition('/iptq_mm/')[0])


def test_a_config_is_a_base(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = ['iptq_mm::{NAME}']\nmine = 1\n")
    config = load_config(path)
    assert config.mine == 1 and config.custom_hooks
    assert config.model == load_config(f'iptq_mm::{NAME}').model


def test_a_misspelled_config_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=f'iptq_mm::{NAME}'):
        load_config('iptq_mm::iptq_swin_nano_maskrcn_shapes.py')


@pytest.mark.parametrize('arguments, code, words', [
    (['--help'], 0, 'quantize a detector'),
    (['ptq', '--help'], 0, 'usage: iptq ptq'),
    (['export', '--help'], 0, 'usage: iptq export'),
    (['ptx'], 1, 'there is no tool ptx'),
])
def test_the_command_runs_the_tools(arguments, code, words, tmp_path):
    found = subprocess.run(
        [sys.executable, '-m', 'iptq', *arguments], cwd=tmp_path, text=True,
        capture_output=True)
    assert found.returncode == code, found.stderr
    assert words in found.stdout + found.stderr


@pytest.mark.parametrize('words, completed', [
    ('iptq re', ['report', 'reproduce']),
    ('iptq report --o', ['--out']),
    ('iptq ptq setup.', ['setup.py']),
])
def test_bash_completes_the_command(words, completed):
    if not shutil.which('bash'):
        pytest.skip('there is no bash')
    count = len(words.split())
    script = f"""
    iptq() {{ {sys.executable} -m iptq "$@"; }}
    eval "$(iptq completion)"
    COMP_WORDS=({words}); COMP_CWORD={count - 1}; _iptq
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    found = subprocess.run(['bash', '-c', script], cwd=ROOT, text=True,
                           capture_output=True)
    assert found.stdout.split() == completed, found.stderr


def test_one_place_has_the_version():
    said = subprocess.run([sys.executable, 'setup.py', '--version'], cwd=ROOT,
                          text=True, capture_output=True, check=True)
    assert said.stdout.split()[-1] == iptq_mm.__version__
    assert f'## {iptq_mm.__version__}' in (ROOT / 'CHANGELOG.md').read_text()


def test_every_folder_with_modules_is_a_package():
    """setuptools leaves out a folder without ``__init__.py``."""
    folders = {path.parent for path in (ROOT / 'iptq_mm').glob('**/*.py')}
    assert not [folder for folder in folders
                if '.mim' not in folder.parts and 'core' not in folder.parts
                and not (folder / '__init__.py').exists()]
