"""Directives that read what a page says from the code.

``{options} NAME`` is what ``tools/NAME.py --help`` prints. ``{candidates}``
is the list of what is registered as an approximation, with the first
paragraph of each docstring. ``.. operators::`` documents the integer operators
by their references: autodoc sees what torch has made of them.
"""
from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from importlib import import_module
from inspect import Parameter, Signature, cleandoc, signature

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.ext.napoleon import GoogleDocstring
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


class Operators(SphinxDirective):
    """Functions of ``iptq_mm.ops``; within ``{eval-rst}``."""

    def run(self) -> list[nodes.Node]:
        from iptq_mm.ops import REFERENCES
        lines = StringList(['.. py:currentmodule:: iptq_mm.ops', ''], '')
        for name, reference in REFERENCES.items():
            doc = GoogleDocstring(
                cleandoc(reference.__doc__ or '').replace('|', '\\|'),
                self.config)
            head = '.. py:function:: {}{}'.format(
                name.partition('::')[2], _arguments(reference))
            for line in (head, '', *(f'   {line}' for line in doc.lines()),
                         ''):
                lines.append(line, reference.__module__)
        container = nodes.container()
        self.state.nested_parse(lines, self.content_offset, container)
        return container.children


def _arguments(function: Callable) -> str:
    """Names and defaults; the types are in the docstring."""
    found = signature(function)
    plain = [argument.replace(annotation=Parameter.empty)
             for argument in found.parameters.values()]
    return str(found.replace(parameters=plain,
                             return_annotation=Signature.empty))


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
    app.add_directive('operators', Operators)
    return dict(version='1', parallel_read_safe=True)
