"""What figures share: colours, fonts, titles, grids of images; no global state of matplotlib."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.textpath import TextPath
from numpy.typing import NDArray
from PIL import Image

from unbraid.core.errors import UnbraidError
from unbraid.core.files import readable
from unbraid.core.signals import Signal
from unbraid.datasets import called
from unbraid.pictures import as_pictures as as_pictures
from unbraid.pictures import tile as tile

if TYPE_CHECKING:
    from unbraid.datasets import Dataset
    from unbraid.runs import Run

# Okabe & Ito 2008, "Color Universal Design", and two more at least as far (CIELAB, also as seen
# with each kind of colour blindness) from those eight and from white as they are from each other.
PALETTE = (
    "#0072B2",  # blue
    "#E69F00",  # orange
    "#009E73",  # bluish green
    "#D55E00",  # vermilion
    "#56B4E9",  # sky blue
    "#CC79A7",  # reddish purple
    "#000000",  # black
    "#F0E442",  # yellow
    "#663311",  # brown
    "#8800FF",  # violet
)
OUTLINES = {"#F0E442": "#8A8000"}  # yellow alone is hardly seen on white
MARKERS = "os^DvPX<>*"
GREY = "#666666"

WIDTH = 6.5  # inches: the text width of most papers
MOST = 1000  # rows, columns or steps of a figure
TILE = 0.62  # inches: the widest an image of a grid gets
KEY = 1.6  # inches that explain the axes of a sound
SMALLEST = 0.22  # inches: the narrowest; more columns than fit make a wider figure
NAME = 24  # characters of a name of classes, factors or data
POINTS = 8  # type

_RC: dict[str, Any] = {
    "font.size": POINTS,
    "axes.titlesize": 9,
    "axes.labelsize": POINTS,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    # names of data, classes and factors are not formulas: "$" is a letter of them
    "text.parse_math": False,
}

Args = ParamSpec("Args")
Result = TypeVar("Result")


def styled(function: Callable[Args, Result]) -> Callable[Args, Result]:
    """Let a function draw in unbraid's style, independent of the user's matplotlib settings."""

    @functools.wraps(function)
    def inner(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_RC)  # type: ignore[arg-type]
            return function(*args, **kwargs)

    return inner


def marker(index: int) -> dict[str, Any]:
    """Return colour and marker of a class: both differ among the first ten, one always to 100."""
    turn = index // len(PALETTE)
    color = PALETTE[index % len(PALETTE)]
    return {
        "facecolors": color,
        "edgecolors": OUTLINES.get(color, color),
        "linewidths": 0.3,
        "marker": MARKERS[(index + turn) % len(MARKERS)],
    }


def short(text: object, most: int = NAME) -> str:
    """Return text of at most ``most`` characters: of a longer one, its start and its end.

    >>> short("n02085620-Chihuahua", 14), short("cat", 14)
    ('n0208562…uahua', 'cat')
    """
    whole = str(text)
    if len(whole) <= most:
        return whole
    end = (most - 1) // 3 + 1 if most > 3 else 0
    return whole[: max(most - 1 - end, 0)] + "…" + whole[len(whole) - end :]


@functools.cache
def text_width(text: str, points: float = POINTS) -> float:
    """Return the inches that text of a size takes.

    >>> text_width("MM", 8) > 2 * text_width("ii", 8)
    True
    """
    if not text.strip():
        return 0.0
    # a twentieth more: letters on whole pixels are wider
    with matplotlib.rc_context({"text.parse_math": False}):
        path = TextPath((0, 0), text, size=points)
    return 1.05 * float(path.get_extents().x1) / 72


def folded(text: object, inches: float, points: float = POINTS, lines: int = 2) -> str:
    """Return text in at most so many lines that fit a width; what is left out is an ellipsis."""
    whole = " ".join(str(text).split())
    for letters in range(len(whole), 0, -1):
        found = textwrap.wrap(whole, letters)
        if len(found) > lines:
            found = [*found[: lines - 1], short(" ".join(found[lines - 1 :]), letters)]
        if all(text_width(line, points) <= inches for line in found):
            return "\n".join(found)
    return whole[:1]


def label_width(labels: Sequence[str]) -> float:
    """Return the inches that the longest of some tick labels needs beside its axes."""
    return max(map(text_width, labels)) + 0.2


class Plain(Figure):
    """A figure whose texts hold no formulas, also those that are made when it is drawn."""

    def draw(self, renderer: Any) -> None:
        """Draw the figure; matplotlib calls this."""
        for text in self.findobj(Text):
            text.set_parse_math(False)
        with matplotlib.rc_context({"text.parse_math": False}):
            super().draw(renderer)


def new_figure(width: float, height: float, **options: Any) -> Figure:
    """Return an empty figure of the given size in inches, drawn by Agg."""
    figure = Plain(figsize=(width, height), **options)
    FigureCanvasAgg(figure)
    return figure


def frame(figure: Figure) -> Image.Image:
    """Return a picture of the figure as it is now, for an animation."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return Image.fromarray(pixels).convert("RGB")


def title(run: Run, what: str) -> str:
    """Return a figure's title: method, its beta if it has one, data, seed and what it shows.

    Of an unfinished run it says how far that is.
    """
    from unbraid import methods

    config = run.config
    data = short(readable(called(config.data, config.data_options)))  # as on the command line
    name = methods.name_of(config.method)
    beta = getattr(config.method, "beta", None)
    name += "" if beta is None else f", β = {beta:g},"
    stage = f", {run.stage}" if run.stage else ""
    return f"{name} on {data}, seed {config.training.seed}{stage}: {what}"


def which(data: Dataset) -> str:
    """Return the name of a run's ``unseen`` images: a run without held-out images has others."""
    return "training" if data.split == "train" else "held-out"


def check_counts(config: Any, *names: str) -> None:
    """Raise an UnbraidError unless the named options of a figure are 1 to MOST."""
    for name in names:
        if (found := getattr(config, name)) < 1:
            raise UnbraidError(f"{name} is {found}, expected 1 or more.")
        check_drawable(name, found)


def check_drawable(name: str, found: int) -> None:
    """Raise an UnbraidError if a figure's option is larger than MOST."""
    if found > MOST:
        raise UnbraidError(f"{name} is {found}, expected {MOST:,} or fewer.")


def tile_side(columns: int, left: float, right: float) -> float:
    """Return the inches that a picture of a grid is wide, given those beside the grid."""
    return max(SMALLEST, min(TILE, (WIDTH - left - right) / columns))


def image_grid(
    blocks: Sequence[NDArray[np.uint8]],
    heading: str,
    note: str = "",
    *,
    left: float = 0.05,
    right: float = 0.05,
    below: float = 0.05,
    foot: float = 0.0,
    signal: Signal | None = None,
) -> tuple[Figure, list[Axes]]:
    """Return a figure of grids of pictures, one above the other, and their axes.

    An axes' units are pictures: that in row r, column k has its middle at (k + 0.5, r + 0.5).

    Args:
        blocks: pictures of each grid, (R, K, H, W, 3); all with the same K, H and W.
        heading: the title.
        note: a second, lighter line.
        left, right: inches beside the grids, for labels.
        below: inches below each grid, for labels.
        foot: inches below the last grid besides.
        signal: of the pictures; the axes of sounds are explained below the grids.
    """
    key = KEY if signal is not None and signal.axes else 0.0
    _, columns, height, width, _ = blocks[0].shape
    side = tile_side(columns, left, right)
    tall = side * height / width
    top = 0.4 if note else 0.25
    total = top + sum(len(block) * tall + below for block in blocks) + foot + key
    said = max(text_width(heading, 9), text_width(note)) + 0.15
    figure = new_figure(max(left + columns * side + right, said, 4.8), total)
    across, up = figure.get_size_inches()
    figure.text(0.05 / across, 1 - 0.05 / up, heading, va="top", fontsize=9)
    figure.text(0.05 / across, 1 - 0.23 / up, note, va="top", color=GREY)
    axes, reached = [], top
    for block in blocks:
        deep = len(block) * tall
        place = (left / across, 1 - (reached + deep) / up, columns * side / across, deep / up)
        ax = figure.add_axes(place)
        ax.imshow(tile(block), extent=(0, columns, len(block), 0), aspect="auto")
        ax.set_xticks([])
        ax.set_yticks([])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        axes.append(ax)
        reached += deep + below
    if signal is not None and key:
        _explain(figure, blocks[0][0, 0], signal)
    return figure, axes


def _explain(figure: Figure, picture: NDArray[np.uint8], signal: Signal) -> None:
    """Draw each channel of one sound at the foot of a figure, with axes, units and colours."""
    across, up = figure.get_size_inches()
    channels, height, width = signal.shape
    step = (across - 0.2) / channels
    for channel, held in enumerate(signal.channels):
        # room for ticks on the left, and for the colour bar and its label on the right
        place = (0.75 + channel * step) / across, 0.45 / up, min(step - 1.1, 1.4) / across
        ax = figure.add_axes((*place, (KEY - 0.7) / up))
        top = channel * (height + 1)
        ax.imshow(picture[top : top + height], aspect="auto", extent=(0, width, 0, height))
        for axis, count, flipped, ticks, name in (
            (signal.axes[1], width, False, ax.set_xticks, ax.set_xlabel),
            (signal.axes[0], height, not signal.upwards, ax.set_yticks, ax.set_ylabel),
        ):
            narrow = channels > 1 and axis is signal.axes[1]  # no room for three numbers
            places = np.array([0, count - 1] if narrow else [0, count // 2, count - 1])
            texts = [f"{value:.4g}" for value in axis.values(count)[places]]
            ticks((count - 1 - places if flipped else places) + 0.5, texts)
            if axis is signal.axes[1] or not channel:  # rows are the same in all
                name(axis.label)
        colors = ScalarMappable(Normalize(*held.range), signal.colormap)
        bar = figure.colorbar(colors, ax=ax, pad=0.04)
        bar.set_label(f"{held.name} ({held.unit})" if held.unit else held.name)
