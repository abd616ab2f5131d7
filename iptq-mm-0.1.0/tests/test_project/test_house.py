"""The tree in CONTRIBUTING.md is the tree that is there, and imports in it
point one way."""
import re
import subprocess

import pytest

from conftest import ROOT

MOST_FILES = 16
"""Beside its subfolders: more are a floor without rooms."""

ORDER = ('arithmetic', 'ops', 'functions', 'nn', 'models', 'lowering',
         'engine', 'experiments')
"""Each may import those before it."""


def tracked():
    run = subprocess.run(['git', 'ls-files'], cwd=ROOT, capture_output=True,
                         text=True)
    if run.returncode:
        pytest.skip('this is no git checkout')
    return [ROOT / line for line in run.stdout.splitlines()]


def told():
    """Folders of the tree, as paths."""
    tree = (ROOT / 'CONTRIBUTING.md').read_text().split('```')[1]
    path, folders = [], {}
    for line in tree.strip('\n').splitlines():
        indent, name, says = re.fullmatch(r'( *)(\S+)/ +(\S.*)', line).groups()
        path[len(indent) // 2:] = [name]
        folders['/'.join(path)] = says
    return folders


def test_the_tree_is_the_one_that_is_there():
    there = {path.parent.relative_to(ROOT).as_posix() for path in tracked()
             if path.exists()}
    there = {folder for folder in there
             if not folder.startswith(('tests/', '.'))}
    assert {folder for folder in told() if folder in there} == there
    # Besides, folders that hold folders only.
    for folder in set(told()) - there:
        assert (ROOT / folder).is_dir(), folder


def test_no_folder_is_a_floor_without_rooms():
    counts = {}
    for path in tracked():
        if path.exists():
            folder = path.parent.relative_to(ROOT).as_posix()
            counts[folder] = counts.get(folder, 0) + 1
    assert not {folder: count for folder, count in counts.items()
                if count > MOST_FILES}


def imports(path):
    """Rooms of the package that a file of it imports."""
    package = path.relative_to(ROOT).parts[:-1]
    for dots, rest, names in re.findall(
            r'^\s*from (\.+)([\w.]*) import (\([^)]*\)|.*)',
            path.read_text(), re.MULTILINE):
        base = package[:len(package) - len(dots) + 1]
        target = [*base, *(rest.split('.') if rest else [])]
        if len(target) == 1:  # from .. import ops
            yield from re.findall(r'\w+', names)
        else:
            yield target[1]


def test_imports_point_one_way():
    for path in (ROOT / 'iptq_mm').rglob('*.py'):
        room = path.relative_to(ROOT / 'iptq_mm').parts[0].removesuffix('.py')
        if room in ORDER:
            later = set(ORDER[ORDER.index(room) + 1:])
            assert not later & set(imports(path)), path
