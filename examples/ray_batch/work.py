"""What a worker of the job does: a chunk of images becomes a file of rows."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from classify import UserError, open_model
from detect import decoded, describe, detect

ROWS = pa.schema([
    ('image', pa.string()),
    ('error', pa.string()),
    ('height', pa.int32()),
    ('width', pa.int32()),
    ('labels', pa.list_(pa.int64())),
    ('scores', pa.list_(pa.int32())),
    ('boxes', pa.list_(pa.list_(pa.int32()))),
    ('masks', pa.list_(pa.list_(pa.int32()))),
])
"""Integers of the model; a mask is the lengths of its runs along the rows of
the image, outside first."""


class Worker:
    """Loads the model once, then works off chunks.

    Args:
        model (str): File of ``tools/export.py``.
        library (str | None): Kernels of IPTQ-MM.
        out (str): Folder of the rows.
    """

    def __init__(self, model: str, library: str | None, out: str):
        cv2.setNumThreads(1)  # as many as the worker has
        self.session = open_model(model, library, threads=1)
        self.description = describe(self.session)
        self.out = Path(out)

    def __call__(self, chunk: dict[str, Any]) -> dict[str, Any]:
        """Write the rows of a chunk; they are there wholly or not at all."""
        rows = [self.row(name, content) for name, content in images_of(chunk)]
        target = self.out / chunk['file']
        partial = target.with_suffix(f'.{os.getpid()}.partial')
        pq.write_table(pa.Table.from_pylist(rows, ROWS), partial)
        os.replace(partial, target)
        return dict(rows=len(rows),
                    failed=sum(row['error'] is not None for row in rows))

    def row(self, name: str, content: bytes | None) -> dict[str, Any]:
        """What is found in an image, or why nothing is."""
        try:
            if content is None:
                raise UserError(f'{name} cannot be read')
            image = decoded(content, name)
            found = detect(self.session, self.description, image)
        except UserError as error:
            return dict(image=name, error=str(error))
        height, width = image.shape[:2]
        return dict(
            image=name, error=None, height=height, width=width,
            labels=found['labels'].tolist(), scores=found['scores'].tolist(),
            boxes=found['boxes'].tolist(),
            masks=[runs(mask) for mask in found.get('masks', [])])


def images_of(chunk: dict[str, Any]) -> list[tuple[str, bytes | None]]:
    """Name and content of the images of a chunk: files of a folder, or a row
    group of a parquet file with the columns ``image`` and ``bytes``."""
    if chunk['group'] is None:
        return [(name, content_of(Path(chunk['source'], name)))
                for name in chunk['names']]
    table = pq.ParquetFile(chunk['source']).read_row_group(
        chunk['group'], columns=['image', 'bytes'])
    return list(zip(*(column.to_pylist() for column in table.columns)))


def content_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def runs(mask: np.ndarray) -> list[int]:
    """Lengths of the runs of a mask, row by row: outside, inside, and so on.
    """
    flat = np.concatenate([[False], mask.ravel(), [False]])
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(ends, prepend=0).tolist()
