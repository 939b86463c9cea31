"""``unbraid show`` of voice pictures: spectrograms, strips of factors, and a page of sounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid import sound, spectrograms
from unbraid.core.factors import FactorSpec
from unbraid.core.recordings import wav_bytes
from unbraid.core.subsets import drawing
from unbraid.datasets import Dataset
from unbraid.figures import show
from unbraid.figures._style import folded, new_figure, short
from unbraid.pages import document, html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATE = 8000  # samples a second of what is heard
SECONDS = 1.0  # that a place of the figure shows
_WIDTH, _HEIGHT = 10.0, 0.95  # inches of the figure and of one of its rows
# Of any voice, whether or not they are factors of the data: its pictures are painted again.
VOICE = (
    FactorSpec("pitch", "continuous", range=(-3.86, 17.82), unit="semitones from 100 Hz"),
    FactorSpec("duration", "continuous", range=(250.0, 800.0), unit="milliseconds"),
    FactorSpec("tract", "continuous", range=(85.0, 118.0), unit="per cent"),
    FactorSpec("loudness", "continuous", range=(-35.0, -15.0), unit="dBFS"),
)


class Row(NamedTuple):
    """Sounds that belong together: their pictures, what each is, and what the row shows."""

    name: str
    images: NDArray[np.uint8]
    labels: tuple[str, ...]


def samples_of(dataset: Dataset, config: show.Config) -> Row:
    """Return a random sample of a data set, with the factors of each."""
    count = min(config.rows * config.columns, len(dataset))
    rows = np.sort(drawing(config.seed).choice(len(dataset), count, replace=False))
    moving = [spec for spec in dataset.specs if show.moves(spec)]
    labels = (
        ", ".join(said(spec, dataset.factor(spec.name)[row]) for spec in moving) for row in rows
    )
    return Row("samples", np.asarray(dataset.images[rows]), tuple(labels))


def strips_of(dataset: Dataset, config: show.Config) -> Iterator[Row]:
    """Yield a strip for each factor that moves, and for the pitch, duration, tract and loudness."""
    moving = [spec for spec in dataset.specs if show.moves(spec)]
    base = show.middle_row(dataset, moving) if moving else 0
    named = [spec.name for spec in moving]
    for spec in (*moving, *(spec for spec in VOICE if spec.name not in named)):
        values = show.steps(spec, config.steps)
        vary = getattr(dataset, "vary", None) if spec.name in named else None
        if vary is not None:
            images = vary(base, spec.name, values)
        elif spec.name in {each.name for each in VOICE}:
            images = varied(np.asarray(dataset.images[base : base + 1])[0], spec.name, values)
        else:
            rows = show.nearest_rows(dataset, spec, values, base)
            images, values = np.asarray(dataset.images[rows]), dataset.factor(spec.name)[rows]
        yield Row(spec.name, images, tuple(said(spec, value) for value in values))


def varied(image: NDArray[np.uint8], name: str, values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return a voice picture (3, 64, 64) with one of a voice's factors at given values.

    The vocal tract is in percent of the picture's own.
    """
    frame, factors = sound.canonical_of_picture(image)
    changed = [replace(factors, **{name: float(value)}) for value in values]
    return np.stack([sound.picture_of(frame, each) for each in changed])


def said(spec: FactorSpec, stored: Any) -> str:
    """Return a stored value in the factor's own words and unit, a pitch in hertz."""
    if np.isnan(stored):
        return "?"
    if spec.values is not None:
        value = spec.values[int(stored)]
        return short(value if isinstance(value, str) else f"{value:g}")
    if spec.unit.startswith("semitones from 100"):
        return f"{100 * 2 ** (stored / 12):.0f} Hz"
    shorter = {"": "", "per cent": "%", "milliseconds": " ms"}
    return f"{stored:.3g}{shorter.get(spec.unit, f' {spec.unit}')}"


def draw(dataset: Dataset, config: show.Config) -> Figure:
    """Draw samples and strips as spectrograms, each with its pitch, then the associations."""
    chosen = samples_of(dataset, config)
    wide = config.columns
    rows = [
        Row("", chosen.images[at : at + wide], chosen.labels[at : at + wide])
        for at in range(0, len(chosen.images), wide)
    ]
    count = len(rows)
    rows += strips_of(dataset, config)
    heard = [[sound.sound_of(image) for image in row.images] for row in rows]
    top = spectrograms.top_of([each for row in heard for each in row], RATE)
    moving = [spec for spec in dataset.specs if show.moves(spec)]
    several = len(moving) > 1
    heights = [_HEIGHT + 0.1 * len(_folded(row, wide)[0].splitlines()) for row in rows[:count]]
    heights += [_HEIGHT + 0.1] * (len(rows) - count)
    parts = [sum(heights) + 0.6, *([0.9 + 0.4 * len(moving)] * several)]
    figure = new_figure(_WIDTH, sum(parts), layout="constrained")
    above, *below = figure.subfigures(len(parts), 1, squeeze=False, height_ratios=parts)[:, 0]
    axes = above.subplots(len(rows), 1, squeeze=False, height_ratios=heights)[:, 0]
    for place, (ax, row, sounds) in enumerate(zip(axes, rows, heard, strict=True)):
        contours = [_contour(image) for image in row.images]
        across = wide if place < count else max(config.steps, len(row.images))
        spectrograms.draw_row(
            ax,
            sounds,
            RATE,
            top=top,
            seconds=SECONDS,
            places=across,
            contours=contours,
            labels=_folded(row, across),
        )
        ax.set_ylabel(f"{short(row.name)}\nHz" if row.name else "Hz", fontsize=7)
    names = ", ".join(short(spec.name) for spec in moving)
    title = f"{short(dataset.name)}, {dataset.split}: {len(dataset):,} sounds"
    title += f"; above each: {names}" if names else ""
    above.suptitle(
        f"{title}\nacross: seconds; up: hertz; line: pitch; colour: {top - spectrograms.SPAN:.0f} "
        f"to {top:.0f} dBFS",
        fontsize=9,
        x=0.01,
        ha="left",
    )
    for part in below:
        show.matrix(part.subplots(), dataset, moving, config)
    return figure


def _folded(row: Row, places: int) -> list[str]:
    """Return the labels of a row folded to the width of a place; a line at least."""
    return [folded(label or " ", 0.88 * _WIDTH / places, 6, 3) for label in row.labels]


def _contour(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the fundamental frequency of a picture's sound, 0 where unvoiced."""
    return np.asarray(sound.voice_of_picture(image).f0)


def page(dataset: Dataset, config: show.Config) -> str:
    """Return a page on which the samples and strips are heard: one HTML file, nothing beside it."""
    rows = [samples_of(dataset, config), *strips_of(dataset, config)]
    heard = [[sound.sound_of(image) for image in row.images] for row in rows]
    top = spectrograms.top_of([each for row in heard for each in row], RATE)
    chapters = [
        document.Chapter(
            f"sounds-{place}",
            "Samples" if row.name == "samples" else f"{short(row.name)} alone",
            _words(dataset, row) + html.sounds(_cells(row, sounds, top), row.name, place > 0),
        )
        for place, (row, sounds) in enumerate(zip(rows, heard, strict=True))
    ]
    title = f"{dataset.name}, {dataset.split}: {len(dataset):,} sounds"
    intro = html.paragraph(
        "Press a picture to hear it; the arrow keys go on to the next one. Pictures are "
        f"spectrograms: across, 0 to {SECONDS:g} s; up, 0 to {spectrograms.HIGHEST:,.0f} Hz; "
        f"colours from {top - spectrograms.SPAN:.0f} to {top:.0f} dBFS. What is heard is what "
        "models see: each sound is made from its voice picture."
    )
    count = sum(len(row.images) for row in rows)
    state = document.State(f"{count} sounds of 8,000 samples a second.", False)
    notes = "".join(html.paragraph(html.text(note)) for note in dataset.notes)
    foot = notes or html.paragraph("Written by unbraid show.")
    return document.render(title, intro, chapters, state, foot, generator="unbraid show")


def _words(dataset: Dataset, row: Row) -> str:
    if row.name == "samples":
        names = ", ".join(spec.name for spec in dataset.specs if show.moves(spec))
        told = f"Below each: {names}." if names else "No factors are known."
        return html.paragraph(html.text(f"A random sample. {told}"))
    if row.name in {spec.name for spec in VOICE} or hasattr(dataset, "vary"):
        return html.paragraph(
            html.text(f"One recording, of which the {row.name} changes and nothing else.")
        )
    return html.paragraph(
        html.text(f"For each {row.name}, the recording whose other factors are nearest.")
    )


def _cells(row: Row, sounds: Sequence[NDArray[np.float32]], top: float) -> list[str]:
    """Return the sounds of a row as parts of the page."""
    found = []
    for samples, label in zip(sounds, row.labels, strict=True):
        shown = spectrograms.png(samples, RATE, top=top, seconds=SECONDS)
        name = label if row.name == "samples" else f"{row.name} {label}"
        found.append(
            html.sound(*shown[:1], wav_bytes(samples, RATE), name or "a sample", label, *shown[1:])
        )
    return found
