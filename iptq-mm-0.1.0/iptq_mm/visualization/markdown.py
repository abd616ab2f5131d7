"""Tables in Markdown."""
from collections.abc import Iterable


def markdown_table(columns: Iterable[str],
                   rows: Iterable[Iterable[str]]) -> str:
    """A table, with an empty line after it.

    Args:
        columns (Iterable[str]): Headings.
        rows (Iterable[Iterable[str]]): Cells.
    """
    columns = list(columns)
    return '\n'.join(
        '| ' + ' | '.join(cells) + ' |'
        for cells in (columns, ['---'] * len(columns), *rows)) + '\n'
