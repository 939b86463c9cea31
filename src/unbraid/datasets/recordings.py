"""Your own recordings of words in a folder; subfolders and the columns of a table are factors."""

from __future__ import annotations

from dataclasses import dataclass

from unbraid import sound
from unbraid.datasets import Dataset
from unbraid.datasets import _folder as files
from unbraid.datasets._names import called
from unbraid.datasets._own_voices import pictures_of
from unbraid.datasets._walk import RECORDINGS


@dataclass(frozen=True)
class Config(files.Options):
    """Options of a folder of recordings, WAV, FLAC, OGG or MP3."""


def load(config: Config, split: str = "train") -> Dataset:
    """Load voice pictures uint8 (N, 3, 64, 64), with the factors of subfolders and a table.

    A recording is averaged to one channel at 8,000 samples a second. Silence before and after is
    cut off, and of more than 0.9 s the part with the most energy is taken. All are made louder or
    quieter by the same number of decibels, which brings their median to -25 dBFS.

    Raises:
        UnbraidError: no such folder, no recordings in it, one that cannot be read, recordings both
            in subfolders and beside them, or a table that does not match or contradicts itself.
    """
    found = files.find(config, split, RECORDINGS)
    paths = [each.path for each in found.items]
    images, kept, done = pictures_of(paths, found.rows, config.skip_broken)
    title = called("recordings", {"path": config.path, "title": config.title})
    return Dataset(
        title,
        images,
        found.factors(kept),
        found.labels.specs,
        split,
        tuple(filter(None, (*found.before, done, *found.after))),
        sound.SIGNAL,
        groups=found.groups_of(kept),
    )
