"""Edits of recordings: pitch, duration, vocal tract and loudness, by formula and without a model.

Whatever is said, and whoever speaks: the recording is analysed, changed and put together again by
``unbraid.sound``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid import sound
from unbraid.control.language.parser import request_of
from unbraid.control.language.request import Request
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec

SUBJECT = "this edit"
# What may be asked for by value; words such as "high" are places between these ends.
HERTZ = (80.0, 280.0)
STRETCH = (0.5, 2.0)  # of the recording's own duration
TRACT = (85.0, 118.0)  # percent of the recording's own vocal tract
LOUDNESS = (-35.0, -15.0)  # dBFS
# Where a change from what the recording has may lead to.
HERTZ_REACHED = (59.5, 400.0)
LOUDNESS_REACHED = (-60.0, -6.0)
NAMES = ("pitch", "duration", "tract", "loudness")


class Edited(NamedTuple):
    """An edited recording.

    Args:
        samples: (N,) float32.
        request: as it was understood.
        before: what was measured of the recording.
        after: what is measured of ``samples``.
    """

    samples: NDArray[np.float32]
    request: Request
    before: sound.Measures
    after: sound.Measures


def semitones(hertz: float) -> float:
    """Return a frequency in semitones from 100 Hz.

    >>> semitones(200)
    12.0
    """
    return 12 * math.log2(hertz / 100)


def specs_of(measured: sound.Measures) -> tuple[FactorSpec, ...]:
    """Return what of a recording can be edited, with the ranges that words and values refer to."""
    low, high = (semitones(end) for end in HERTZ)
    unit = "semitones from 100 Hz"
    short, long = (float(round(share * measured.duration)) for share in STRETCH)
    return (
        FactorSpec("pitch", "continuous", range=(low, high), unit=unit),
        FactorSpec("duration", "continuous", range=(short, long), unit="milliseconds"),
        FactorSpec("tract", "continuous", range=TRACT, unit="per cent"),
        FactorSpec("loudness", "continuous", range=LOUDNESS, unit="dBFS"),
    )


def edit(
    samples: Any, rate: int, text: str = "", *, clip: bool = False, seed: int = 0, **factors: Any
) -> Edited:
    """Return a recording with the requested changes, and everything else kept.

    Args:
        samples: (N,) of one channel, reals in -1..1 or integers in the range of their type.
        rate: samples a second, also of what is returned.
        text: the changes in words, such as ``"an octave higher, 20% slower"``.
        clip: replace a value out of range by the nearest end of the range.
        seed: draws the noise of the voice.
        **factors: the changes by factor, such as ``pitch="220 Hz", loudness=-20``.

    Raises:
        UnbraidError: no recording, an unknown word or value, or one out of range.

    >>> tone = np.sign(np.sin(2 * np.pi * 150 * np.arange(4000) / 8000)) / 9
    >>> found = edit(tone, 8000, "5 semitones higher")
    >>> round(found.before.hertz), round(found.after.hertz)
    (150, 200)
    """
    own = sound.measure(samples, rate)
    specs = specs_of(own)
    request = request_of(specs, factors, clip, text=text, relative=True, subject=SUBJECT)
    wanted = {name: _reached(name, request, own, clip) for name in NAMES if _asked(name, request)}
    made = sound.edit(samples, rate, **wanted, seed=seed)
    return Edited(made, request, own, sound.measure(made, rate))


def swap(
    a: Any, rate: int, b: Any, rate_b: int, names: str | Sequence[str], *, seed: int = 0
) -> Edited:
    """Return recording ``a`` with the named factors of recording ``b``.

    Args:
        a: samples (N,).
        rate: samples a second of ``a`` and of what is returned.
        b: samples (M,).
        rate_b: samples a second of ``b``.
        names: of pitch, duration and loudness, as a list or separated by commas.
        seed: draws the noise of the voice.

    Raises:
        UnbraidError: no recording, another factor, or a value of ``b`` that ``a`` cannot get.
    """
    wanted = _names(names)
    other = sound.measure(b, rate_b)
    own = sound.measure(a, rate)
    values = {name: float(getattr(other, name)) for name in wanted}
    if "pitch" in values and math.isnan(values["pitch"]):
        raise UnbraidError(
            "the second recording has no pitch, as nothing in it is voiced: swap other factors."
        )
    request = Request(values, free=tuple(name for name in NAMES if name not in wanted))
    checked = {name: _reached(name, request, own, False) for name in wanted}
    made = sound.edit(a, rate, **checked, seed=seed)
    return Edited(made, request, own, sound.measure(made, rate))


def described(measured: sound.Measures) -> str:
    """Return what was measured, as a text.

    >>> described(sound.Measures(12.0, 400.4, -20.0))
    'pitch 200 Hz, duration 400 ms, loudness -20.0 dBFS'
    """
    pitch = "no pitch" if math.isnan(measured.pitch) else f"pitch {measured.hertz:.0f} Hz"
    return f"{pitch}, duration {measured.duration:.0f} ms, loudness {measured.loudness:.1f} dBFS"


def _names(names: str | Sequence[str]) -> list[str]:
    """Return the names of factors to swap, checked."""
    parts = names.split(",") if isinstance(names, str) else names
    wanted = [name.strip() for name in parts if name.strip()]
    able = ("pitch", "duration", "loudness")
    if not wanted:
        raise UnbraidError(f"no factor to swap is given: recordings have {', '.join(able)}.")
    for name in wanted:
        if name == "tract":
            raise UnbraidError(
                "tract cannot be swapped, as the vocal tract is not measured from a recording: "
                "swap pitch, duration or loudness, or edit with a value, such as 'tract 90%'."
            )
        if name not in able:
            raise UnbraidError(
                f"unknown factor '{name}'{did_you_mean(name, able)}: of recordings, "
                f"{', '.join(able)} can be swapped."
            )
    return wanted


def _asked(name: str, request: Request) -> bool:
    return name in request.values or name in request.steps


def _reached(name: str, request: Request, own: sound.Measures, clip: bool) -> float:
    """Return the value that a factor shall have, within what can be made."""
    now = 100.0 if name == "tract" else float(getattr(own, name))
    if name == "pitch" and math.isnan(now):
        raise UnbraidError(
            "the recording has no pitch that could be changed, as nothing in it is voiced: leave "
            "the pitch as it is."
        )
    low, high = {
        "pitch": (semitones(HERTZ_REACHED[0]), semitones(HERTZ_REACHED[1])),
        "duration": (STRETCH[0] * own.duration - 0.5, STRETCH[1] * own.duration + 0.5),
        "tract": TRACT,
        "loudness": LOUDNESS_REACHED,
    }[name]
    scale, offset = request.steps.get(name, (1.0, 0.0))
    value = request.values[name] if name in request.values else now * scale + offset
    if not clip and not low - 1e-9 <= value <= high + 1e-9:
        raise UnbraidError(
            f"{name} would be {_shown(name, value)}, from {_shown(name, now)}, and an edit reaches "
            f"{_shown(name, low)} to {_shown(name, high)}: ask for a smaller change, or take the "
            "nearest with --clip (clip=True)."
        )
    return min(max(value, low), high)


def _shown(name: str, value: float) -> str:
    if name == "pitch":
        return f"{100 * 2 ** (value / 12):.0f} Hz"
    unit = {"duration": " ms", "tract": "%", "loudness": " dBFS"}[name]
    return f"{value:.0f}{unit}" if name != "loudness" else f"{value:.1f}{unit}"
