"""What calibration has seen, on disk: a killed one goes on from there."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from mmengine.dist import get_rank

from ...calibration.reduction import Statistic
from ..atomic import atomic_file
from ..errors import UserError
from ..inputs.checkpoint import read_dictionary
from ..inputs.preflight import check_folder

SAVE_EVERY = 8
"""Batches between two files of a pass."""


class StatisticsFiles:
    """One file for each pass over the images and each process.

    Statistics do not depend on how often they were written, so what a resumed
    run ends with is what an uninterrupted one would.

    Args:
        folder (str | Path): Made if it is not there.
        fingerprint (Mapping[str, str | int]): All that the statistics depend
            on, by what it is called in a message.
        resume (bool): Go on from the files that are there. Otherwise they are
            overwritten.

    Raises:
        UserError: If the folder cannot be written.
    """

    def __init__(self, folder: str | Path,
                 fingerprint: Mapping[str, str | int], resume: bool):
        self.folder, self.resume = Path(folder), resume
        self.fingerprint = dict(fingerprint)
        check_folder(self.folder, '--work-dir')

    def restore(self, name: str, statistics: Mapping[str, Statistic]) -> int:
        """Fill empty statistics with what was saved of a pass.

        Args:
            name (str): Of the pass.
            statistics (Mapping[str, Statistic]): By site name.

        Returns:
            int: Batches that they have seen; 0 if nothing was saved.

        Raises:
            UserError: If the file is damaged or of another calibration.
        """
        path = self._path(name)
        if not self.resume or not path.is_file():
            return 0
        saved = read_dictionary(path)
        differing = [
            what for what, value in self.fingerprint.items()
            if saved.get('fingerprint', {}).get(what) != value
        ]
        if differing:
            raise UserError(
                f'{path} is of another calibration: {", ".join(differing)} '
                f'differ. Leave out --resume to calibrate anew.')
        for site, statistic in statistics.items():
            statistic.load_state_dict(saved['statistics'][site])
        return saved['batches']

    def save(self, name: str, batches: int,
             statistics: Mapping[str, Statistic]) -> None:
        """Write the statistics of a pass, whole or not at all.

        Args:
            name (str): Of the pass.
            batches (int): How many they have seen.
            statistics (Mapping[str, Statistic]): By site name.

        Raises:
            UserError: If the file cannot be written.
        """
        content = dict(
            fingerprint=self.fingerprint,
            batches=batches,
            statistics={
                site: statistic.state_dict()
                for site, statistic in statistics.items()
            })
        with atomic_file(self._path(name)) as path, open(path, 'wb') as file:
            torch.save(content, file)

    def _path(self, name: str) -> Path:
        return self.folder / f'{name.replace(" ", "_")}.{get_rank()}.pth'
