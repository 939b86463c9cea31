"""Pitch, duration, tract and loudness of voice pictures: measuring, removing and setting them.

What ``unbraid.sound`` does with arrays, here with tensors, so that gradients pass: the measures of
a picture, its canonical frame, and the picture of a canonical frame under factors. A frame is
(B, ROWS, 64): the envelope in decibels in 64 mel bands, the loudest frame at 0 dBFS; the contour in
semitones from the pitch; the share of noise in three bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unbraid.core.factors import FactorSpec
from unbraid.sound.canonical import (
    BANDS,
    EDGE,
    FIRST,
    FRAMES,
    LAST,
    OUTSIDE,
    UNVOICED,
    band_hertz,
    noise_at_bands,
    noise_in_bands,
)
from unbraid.sound.measures import (
    ABOVE_NOISE,
    BELOW,
    NOISE_PERCENTILES,
    SILENT,
    SPAN,
    STEADY,
)
from unbraid.sound.measures import (
    STEP as MOMENT,
)
from unbraid.sound.pictures import COLUMN, LEVELS, PITCHES, SIZE, START

ROWS = BANDS + 1 + 3
UNITS = {
    "pitch": "semitones from 100 Hz",
    "duration": "milliseconds",
    "tract": "per cent",
    "loudness": "dBFS",
}
MEASURED = ("pitch", "duration", "loudness")  # by formula; the vocal tract is not
_MOMENTS = round((SIZE - 1) * COLUMN / MOMENT) + 1
_TRIES = 5  # of the time between frames


def columns(specs: Sequence[FactorSpec]) -> dict[str, int] | None:
    """Return the columns of word, pitch, duration, tract and loudness; None unless all are there.

    >>> columns([FactorSpec("pitch", "continuous", range=(0, 1), unit="semitones from 100 Hz")])
    """
    found = {
        spec.name: index
        for index, spec in enumerate(specs)
        if (spec.kind == "continuous" and UNITS.get(spec.name) == spec.unit)
        or (spec.name == "word" and spec.kind == "categorical")
    }
    return found if {"word", *UNITS} <= found.keys() else None


class Measures(NamedTuple):
    """What is measured of pictures, each (B,)."""

    pitch: Tensor  # semitones from 100 Hz; 0 where nothing is voiced
    duration: Tensor  # milliseconds
    loudness: Tensor  # dBFS
    start: Tensor  # seconds from the first column
    top: Tensor  # level of the loudest column, dBFS


def product(left: Tensor, right: Tensor) -> Tensor:
    """Return a matrix product in float32, which autocast would round to bfloat16."""
    with torch.autocast(left.device.type, enabled=False):
        return left.float() @ right.float()


def _constant(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32, device=like.device)


@cache
def _widths() -> np.ndarray:
    """Return the part of 0 to 4 kHz that each band takes, (BANDS,)."""
    centres = band_hertz()
    edges = np.concatenate([[0.0], (centres[1:] + centres[:-1]) / 2, [4000.0]])
    return np.asarray(np.diff(edges) / 4000)


@cache
def _three() -> tuple[np.ndarray, np.ndarray]:
    """Return noise in three bands of that in all, (3, BANDS), and of three in all, (BANDS, 3)."""
    return noise_in_bands(np.eye(BANDS)), noise_at_bands(np.eye(3))


def three_bands(like: Tensor) -> Tensor:
    """Return the matrix (3, BANDS) that takes noise in mel bands to that in three."""
    return _constant(_three()[0], like)


def physical(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the envelope (B, 64, 64) in dB, pitch (B, 64) and noise (B, 64, 64) of pictures."""
    images = images.float()
    low, high = LEVELS
    lowest, highest = PITCHES
    return (
        low + images[:, 0] * (high - low),
        lowest + images[:, 1].mean(1) * (highest - lowest),
        images[:, 2],
    )


def levels_of(envelope: Tensor) -> Tensor:
    """Return the level of frames in dBFS, (B, T), of an envelope (B, BANDS, T)."""
    power = torch.exp(envelope * (np.log(10) / 10))
    total = (power * _constant(_widths(), envelope)[:, None]).sum(1)
    return 10 * torch.log10(total.clamp_min(1e-12))


def _curve(levels: Tensor, step: Tensor) -> Tensor:
    """Return the level around each millisecond, (B, M), of frames (B, T) that are ``step`` apart.

    Args:
        levels: dBFS; silence is before the first and after the last.
        step: seconds, (B,).
    """
    count = levels.shape[1]
    places = torch.arange(_MOMENTS, device=levels.device) * MOMENT / step[:, None]
    low = places.long().clamp_max(count - 2)
    below, above = levels.gather(1, low), levels.gather(1, low + 1)
    fine = below + (places - low).clamp_max(1) * (above - below)  # beyond the last it overflows
    power = torch.exp(fine * (np.log(10) / 10)) * (places <= count - 1)
    width = round(SPAN / 2 / MOMENT) | 1
    for _ in range(2):  # a box twice is a triangle
        power = F.avg_pool1d(power[:, None], width, 1, width // 2)[:, 0]
    mean = power
    return 10 * torch.log10(mean.clamp_min(10 ** (SILENT / 10)))


def _ends(curve: Tensor) -> tuple[Tensor, Tensor]:
    """Return when sounds start and end, in moments, each (B,)."""
    # only the lowest moments: torch.quantile would sort them all
    places = [share / 100 * (curve.shape[1] - 1) for share in NOISE_PERCENTILES]
    low = curve.topk(int(places[-1]) + 2, 1, largest=False).values
    lowest, noise = (torch.lerp(low[:, int(at)], low[:, int(at) + 1], at % 1) for at in places)
    top = curve.amax(1)
    limit = torch.where(
        noise - lowest < STEADY, torch.maximum(top - BELOW, noise + ABOVE_NOISE), top - BELOW
    )
    limit = torch.minimum(limit, top - ABOVE_NOISE)
    start = _crossing(curve, limit[:, None])
    return start, curve.shape[1] - 1 - _crossing(curve.flip(1), limit[:, None])


def _crossing(curve: Tensor, limit: Tensor) -> Tensor:
    first = (curve >= limit).to(torch.uint8).argmax(1, keepdim=True)
    after = curve.gather(1, first)
    rise = after - curve.gather(1, (first - 1).clamp_min(0))
    part = torch.where(first > 0, (after - limit) / rise.clamp_min(1e-12), 0.0)
    return (first - part.clamp_max(1.0))[:, 0]


def _loudness(curve: Tensor) -> Tensor:
    """Return the level of the louder half of sounds between their ends, (B,)."""
    start, stop = (end.round()[:, None] for end in _ends(curve))
    moment = torch.arange(curve.shape[1], device=curve.device)
    within = (moment >= start) & (moment <= stop)
    power = torch.where(within, torch.exp(curve * (np.log(10) / 10)), 0.0)
    power = power.sort(1, descending=True).values
    count = within.sum(1, keepdim=True)
    half = count - count // 2
    total = power.cumsum(1).gather(1, half - 1) / half
    return 10 * torch.log10(total.clamp_min(10 ** (SILENT / 10)))[:, 0]


def _weighted_median(values: Tensor, weights: Tensor) -> Tensor:
    """Return the value at which half of the weights is reached, (B,), of rows (B, T)."""
    values, order = values.sort(1)
    weight = weights.gather(1, order)
    reached = weight.cumsum(1) - weight / 2
    half = weight.sum(1, keepdim=True) / 2
    above = (reached < half).sum(1, keepdim=True).clamp(1, values.shape[1] - 1)
    low, high = reached.gather(1, above - 1), reached.gather(1, above)
    part = ((half - low) / (high - low).clamp_min(1e-30)).clamp(0, 1)
    below = values.gather(1, above - 1)
    return (below + part * (values.gather(1, above) - below))[:, 0]


def measure(images: Tensor) -> Measures:
    """Return what is measured of voice pictures (B, 3, 64, 64) on [0, 1]."""
    envelope, pitch, noise = physical(images)
    levels = levels_of(envelope)
    curve = _curve(levels, torch.full_like(levels[:, 0], COLUMN))
    start, stop = _ends(curve)
    median = middle(envelope, pitch, noise)
    duration = (stop - start).clamp_min(1.0) * (1000 * MOMENT)
    return Measures(median, duration, _loudness(curve), start * MOMENT, levels.amax(1))


def middle(envelope: Tensor, contour: Tensor, noise: Tensor) -> Tensor:
    """Return the energy-weighted median of contours (B, T) over voiced frames, (B,)."""
    levels = levels_of(envelope)
    voiced = noise.amin(1) < UNVOICED
    weight = torch.exp((levels - levels.amax(1, keepdim=True)) * (np.log(10) / 10)) * voiced
    # the others, of no weight, go last: a median lies between voiced frames
    highest = torch.where(voiced, contour, -1e9).amax(1, keepdim=True)
    median = _weighted_median(torch.where(voiced, contour, highest), weight)
    return torch.where(voiced.any(1), median, 0.0)


def hats(places: Tensor, count: int) -> Tensor:
    """Return the matrix (B, count, K) that takes values at 0..count-1 to fractional places (B, K).

    >>> hats(torch.tensor([[0.25]]), 3)[0, :, 0]
    tensor([0.7500, 0.2500, 0.0000])
    """
    index = torch.arange(count, device=places.device, dtype=places.dtype)
    away = (index[:, None] - places[:, None, :].clamp(0, count - 1)).abs()
    return (1 - away).clamp_min(0)


def with_tract(envelope: Tensor, tract: Tensor) -> Tensor:
    """Return envelopes (B, BANDS, T) of an average vocal tract as those of another, per cent (B,).

    That of ``1e4 / tract`` undoes it.
    """
    low, high = (np.log1p(edge / 700) for edge in band_hertz()[[0, -1]])
    hertz = _constant(band_hertz(), envelope) * (tract[:, None] / 100)
    row = (torch.log1p(hertz / 700) - low) / (high - low) * (BANDS - 1)
    return product(hats(row, BANDS).transpose(1, 2), envelope)


def _frame_places(start: Tensor, duration: Tensor) -> Tensor:
    """Return at which columns of a picture the canonical frames are, (B, FRAMES)."""
    frame = torch.arange(FRAMES, device=start.device) - FIRST
    seconds = start[:, None] + frame * (duration[:, None] / 1000 / (LAST - FIRST))
    return seconds / COLUMN


def frames_of(images: Tensor, found: Measures) -> Tensor:
    """Return pictures in the canonical frame of their own vocal tract, (B, ROWS, FRAMES)."""
    envelope, pitch, noise = physical(images)
    matrix = hats(_frame_places(found.start, found.duration), SIZE)
    bands = product(three_bands(noise), noise)
    contour = (pitch - found.pitch[:, None])[:, None]
    return product(torch.cat([envelope - found.top[:, None, None], contour, bands], 1), matrix)


def split(frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the envelope (B, BANDS, T), contour (B, T) and noise (B, 3, T) of frames."""
    return frames[:, :BANDS], frames[:, BANDS], frames[:, BANDS + 1 :]


def clear_ends(envelope: Tensor) -> Tensor:
    """Return envelopes that start and end at their frames, see ``sound.canonical``."""
    levels = levels_of(envelope)
    away = levels - levels.amax(1, keepdim=True)
    frame = torch.arange(FRAMES, device=envelope.device)
    edge = ((frame >= FIRST) & (frame <= FIRST + 1)) | ((frame >= LAST - 1) & (frame <= LAST))
    gain = torch.where(edge, (EDGE - away).clamp_min(0), 0.0)
    gain = torch.where((frame < FIRST) | (frame > LAST), (OUTSIDE - away).clamp_max(0), gain)
    return envelope + gain[:, None]


class Asked(NamedTuple):
    """Factors to put on frames, each (B,)."""

    pitch: Tensor
    duration: Tensor  # milliseconds
    tract: Tensor  # per cent
    loudness: Tensor  # dBFS


def seen(frames: Tensor, found: Measures, tract: Tensor) -> Tensor:
    """Return frames as columns of pictures that were measured, (B, ROWS, 64), in their units.

    The envelope relative to the loudest column; before and after the frames, the first and last.
    """
    envelope, contour, noise = split(frames)
    warped = clear_ends(with_tract(envelope, tract))
    warped = warped - levels_of(warped).amax(1)[:, None, None]
    step = found.duration / 1000 / (LAST - FIRST)
    column = torch.arange(SIZE, device=frames.device)
    places = (column * COLUMN - found.start[:, None]) / step[:, None] + FIRST
    return product(torch.cat([warped, contour[:, None], noise], 1), hats(places, FRAMES))


def paint(frames: Tensor, asked: Asked) -> Tensor:
    """Return voice pictures (B, 3, 64, 64) on [0, 1] of frames (B, ROWS, FRAMES) under factors.

    As ``unbraid.sound.paint``, but for the rounding to 256 levels.
    """
    envelope, contour, noise = split(frames.float())
    warped = clear_ends(with_tract(envelope, asked.tract))
    step = _step_for(levels_of(warped), asked.duration / 1000)
    column = torch.arange(SIZE, device=frames.device)
    places = FIRST + (column * COLUMN - START) / step[:, None]
    silent = ((places < 0) | (places > FRAMES - 1))[:, None]
    matrix = hats(places, FRAMES)
    painted = torch.where(silent, LEVELS[0] - 60.0, product(warped, matrix))
    curve = _curve(levels_of(painted), torch.full_like(step, COLUMN))
    bands = _constant(_three()[1], frames)
    share = torch.where(silent, 1.0, product(bands, product(noise, matrix)))
    height = product(contour[:, None], matrix)[:, 0]
    height = height - middle(painted, height, share)[:, None] + asked.pitch[:, None]
    painted = painted + (asked.loudness - _loudness(curve))[:, None, None]
    return torch.stack(
        [
            _unit(painted, LEVELS),
            _unit(height, PITCHES)[:, None].expand(-1, SIZE, -1),
            share.clamp(0, 1),
        ],
        1,
    )


def _unit(values: Tensor, limits: tuple[float, float]) -> Tensor:
    low, high = limits
    return ((values - low) / (high - low)).clamp(0, 1)


def _step_for(levels: Tensor, duration: Tensor) -> Tensor:
    """Return the seconds between frames at which sounds last so long, (B,)."""
    step = duration / FRAMES
    for _ in range(_TRIES):
        start, stop = _ends(_curve(levels, step))
        step = step * (duration / ((stop - start) * MOMENT).clamp_min(MOMENT)).clamp(0.5, 2.0)
    return step
