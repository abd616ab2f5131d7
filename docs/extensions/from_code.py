"""Directives that read what a page says from the code.

``{options} NAME`` is what ``tools/NAME.py --help`` prints. ``{candidates}``
is the list of what is registered as an approximation, with the first
paragraph of each docstring.
"""
from __future__ import annotations

import contextlib
import io
import os
import sys
from importlib import import_module
from inspect import cleandoc

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

COLUMNS = '79'


class Options(SphinxDirective):
    """The help of a tool."""
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        module = import_module(name)
        os.environ['COLUMNS'] = COLUMNS
        text = io.StringIO()
        # Whatever builds this site is not the program that is helped with.
        with contextlib.redirect_stdout(text), _called(f'tools/{name}.py'):
            try:
                module.parse_args(['--help'])
            except SystemExit as end:
                if end.code:
                    raise self.error(f'{name} --help fails') from end
        return [nodes.literal_block(text.getvalue(), text.getvalue(),
                                    language='text')]


class Candidates(SphinxDirective):
    """A definition list of the registered approximations of a kind."""
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        import iptq_mm  # noqa: F401  # registers them
        from iptq_mm.registry import APPROXIMATIONS
        found = nodes.definition_list()
        for name, cls in sorted(APPROXIMATIONS.module_dict.items()):
            if cls.kind == self.arguments[0]:
                about = cleandoc(cls.__doc__ or '').partition('\n\n')[0]
                found += nodes.definition_list_item(
                    '', nodes.term('', '', nodes.literal(name, name)),
                    nodes.definition('', _paragraph(about)))
        return [found]


def _paragraph(text: str) -> nodes.paragraph:
    """With ``code`` as code."""
    result = nodes.paragraph()
    for i, part in enumerate(text.split('``')):
        result += nodes.literal(part, part) if i % 2 else nodes.Text(part)
    return result


@contextlib.contextmanager
def _called(name: str):
    before, sys.argv = sys.argv, [name]
    try:
        yield
    finally:
        sys.argv = before


def setup(app: Sphinx) -> dict:
    app.add_directive('options', Options)
    app.add_directive('candidates', Candidates)
    return dict(version='1', parallel_read_safe=True)
