"""Files that exist whole or not at all."""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UserError


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Write a file under its final name only when it is complete.

    The body writes to a temporary file in the same folder, which is flushed
    to the disk and renamed when the body ends without an exception. Whatever
    happens before leaves an older file of that name as it was.

    Args:
        path (str | Path): Final name. Its folder must exist.

    Yields:
        Path: The name to write to, with the suffix of ``path``.

    Raises:
        UserError: If the file cannot be written (rights, full disk).
    """
    path = Path(path)
    temporary = path.with_name(f'.{path.stem}.{os.getpid()}.tmp{path.suffix}')
    try:
        yield temporary
        with open(temporary, 'rb') as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(
            f'cannot write {path}: {error.strerror or error}. Free some space '
            f'or choose another folder.') from error
    finally:
        temporary.unlink(missing_ok=True)
