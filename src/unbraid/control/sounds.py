"""What ``unbraid generate``, ``edit`` and ``swap`` do with voices and recordings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid import pictures, sound
from unbraid.control import api, recordings
from unbraid.control.controller import Controller
from unbraid.control.language.request import Request
from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, expand
from unbraid.core.recordings import Recording, check_wav, is_sound, read, write
from unbraid.sound.pictures import RATE


class Options(Protocol):
    """Options that both commands have."""

    @property
    def out(self) -> Path | None:
        """The WAV to write."""

    @property
    def compare(self) -> Path | None:
        """A PNG to write."""

    @property
    def model(self) -> Path | None:
        """Not of recordings."""

    @property
    def data(self) -> str:
        """Not of recordings."""


class Drawing(Protocol):
    """Options of ``unbraid generate``."""

    @property
    def out(self) -> Path | None:
        """The WAV or PNG to write."""

    @property
    def n(self) -> int | None:
        """How many voices."""

    @property
    def seed(self) -> int:
        """Of free factors and styles."""

    @property
    def candidates(self) -> int:
        """Voices drawn for each one."""

    @property
    def correct(self) -> bool:
        """Draw once more with the reading error subtracted."""


Named = tuple[str, NDArray[Any], int]


def has_voice(controller: Controller) -> bool:
    """Whether what a controller draws are voice pictures, which can be heard."""
    names = {spec.name for spec in controller.specs}
    shape = tuple(controller.model.image_shape)
    return shape == sound.SIGNAL.shape and {"pitch", "duration", "loudness"} <= names


def generate(controller: Controller, request: Request, given: Drawing) -> Iterator[str]:
    """Draw and write voices; yield the parsed request, what is measured of each, and the paths."""
    out, count = given.out or Path("generated.wav"), 1 if given.n is None else given.n
    if out.suffix.lower() not in (".wav", ".png"):
        raise UnbraidError(
            f"cannot write '{out}': a voice is written as .wav, or as a spectrogram in .png, found "
            f"'{out.suffix or 'no suffix'}'."
        )
    images = api.draw(controller, request, count, given.seed, given.candidates, given.correct)
    yield request.describe()
    voices = [sound.sound_of(image, given.seed + row) for row, image in enumerate(images)]
    names = [f"{out.stem}-{row + 1}" for row in range(count)] if count > 1 else [out.stem]
    told = [recordings.described(sound.measure(samples, RATE)) for samples in voices]
    yield from (
        f"measured{f' of {name}' if count > 1 else ''}: {each}"
        for name, each in zip(names, told, strict=True)
    )
    if out.suffix.lower() == ".wav":
        for name, samples in zip(names, voices, strict=True):
            path = out.with_name(name + out.suffix)
            write(path, samples, RATE)
            yield str(path)
        return
    shown = [(each, samples, RATE) for each, samples in zip(told, voices, strict=True)]
    _draw(out, shown)
    yield str(out)


def _draw(path: Path, shown: list[Named]) -> None:
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
    if given.model is not None or given.data:
        raise UnbraidError("recordings are edited without a model: leave out --model and --data.")
    return out


def _notes(path: Path, found: Recording) -> Iterator[str]:
    if told := found.source.told(found.rate):
        yield f"{path}: {told}"


def _write(out: Path, compare: Path | None, shown: list[Named]) -> Iterator[str]:
    _, samples, rate = shown[-1]
    write(out, np.asarray(samples), rate)
    yield str(out)
    if compare is not None:
        _draw(compare, shown)
        yield str(compare)
