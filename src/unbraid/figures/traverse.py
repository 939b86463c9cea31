"""Latent traversals: one latent is varied at a time, the others stay at the code of an image.

Where a code has a categorical latent, its values are the columns, and a continuous latent is varied
along the rows of a block, as in figure 2 of Chen et al. 2016, "InfoGAN".
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.figures._latents import latent_names
from unbraid.figures._style import (
    as_pictures,
    check_drawable,
    folded,
    frame,
    image_grid,
    label_width,
    new_figure,
    short,
    styled,
    text_width,
    tile_side,
    title,
    which,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from unbraid.figures._categories import Order
    from unbraid.figures._codes import Codes, Latent
    from unbraid.methods import Method
    from unbraid.runs import Run

TARGET = "run"
LIMIT = 2000  # images whose codes give the ranges
FRAMES = 24  # of one swing there and back
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Config:
    """Options of the figure.

    Args:
        latents: which ones, such as ``z3 z0``; if not given, those of the largest KL (of the
            largest variance where there is no KL). Naming a categorical one, such as ``c0``, gives
            it a row like the others.
        rows: how many latents, at most; 0 is 10, or 3 where columns are categories.
        steps: images of a latent; 0 is 11, or 5 where columns are categories.
        low: where a latent's range starts, as a quantile of its codes of held-out images.
        high: where it ends.
        center: values of the other latents: the code of a held-out ``image``, or ``zero``.
        image: which of the held-out images, counted from 0.
    """

    latents: tuple[str, ...] = ()
    rows: int = 0
    steps: int = 0
    low: float = 0.02
    high: float = 0.98
    center: Literal["image", "zero"] = "image"
    image: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "latents", latent_names(self.latents))


@styled
def draw(run: Run, config: Config) -> Figure:
    """Draw a row (a block of rows) for each latent, that of the largest KL first, over its range.

    The range is that of the aggregate posterior: quantiles of codes drawn for held-out images.

    >>> draw(Run("runs/vae-mnist-0"), Config(rows=5))  # doctest: +SKIP
    """
    moved = Traversal(run, config)
    steps = np.linspace(0, 1, moved.steps)
    if moved.order is not None:
        return _draw_categories(run, moved, moved.order, steps)
    rows = [moved.pictures(latent, steps) for latent in moved.latents]
    names = [latent.label for latent in moved.latents]
    ranges = [moved.range_label(latent) for latent in moved.latents]
    figure, (ax,) = image_grid(
        [np.stack(rows)],
        title(run, "latent traversals"),
        moved.note(),
        left=label_width(names),
        right=label_width(ranges),
        below=0.25,
        foot=0.25 if run.signal.axes else 0.0,
        signal=run.signal,
    )
    middles = np.arange(len(rows)) + 0.5
    ax.set_yticks(middles, names)
    ax.set_xlabel(
        f"from the {config.low:.0%} to the {config.high:.0%} quantile of a latent's codes"
    )
    other = ax.secondary_yaxis("right")
    other.set_yticks(middles, ranges)
    other.tick_params(length=0)
    other.spines[:].set_visible(False)
    return figure


def _draw_categories(
    run: Run, moved: Traversal, order: Order, steps: NDArray[np.float64]
) -> Figure:
    """Draw a block for each continuous latent: its steps down, a category in each column."""
    names = [latent.label for latent in moved.latents]
    values = [moved.values(latent, steps) for latent in moved.latents]
    left, right = label_width(names), label_width([text for texts in values for text in texts])
    side = tile_side(len(order.names), left, right)
    upright = max(map(text_width, order.names)) > 0.92 * side  # too long to lie side by side
    classes = [short(name) for name in order.names]
    figure, axes = image_grid(
        [moved.grid(latent, steps) for latent in moved.latents],
        title(run, "latent traversals"),
        moved.note(),
        left=left,
        right=right,
        below=0.08 if upright else 0.42,
        foot=label_width(classes) + 0.4 if upright else 0.1,
        signal=run.signal,
    )
    down = np.arange(len(steps)) + 0.5
    for ax, name, texts in zip(axes, names, values, strict=True):
        ax.set_yticks([len(steps) / 2], [name])
        if ax is axes[-1] or not upright:
            ax.set_xticks(np.arange(len(classes)) + 0.5, classes, rotation=90 if upright else 0)
        other = ax.secondary_yaxis("right")
        other.set_yticks(down, texts)
        other.tick_params(length=0)
        other.spines[:].set_visible(False)
    room = figure.get_figwidth() - left - 0.05
    centred = text_width(order.note) < len(classes) * side + 2 * min(left, right)
    axes[-1].set_xlabel(folded(order.note, room), loc="center" if centred else "left")
    return figure


@styled
def animate(run: Run, config: Config) -> list[Image]:
    """Return the frames of one swing of every latent from its low end to its high and back."""
    moved = Traversal(run, config)
    swing = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAMES) / FRAMES)
    films = np.stack([moved.film(latent, swing) for latent in moved.latents])
    # whole pixels to a pixel: sharp, and a small file
    scale = max(1, round(90 / moved.model.image_shape[2]))
    films = films.repeat(scale, 2).repeat(scale, 3)
    height, width = films.shape[2:4]
    columns = 1 if moved.order is not None else min(5, len(films))
    places = [
        (10 + (index % columns) * (width + 14), 52 + (index // columns) * (height + 32))
        for index in range(len(films))
    ]
    across, down = max(places[min(columns, len(films)) - 1][0] + width + 10, 480), places[-1][1]
    dpi = 100
    figure = new_figure(across / dpi, (down + height + 10) / dpi, dpi=dpi)
    up = figure.bbox.height
    figure.text(10 / across, 1 - 18 / up, title(run, "latent traversals"), fontsize=9)
    for (left, top), latent in zip(places, moved.latents, strict=True):
        figure.text(left / across, 1 - (top - 5) / up, latent.label)
    labels = frame(figure)
    frames = []
    for index in range(FRAMES):
        frames.append(labels.copy())
        for place, film in zip(places, films, strict=True):
            frames[-1].paste(PILImage.fromarray(film[index]), place)
    return frames


class Traversal:
    """The codes and images of a traversal."""

    def __init__(self, run: Run, config: Config) -> None:
        from unbraid.figures._categories import order_of
        from unbraid.figures._codes import encode, unseen_image

        for name in ("rows", "steps"):
            if (found := getattr(config, name)) < 0:
                raise UnbraidError(f"{name} is {found}, expected 1 or more, or 0 for the default.")
            check_drawable(name, found)
        if not 0 <= config.low < config.high <= 1:
            raise UnbraidError(
                f"low is {config.low:g} and high {config.high:g}, expected quantiles with "
                "0 <= low < high <= 1."
            )
        self.config = config
        self.model: Method = run.model()
        self.signal = run.signal
        unseen = run.unseen()
        self.codes: Codes = encode(self.model, unseen, LIMIT)
        self.columns = self._columns()
        self.order: Order | None = None
        if self.columns is not None:
            self.order = order_of(self.model, self.codes, self.columns)
        self.steps = config.steps or (11 if self.order is None else 5)
        self.latents = self._chosen()
        if config.center == "image":
            image = unseen_image(unseen, config.image)
            self.center = self.model.encode(image).numpy()[0]
        else:
            zeros = np.zeros(self.model.latent_dim, np.float32)
            self.center = self.model.layout.snap(zeros)

    def _columns(self) -> Latent | None:
        """Return the categorical latent whose values are columns, that of the largest KL."""
        categorical = [latent for latent in self.codes.latents if latent.kind.categorical]
        named = {latent.name for latent in categorical} & set(self.config.latents)
        if not categorical or not self.codes.numbers() or named:
            return None
        return categorical[0]

    def _chosen(self) -> list[Latent]:
        by_name = {latent.name: latent for latent in self.codes.latents}
        for name in self.config.latents:
            if name not in by_name:
                raise UnbraidError(
                    f"there is no latent '{name}'{did_you_mean(name, by_name)}: "
                    f"they are {', '.join(sorted(by_name))}."
                )
        if self.config.latents:
            return [by_name[name] for name in self.config.latents]
        if self.order is None:
            return list(self.codes.latents)[: self.config.rows or 10]
        return self.codes.numbers()[: self.config.rows or 3]

    def ends(self, latent: Latent) -> tuple[float, float]:
        """Return both ends of a latent's range; all values of a discrete one are shown."""
        if latent.kind.discrete:
            columns = latent.kind.path(np.array([0.0, 1.0]), 0, 1)
            return float(columns[0, 0]), float(columns[-1, 0])
        drawn = self.codes.drawn[:, latent.columns]
        low, high = np.quantile(drawn, [self.config.low, self.config.high]).tolist()
        return low, high

    def pictures(self, latent: Latent, steps: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the image at each step (0 to 1) of a latent's range, (len(steps), H, W, 3)."""
        codes = np.repeat(self.center[None], len(steps), 0)
        codes[:, latent.columns] = latent.kind.path(steps, *self.ends(latent))
        return as_pictures(self.model.decode(codes), self.signal)

    def grid(self, latent: Latent, steps: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the images of each step and category, in their order, (steps, K, H, W, 3)."""
        assert self.columns is not None
        assert self.order is not None
        codes = np.tile(self.center, (len(steps), self.columns.categories, 1))
        codes[..., self.columns.columns] = np.eye(self.columns.categories)[self.order.categories]
        codes[..., latent.columns] = latent.kind.path(steps, *self.ends(latent))[:, None]
        images = self.model.decode(codes.reshape(-1, codes.shape[-1]))
        pictures = as_pictures(images, self.signal)
        return pictures.reshape(*codes.shape[:2], *pictures.shape[1:])

    def film(self, latent: Latent, steps: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return a picture a step, of all categories side by side if they are the columns."""
        if self.order is None:
            return self.pictures(latent, steps)
        return np.concatenate(list(np.moveaxis(self.grid(latent, steps), 1, 0)), axis=2)

    def values(self, latent: Latent, steps: NDArray[np.float64]) -> list[str]:
        """Return the value of a latent that is a number at each step, as text."""
        ends = self.ends(latent)
        return in_digits(latent.kind.path(steps, *ends)[:, 0].tolist(), ends)

    def range_label(self, latent: Latent) -> str:
        """Return a latent's range in words."""
        if latent.kind.categorical:
            return f"its {latent.kind.levels} values"
        ends = self.ends(latent)
        text = " to ".join(in_digits(ends, ends))
        return f"{text}, {latent.kind.levels} levels" if latent.kind.discrete else text

    def note(self) -> str:
        """Return the values of the other latents, in words."""
        if self.config.center == "zero":
            return "the others held at zero"
        kind = which(self.codes.data)
        return f"the others held at the code of {kind} image {self.config.image}"


def in_digits(values: Iterable[float], ends: tuple[float, float]) -> list[str]:
    """Return numbers within a range with as many decimals as its larger end has two digits by.

    >>> in_digits([-0.004, 0.31], (-0.1, 0.31)), in_digits([-2.23], (-2.23, 2.0))
    (['0.00', '0.31'], ['−2.2'])
    """
    largest = max(map(abs, ends))
    plain = largest == 0 or not math.isfinite(largest)
    decimals = 1 if plain else min(max(1, 1 - math.floor(math.log10(largest))), 9)
    rounded = [round(value, decimals) + 0.0 for value in values]  # + 0.0: no -0
    return [f"{value:.{decimals}f}".replace("-", MINUS) for value in rounded]
