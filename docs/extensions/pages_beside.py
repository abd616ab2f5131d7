"""Pages whose text lies elsewhere in the sources, and the links to them.

A page that is nothing but ``{include} FILE`` shows that file; links in it, and
links of other pages to it, are those of the sources, and lead to pages here.
"""
from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from sphinx.application import Sphinx

INCLUDE = re.compile(r'```{include} (\S+)\n```\s*')
LINK = re.compile(r'(?<=\]\()([^)#\s:]+)(?=[#)])')


@cache
def elsewhere(folder: Path) -> dict[Path, Path]:
    """The pages that show files from elsewhere, by those files."""
    return {(page.parent / found[1]).resolve(): page
            for page in folder.rglob('*.md')
            if (found := INCLUDE.fullmatch(page.read_text()))}


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    """Exchange a page's text, and its links."""
    page = Path(app.srcdir, f'{docname}.md')
    origin, text = page, source[0]
    if included := INCLUDE.fullmatch(text):
        origin = (page.parent / included[1]).resolve()
        text = origin.read_text()
        app.env.note_dependency(str(origin))
    pages = elsewhere(Path(app.srcdir))

    def here(link: re.Match) -> str:
        target = (origin.parent / link[1]).resolve()
        return os.path.relpath(pages.get(target, target), page.parent)

    source[0] = LINK.sub(here, text)


def escape(app: Sphinx, what: str, name: str, obj: object, options: object,
           lines: list[str]) -> None:
    """In our docstrings | is a magnitude, no substitution."""
    lines[:] = [line.replace('|', '\\|') for line in lines]


def setup(app: Sphinx) -> dict:
    app.connect('source-read', read)
    app.connect('autodoc-process-docstring', escape)
    return dict(version='1', parallel_read_safe=True)
