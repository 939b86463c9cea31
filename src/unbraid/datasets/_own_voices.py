"""Recordings of words as voice pictures: read, brought to one level, cut and painted."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid import sound
from unbraid.core import memory
from unbraid.core.errors import UnbraidError
from unbraid.core.recordings import CLIPPED, OFFSET, Source, read
from unbraid.datasets._cache import cached
from unbraid.datasets._folder import read_each
from unbraid.sound.measures import STEP, ends, level_curve_of_samples, loudness_of

VERSION = 3  # of all that shapes the pictures
RATE = 8000  # samples a second that are analysed
LONGEST = 0.9  # seconds of a word that a picture holds
MARGIN = 0.05  # seconds left before and after a part that is cut out
USUAL = -25.0  # dBFS that the median recording is brought to
PER_SECOND = 40.0  # recordings that a core analyses
TOLD = 3.0  # seconds from which on an analysis is announced
LEVELS = (-50.0, -10.0)  # dBFS that each is brought into, so that the picture holds it


class Facts(NamedTuple):
    """What was found in a recording, as columns (N,) of a stored array."""

    rate: NDArray[np.float64]
    channels: NDArray[np.float64]
    clipped: NDArray[np.float64]
    offset: NDArray[np.float64]
    cancelled: NDArray[np.float64]
    loudness: NDArray[np.float64]  # dBFS; NaN if it cannot be read
    seconds: NDArray[np.float64]  # between the ends of the sound


def pictures_of(
    paths: Sequence[Path], rows: Sequence[int], skip_broken: bool | None
) -> tuple[NDArray[np.uint8], list[int], str]:
    """Return voice pictures of files, their places among ``rows``, and what was done to all.

    The level of all files together decides by how much all are made louder, so that loudness stays
    a factor and both splits agree.

    Args:
        paths: of all recordings, of both splits.
        rows: those whose pictures are returned.
        skip_broken: leave out files that cannot be read, with a warning; None where the reader of
            the data has no such option.

    Raises:
        UnbraidError: files that cannot be read, without ``skip_broken``.
    """
    memory.check(len(paths) * 3 * 64 * 64, f"{len(paths):,} voice pictures", "use fewer recordings")
    key = hashlib.sha256(repr(VERSION).encode())
    with ThreadPoolExecutor() as threads:
        for digest in threads.map(_digest, paths):
            key.update(digest)
        name = f"recordings-{key.hexdigest()[:24]}"
        name, facts, reasons = _facts(name, paths, threads)
        known = ~np.isnan(facts.loudness)
        chosen = [paths[row] for row in rows]
        kept = read_each(
            chosen, lambda place: reasons.get(rows[place]), skip_broken, threads, "recording"
        )
        gains = _gains(facts, known)

        def painted() -> NDArray[np.uint8]:
            seconds = len(paths) / PER_SECOND
            if seconds >= TOLD:
                print(
                    f"analysing {len(paths):,} recordings, once: about {seconds:.0f} seconds",
                    file=sys.stderr,
                    flush=True,
                )
            made = threads.map(_painted, paths, gains)
            return np.stack([np.zeros((3, 64, 64), np.uint8) if m is None else m for m in made])

        images = cached(f"{name}-pictures", painted)
    return images[np.asarray(rows)[kept]], kept, _told(facts, known, gains)


def _digest(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:  # reading it reports why
        return bytes(hashlib.sha256().digest_size)


def _reason(path: Path) -> str | None:
    """Return why a recording cannot be read, None if it can."""
    try:
        read(path, RATE)
    except UnbraidError as error:
        return str(error).removeprefix("cannot read ").removeprefix(f"{path} ").rstrip(".")
    return None


def _facts(
    name: str, paths: Sequence[Path], threads: ThreadPoolExecutor
) -> tuple[str, Facts, dict[int, str]]:
    """Return the name under which pictures are kept, the facts, and why rows cannot be read."""

    def stored() -> tuple[Facts, dict[int, str | None]]:
        facts = Facts(*cached(f"{name}-facts", lambda: np.array(_found(paths, threads))))
        lost = np.flatnonzero(np.isnan(facts.loudness)).tolist()
        return facts, dict(zip(lost, threads.map(_reason, [paths[r] for r in lost]), strict=True))

    facts, reasons = stored()
    # a file may be read now that could not be before, since a decoder has been installed
    if since := [row for row, reason in reasons.items() if reason is None]:
        name += f"-{hashlib.sha256(repr(since).encode()).hexdigest()[:8]}"
        facts, reasons = stored()
    return name, facts, {row: reason or "it changes" for row, reason in reasons.items()}


def _found(paths: Sequence[Path], threads: ThreadPoolExecutor) -> Facts:
    def of(path: Path) -> tuple[float, ...]:
        try:
            found = read(path, RATE)
        except UnbraidError:
            return (np.nan,) * len(Facts._fields)
        curve = level_curve_of_samples(found.samples.astype(np.float64), RATE)
        start, stop = ends(curve)
        was: Source = found.source
        return (
            *(was.rate, was.channels, was.clipped, was.offset, was.cancelled),
            *(float(loudness_of(curve)), float(stop - start)),
        )

    return Facts(*np.array(list(threads.map(of, paths)), np.float64).T)


def _gains(facts: Facts, known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the decibels by which each is made louder, NaN where it is not known."""
    if not known.any():
        return facts.loudness
    common = USUAL - float(np.median(facts.loudness[known]))
    return np.asarray(np.clip(facts.loudness + common, *LEVELS) - facts.loudness)


def _painted(path: Path, gain: float) -> NDArray[np.uint8] | None:
    """Return the voice picture (3, 64, 64) of a recording, None if it cannot be read."""
    if np.isnan(gain):
        return None
    samples = read(path, RATE).samples.astype(np.float64) * 10 ** (gain / 20)
    word = _word(samples)
    frame, factors = sound.canonical_of(sound.analyse(word, RATE))
    # as ``sound.measure`` reads them of the samples; frames of an analysis are longer than moments
    curve = level_curve_of_samples(word, RATE)
    start, stop = ends(curve)
    measured = {"duration": 1000 * float(stop - start), "loudness": float(loudness_of(curve))}
    return sound.picture_of(frame, replace(factors, **measured))


def _word(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the part of samples (N,) that a picture holds: that of the most energy."""
    curve = level_curve_of_samples(samples, RATE)
    start, stop = (float(end) for end in ends(curve))
    if stop - start > LONGEST:
        within = np.cumsum(np.concatenate([[0.0], 10 ** (curve / 10)]))
        width = round(LONGEST / STEP)
        start = int((within[width:] - within[:-width]).argmax()) * STEP
        stop = start + LONGEST
        return samples[round(start * RATE) : round(stop * RATE)]
    first = max(round((start - MARGIN) * RATE), 0)
    return samples[first : round((stop + MARGIN) * RATE)]


def _told(facts: Facts, known: NDArray[np.bool_], gains: NDArray[np.float64]) -> str:
    """Return one sentence on what was done to the recordings.

    >>> one = np.ones(9)
    >>> facts = Facts(44_100 * one, 2 * one, 0 * one, 0 * one, 0 * one, -40 * one, 0.5 * one)
    >>> _told(facts, one > 0, 15 * one).partition("; silence")[0]
    '9 recordings: 44,100 Hz converted to 8,000; 9 of several channels averaged'
    """
    if not known.any():
        return ""
    found = Facts(*(column[known] for column in facts))
    rates = Counter(int(rate) for rate in found.rate)
    parts = []
    if set(rates) != {RATE}:
        ends_of = f"{min(rates):,}" + (f" to {max(rates):,}" if len(rates) > 1 else "")
        parts.append(f"{ends_of} Hz converted to {RATE:,}")
    cancelled = found.cancelled > 0
    common = float(np.median(gains[known]))
    counts = {
        "of several channels averaged": (found.channels > 1) & ~cancelled,
        "whose channels cancel each other reduced to the loudest one": cancelled,
        "freed of an offset": np.abs(found.offset) >= OFFSET,
        f"longer than {LONGEST:g} s cut to the part with the most energy": found.seconds > LONGEST,
        "clipped in more than 1% of their samples": found.clipped > CLIPPED,
    }
    parts += [f"{int(which.sum()):,} {what}" for what, which in counts.items() if which.any()]
    parts.append("silence before and after cut off")
    if abs(common) >= 0.05:
        way = "louder" if common > 0 else "quieter"
        parts.append(f"all made {abs(common):.1f} dB {way}")
    others = np.abs(gains[known] - common) > 0.05
    if others.any():
        parts.append(f"{int(others.sum()):,} brought into {LEVELS[0]:g} to {LEVELS[1]:g} dBFS")
    plural = "" if known.sum() == 1 else "s"
    return f"{known.sum():,} recording{plural}: {'; '.join(parts)}."
