"""What ``unbraid edit`` and ``unbraid swap`` do with recordings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid import pictures
from unbraid.control import recordings
from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, expand
from unbraid.core.recordings import Recording, check_wav, is_sound, read, write


class Options(Protocol):
    """Options that both commands have."""

    @property
    def out(self) -> Path | None:
        """The WAV to write."""

    @property
    def compare(self) -> Path | None:
        """A PNG to write."""

    @property
    def correct(self) -> bool:
        """Whether to correct what a model drew; a recording has none."""

    @property
    def model(self) -> Path | None:
        """Not of recordings."""

    @property
    def data(self) -> str:
        """Not of recordings."""


Named = tuple[str, NDArray[Any], int]


def draw(path: Path, shown: list[Named]) -> None:
    """Write spectrograms of sounds as a PNG."""
    from unbraid import spectrograms

    figure = spectrograms.sheet(shown)
    with atomic(expand(path)) as temporary:
        figure.savefig(temporary, format="png", dpi=150, metadata={"Software": "unbraid"})


def edit(path: Path, text: str, clip: bool, given: Options) -> Iterator[str]:
    """Change and write a recording; yield the parsed request, what is measured, and the paths."""
    out = _checked(given, "edited.wav")
    if not text.strip():
        raise UnbraidError("no change is given: write one, such as 'higher' or '20% slower'.")
    found = read(path)
    made = recordings.edit(found.samples, found.rate, text, clip=clip)
    yield from _notes(path, found)
    yield made.request.describe("kept")
    yield f"before: {recordings.described(made.before)}"
    yield f"after: {recordings.described(made.after)}"
    shown = [(path.name, found.samples, found.rate), (text, made.samples, found.rate)]
    yield from _write(out, given.compare, shown)


def swap(one: Path, other: Path, names: str, given: Options) -> Iterator[str]:
    """Swap factors of recordings and write one; yield what is measured, and the paths."""
    for path in (one, other):
        if not is_sound(path):
            raise UnbraidError(
                f"{path} is no recording, but the other one is: give two recordings or two images."
            )
    out = _checked(given, "swapped.wav")
    a, b = read(one), read(other)
    made = recordings.swap(a.samples, a.rate, b.samples, b.rate, names)
    yield from _notes(one, a)
    yield from _notes(other, b)
    yield f"before: {recordings.described(made.before)}"
    yield f"after: {recordings.described(made.after)}"
    shown = [
        (one.name, a.samples, a.rate),
        (other.name, b.samples, b.rate),
        (f"{one.name} with {names} of {other.name}", made.samples, a.rate),
    ]
    yield from _write(out, given.compare, shown)


def _checked(given: Options, default: str) -> Path:
    """Return the path to write, checked before any long computation."""
    out = given.out or Path(default)
    check_wav(out)
    if given.compare is not None:
        pictures.check_png(given.compare)
    if given.model is not None or given.data or not given.correct:
        raise UnbraidError(
            "recordings are edited without a model: leave out --model, --data and --no-correct."
        )
    return out


def _notes(path: Path, found: Recording) -> Iterator[str]:
    if told := found.source.told(found.rate):
        yield f"{path}: {told}"


def _write(out: Path, compare: Path | None, shown: list[Named]) -> Iterator[str]:
    _, samples, rate = shown[-1]
    write(out, np.asarray(samples), rate)
    yield str(out)
    if compare is not None:
        draw(compare, shown)
        yield str(compare)
