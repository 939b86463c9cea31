"""Spectrograms of sounds: level by time and frequency, on axes in seconds and hertz."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WINDOW = 0.025  # seconds of a Hann window
HOP = 0.004  # seconds between columns
SPAN = 70.0  # decibels from the darkest to the brightest
HIGHEST = 4000.0  # hertz shown
BINS = 128  # rows of a picture
COLORMAP = "magma"  # rises in lightness, so that it can be read in grey
CONTOUR = "#35d0e6"


def spectrogram(samples: NDArray[Any], rate: int) -> NDArray[np.float64]:
    """Return levels in dBFS, (BINS, T): rows from 0 to 4 kHz, columns 4 ms apart.

    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    >>> levels = spectrogram(tone, 8000)
    >>> levels.shape, int(levels[:, 100].argmax())
    ((128, 250), 32)
    """
    length, hop = round(WINDOW * rate), round(HOP * rate)
    window = np.hanning(length + 2)[1:-1]
    count = max(-(-len(samples) // hop), 1)
    padded = np.pad(np.asarray(samples, np.float64), (length // 2, length + hop))
    pieces = padded[(np.arange(count) * hop)[:, None] + np.arange(length)] * window
    spectra = np.abs(np.fft.rfft(pieces, 1 << (2 * length - 1).bit_length(), axis=1))
    power = (2 * spectra / window.sum()) ** 2
    hertz = np.linspace(0, rate / 2, power.shape[1])
    wanted = np.linspace(0, HIGHEST, BINS + 1)[:-1] + HIGHEST / BINS / 2
    row = np.interp(wanted, hertz, np.arange(len(hertz)))
    low = np.minimum(row.astype(np.int64), power.shape[1] - 2)
    found = power[:, low] + (row - low) * (power[:, low + 1] - power[:, low])
    found[:, wanted > rate / 2] = 0
    return np.asarray(10 * np.log10(found.T + 1e-12))


def picture(levels: NDArray[np.float64], top: float) -> NDArray[np.uint8]:
    """Return levels (F, T) in the colour map, (F, T, 3), the highest frequency first.

    Args:
        levels: decibels.
        top: those of the brightest colour; 70 below are the darkest.
    """
    from matplotlib import colormaps

    table = np.rint(colormaps[COLORMAP](np.arange(256))[:, :3] * 255).astype(np.uint8)
    shares = np.clip((levels[::-1] - top) / SPAN + 1, 0, 1)
    return np.asarray(table[np.rint(shares * 255).astype(np.int64)])


class Png(NamedTuple):
    """A spectrogram as a PNG file, and its size in pixels."""

    data: bytes
    width: int
    height: int


def png(
    samples: NDArray[Any],
    rate: int,
    *,
    top: float,
    seconds: float,
    colours: int = 256,
    reduced: int = 1,
) -> Png:
    """Return a spectrogram without axes as a PNG file, silence after its end.

    Args:
        samples: (N,).
        rate: samples a second.
        top: decibels of the brightest colour.
        seconds: its width.
        colours: at most; fewer make a smaller file.
        reduced: how many columns and rows become one, which makes a smaller file, too.
    """
    columns = round(seconds / HOP)
    levels = np.full((BINS, columns), top - SPAN)
    made = spectrogram(samples, rate)[:, :columns]
    levels[:, : made.shape[1]] = made
    file = io.BytesIO()
    shown = Image.fromarray(picture(levels, top)).reduce(reduced)
    shown.quantize(colours).save(file, format="png", optimize=True)
    return Png(file.getvalue(), shown.width, shown.height)


def top_of(sounds: Sequence[NDArray[Any]], rate: int) -> float:
    """Return the level of the brightest colour for all of several sounds."""
    return max(float(spectrogram(each, rate).max()) for each in sounds)


def draw_row(
    ax: Axes,
    sounds: Sequence[NDArray[Any]],
    rate: int,
    *,
    top: float,
    seconds: float,
    places: int = 0,
    contours: Sequence[NDArray[Any] | None] = (),
    labels: Sequence[str] = (),
) -> None:
    """Draw sounds beside each other in one frame, each with an axis of seconds from 0.

    Args:
        ax: where to.
        sounds: samples, (N,) each.
        rate: samples a second.
        top: decibels of the brightest colour.
        seconds: width of a sound's place.
        places: in the row; as many as there are sounds if 0.
        contours: of each, fundamental frequencies in hertz at evenly spaced times, 0 or NaN where
            unvoiced; None for none.
        labels: written above each.
    """
    columns, gap = round(seconds / HOP), max(round(0.06 * seconds / HOP), 1)
    places = max(places, len(sounds))
    shown = np.full((BINS, places * (columns + gap) - gap, 3), 255, np.uint8)
    ticks, names = [], []
    for place, each in enumerate(sounds):
        levels = np.full((BINS, columns), top - SPAN)
        made = spectrogram(each, rate)[:, :columns]
        levels[:, : made.shape[1]] = made
        left = place * (columns + gap)
        shown[:, left : left + columns] = picture(levels, top)
        step = 0.5 if seconds > 0.6 else 0.2
        for time in np.arange(0, seconds - 0.15 * step, step):
            ticks.append(left + time / HOP)
            names.append(f"{time:g}")
        if place < len(contours) and (contour := contours[place]) is not None:
            times = left + np.linspace(0, len(each) / rate / HOP, len(contour), endpoint=False)
            heights = np.where(np.nan_to_num(contour) > 0, contour, np.nan)
            inside = times < left + columns
            ax.plot(times[inside], heights[inside], color=CONTOUR, linewidth=0.9)
        if place < len(labels):
            middle = left + columns / 2
            ax.text(middle, HIGHEST * 1.03, labels[place], fontsize=6, ha="center", va="bottom")
    ax.imshow(
        shown,
        extent=(-0.5, shown.shape[1] - 0.5, 0, HIGHEST),
        aspect="auto",
        interpolation="nearest",
    )
    ax.set_xticks(ticks, names, fontsize=5.5)
    ax.set_yticks([0, 1000, 2000, 3000, 4000], ["0", "1,000", "2,000", "3,000", "4,000"])
    ax.tick_params(labelsize=5.5, length=2, width=0.5, pad=1.5)
    ax.set_xlim(-0.5, shown.shape[1] - 0.5)
    ax.set_ylim(0, HIGHEST)
    ax.spines[:].set_visible(False)


def sheet(named: Sequence[tuple[str, NDArray[Any], int]]) -> Figure:
    """Return a figure of sounds of any rate below each other, on one scale of time and of level.

    It is independent of the user's settings of matplotlib, and names are no formulas.

    Args:
        named: what each is, its samples (N,), and its samples a second.
    """
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams["text.parse_math"] = False
        return _sheet(named)


def _sheet(named: Sequence[tuple[str, NDArray[Any], int]]) -> Figure:
    from matplotlib.figure import Figure

    seconds = max(len(samples) / rate for _, samples, rate in named)
    top = max(float(spectrogram(samples, rate).max()) for _, samples, rate in named)
    figure = Figure(figsize=(5.5, 1.9 * len(named)), layout="constrained")
    rows = figure.subplots(len(named), 1, squeeze=False)[:, 0]
    for ax, (name, samples, rate) in zip(rows, named, strict=True):
        contour = _contour(samples, rate)
        draw_row(ax, [samples], rate, top=top, seconds=seconds, contours=[contour])
        ticks = list(ax.get_xticks())
        ax.set_xticks(ticks, [f"{t * HOP:g}" for t in ticks])
        ax.tick_params(labelsize=7)
        ax.set_title(name, fontsize=8, loc="left")
        ax.set_title("line: pitch", fontsize=7, loc="right")
        ax.set_ylabel("Hz", fontsize=8)
    rows[-1].set_xlabel("s", fontsize=8)
    return figure


def _contour(samples: NDArray[Any], rate: int) -> NDArray[np.float64]:
    from unbraid.sound.pitch import folded, track

    times = np.arange(max(int(len(samples) / rate / 0.01), 2)) * 0.01
    return folded(track(np.asarray(samples, np.float64), rate, times.astype(np.float64)))
