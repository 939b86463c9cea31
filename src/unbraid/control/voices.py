"""What ``unbraid generate`` does with a model of voices: draw, hear, measure and write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid import sound
from unbraid.control import api, recordings, sounds
from unbraid.control.controller import Controller
from unbraid.control.language.request import Request
from unbraid.core.errors import UnbraidError
from unbraid.core.recordings import write
from unbraid.sound.pictures import RATE

if TYPE_CHECKING:
    from unbraid.runs import Run


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
        """Draw again with the reading error subtracted, and keep the closest."""


def has_voice(controller: Controller, run: Run | Path | None = None) -> bool:
    """Whether what a controller draws are voice pictures, which can be heard.

    Args:
        controller: of a model.
        run: that of the model or its folder, which knows; without, its factors tell.
    """
    if tuple(controller.model.image_shape) != sound.SIGNAL.shape:
        return False
    if {"pitch", "duration", "loudness"} <= {spec.name for spec in controller.specs}:
        return True
    if run is None:
        return False
    from unbraid.runs import Run

    return (Run(run) if isinstance(run, Path) else run).signal == sound.SIGNAL


def speak(
    controller: Controller,
    request: Request,
    n: int = 1,
    seed: int = 0,
    candidates: int = 1,
    correct: bool = True,
) -> list[NDArray[np.float32]]:
    """Return voices that have the requested factors: n sounds, float32 (T,) at 8 kHz.

    The options are those of ``api.draw``. A seed's first voice has the same style whatever is asked
    for, and however many voices there are.
    """
    images = api.draw(controller, request, n, seed, candidates, correct)
    return [sound.sound_of(image, seed + row) for row, image in enumerate(images)]


def generate(controller: Controller, request: Request, given: Drawing) -> Iterator[str]:
    """Draw and write voices; yield the parsed request, what is measured of each, and the paths."""
    out, count = given.out or Path("generated.wav"), 1 if given.n is None else given.n
    if out.suffix.lower() not in (".wav", ".png"):
        raise UnbraidError(
            f"cannot write '{out}': a voice is written as .wav, or as a spectrogram in .png, found "
            f"'{out.suffix or 'no suffix'}'."
        )
    voices = speak(controller, request, count, given.seed, given.candidates, given.correct)
    yield request.describe()
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
    sounds.draw(out, shown)
    yield str(out)
