"""AudioMNIST: 60 speakers, 12 of them women, say each digit 50 times; read from a local copy.

Becker et al. 2024, "AudioMNIST: Exploring Explainable Artificial Intelligence for Audio Analysis on
a Simple Benchmark": 30,000 recordings named ``data/SPEAKER/DIGIT_SPEAKER_TAKE.wav``, beside them
``audioMNIST_meta.txt`` with the age, gender, accent and origin of each speaker.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unbraid import sound
from unbraid.core.errors import UnbraidError
from unbraid.core.files import expand, read_object
from unbraid.datasets import Dataset
from unbraid.datasets._columns import read_columns
from unbraid.datasets._own_voices import pictures_of

PAGE = "https://github.com/soerenab/AudioMNIST"
META = "audioMNIST_meta.txt"
TEST_TAKES = 5  # of each digit and speaker: takes 0 to 4, as of the Free Spoken Digit Dataset
ABOUT = ("gender", "age", "accent")  # of a speaker, that are factors
_NAME = re.compile(r"([0-9])_([0-9A-Za-z]+)_([0-9]+)\.wav")


@dataclass(frozen=True)
class Config:
    """Options of AudioMNIST.

    Args:
        path: the folder of a copy, the one that holds ``data``, or ``data`` itself.
        n: so many recordings of the split, a random subset; 0 takes all. Recordings are analysed
            once, about 40 a second on a core, and then kept in the cache folder.
        seed: draws that subset.
        full: both splits' recordings, in either split.
    """

    path: str | None = None
    n: int = 0
    seed: int = 0
    full: bool = False


class Take(NamedTuple):
    """A recording: its file, the digit said, by whom, and which take of both it is."""

    path: Path
    word: int
    speaker: str
    number: int


def load(config: Config, split: str = "train") -> Dataset:
    """Load voice pictures uint8 (N, 3, 64, 64), with word, speaker, gender, age and accent.

    Takes 0 to 4 of each digit and speaker are the test split.

    Raises:
        UnbraidError: no path, no recordings of such names there, or one that cannot be read.
    """
    if config.path is None:
        raise UnbraidError(
            f"audiomnist is read from a copy on this machine: get it from {PAGE} and give its "
            "folder with path (--data.path)."
        )
    if config.n < 0:
        raise UnbraidError(f"audiomnist: n is {config.n}, expected 0 for all, or more.")
    root = expand(config.path)
    found = _recordings(root)
    chosen, rows = _chosen(found, split, config)
    if not len(rows):
        raise UnbraidError(
            f"{root} holds no recordings of the {split} split of AudioMNIST, takes "
            f"{'0 to 4' if split == 'test' else '5 and above'}: give a whole copy, or set full."
        )
    # of both splits, so that they agree in their levels
    paths = [found[row].path for row in chosen]
    images, _, done = pictures_of(paths, rows, None)
    # of the whole copy, so that a category has the same number in every split and subset
    columns: dict[str, Any] = {
        "word": np.array([each.word for each in found]),
        "speaker": np.array([each.speaker for each in found]),
    }
    if about := _speakers(root):
        for name in ABOUT:
            cells = [str(about.get(each.speaker, {}).get(name, "")) for each in found]
            columns[name] = _known_ages(cells) if name == "age" else cells
    kinds = {"word": "categorical", "speaker": "categorical"}
    units = {"age": "years"} if "age" in columns else {}
    read = read_columns(columns, kinds, units, "audiomnist")
    assert read.factors is not None  # words and speakers are always known
    factors = read.factors[[chosen[row] for row in rows]]
    notes = tuple(filter(None, (done, *read.notes)))
    return Dataset("audiomnist", images, factors, read.specs, split, notes, sound.SIGNAL)


def _chosen(found: list[Take], split: str, config: Config) -> tuple[list[int], list[int]]:
    """Return which recordings are analysed, and which of those are of the split."""
    if config.full:
        chosen = _some(list(range(len(found))), config, False)
        return chosen, list(range(len(chosen)))
    tested = [row for row, each in enumerate(found) if each.number < TEST_TAKES]
    trained = [row for row, each in enumerate(found) if each.number >= TEST_TAKES]
    tested, trained = _some(tested, config, True), _some(trained, config, False)
    edge = len(trained)
    rows = range(edge) if split == "train" else range(edge, edge + len(tested))
    return trained + tested, list(rows)


def _some(rows: list[int], config: Config, tested: bool) -> list[int]:
    """Return a random subset of rows in their order, if one is asked for."""
    if not config.n:
        return rows
    rng = np.random.default_rng([config.seed, tested])
    drawn = rng.choice(len(rows), min(config.n, len(rows)), replace=False)
    return [rows[place] for place in np.sort(drawn).tolist()]


def _recordings(root: Path) -> list[Take]:
    """Return the recordings, sorted by speaker, word and take."""
    place = root / "data" if (root / "data").is_dir() else root
    found = []
    for path in place.glob("*/*.wav"):
        match = _NAME.fullmatch(path.name)
        if match and path.parent.name == match[2]:
            found.append(Take(path, int(match[1]), match[2], int(match[3])))
    if not found:
        raise UnbraidError(
            f"{root} holds no recordings of AudioMNIST, named data/SPEAKER/DIGIT_SPEAKER_TAKE.wav: "
            f"give the folder of a copy of {PAGE}."
        )
    return sorted(found, key=lambda each: (each.speaker, each.word, each.number))


def _speakers(root: Path) -> Mapping[str, Any]:
    """Return what is known of each speaker, by the speaker's number; empty if there is no file."""
    for place in (root / "data", root, root.parent):
        if (path := place / META).is_file():
            return read_object(path)
    return {}


def _known_ages(cells: list[str]) -> list[str]:
    """Return ages with those that nobody has as unknown; one is given as 1234."""
    return [cell if cell.isdecimal() and int(cell) < 120 else "" for cell in cells]
