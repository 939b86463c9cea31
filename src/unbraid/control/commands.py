"""What ``unbraid generate``, ``edit`` and ``swap`` do: their options, and what they print."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from tyro.conf import FlagCreatePairsOff, Positional, arg

from unbraid.errors import UnbraidError

if TYPE_CHECKING:
    from unbraid.runs import Run

_Model = Annotated[Path | None, arg(metavar="RUN")]
_Out = Annotated[Path, arg(aliases=["-o"], metavar="PNG")]
_Clip = FlagCreatePairsOff[bool]


@dataclass(frozen=True)
class Generate:
    """Draw images that have what was asked, from a trained model.

    Args:
        text: the request, such as "small seven in the top rotated 30 degrees".
        model: a run folder; the pretrained model of digits if not given.
        data: where that run's data lie now, if they have moved.
        n: how many images; a single one is written in its own size, several on a sheet.
        out: the PNG to write.
        seed: draws what was not asked for.
        clip: take the nearest value for a number out of the model's range.
        candidates: images tried for each one, of which the one that reads closest is kept.
        correct: try once more with the error of the reading added to the request.
    """

    text: Annotated[Positional[tuple[str, ...]], arg(metavar="TEXT")]
    model: _Model = None
    data: str = ""
    n: Annotated[int, arg(aliases=["-n"])] = 16
    out: _Out = Path("generated.png")
    seed: int = 0
    clip: _Clip = False
    candidates: int = 1
    correct: bool = True


@dataclass(frozen=True)
class Edit:
    """Change what was asked of an image, and keep the rest, its handwriting above all.

    Args:
        image: a picture; one of another size or colour is brought to the model's.
        text: the changes, such as "bigger, in the bottom left".
        model: a run folder; the pretrained model of digits if not given.
        data: where that run's data lie now, if they have moved.
        out: the PNG to write, of the model's size.
        compare: a PNG to write besides, with the picture before and after, enlarged.
        clip: take the nearest value for a number out of the model's range.
    """

    image: Annotated[Positional[Path], arg(metavar="IMAGE")]
    text: Annotated[Positional[tuple[str, ...]], arg(metavar="TEXT")]
    model: _Model = None
    data: str = ""
    out: _Out = Path("edited.png")
    compare: Annotated[Path | None, arg(metavar="PNG")] = None
    clip: _Clip = False


@dataclass(frozen=True)
class Swap:
    """Give one image a factor, or several, of another.

    Args:
        a: the picture to change.
        b: the picture to take factors from.
        factors: their names, with commas between them, such as size,angle.
        model: a run folder; the pretrained model of digits if not given.
        data: where that run's data lie now, if they have moved.
        out: the PNG to write, of the model's size.
        compare: a PNG to write besides, with both pictures and the new one, enlarged.
    """

    a: Annotated[Positional[Path], arg(metavar="A")]
    b: Annotated[Positional[Path], arg(metavar="B")]
    factors: Annotated[Positional[str], arg(metavar="FACTORS")]
    model: _Model = None
    data: str = ""
    out: _Out = Path("swapped.png")
    compare: Annotated[Path | None, arg(metavar="PNG")] = None


def generate(given: Generate) -> Iterator[str]:
    """Draw and write the images; yield what was understood, and the path."""
    from unbraid import pictures
    from unbraid.control import asking
    from unbraid.control.requests import parse

    pictures.check_png(given.out)
    controller = asking.controller_of(_model(given))
    request = parse(" ".join(given.text), controller.specs, given.clip)
    images = asking.draw(controller, request, given.n, given.seed, given.candidates, given.correct)
    yield request.describe()
    pictures.write_png(given.out, images[0] if given.n == 1 else pictures.sheet(images))
    yield str(given.out)


def edit(given: Edit) -> Iterator[str]:
    """Change and write the image; yield what was understood, and the paths."""
    from unbraid import pictures
    from unbraid.control import asking
    from unbraid.control.requests import parse

    for path in filter(None, (given.out, given.compare)):  # before anything takes time
        pictures.check_png(path)
    if not " ".join(given.text).strip():
        raise UnbraidError("no change was asked for: write one, such as 'bigger' or 'upright'.")
    controller = asking.controller_of(_model(given))
    request = parse(" ".join(given.text), controller.specs, given.clip, relative=True)
    image, note = pictures.read_png(given.image, controller.model.image_shape)
    edited = controller.edit(image, request)
    yield from filter(None, [note])
    yield request.describe("kept")
    yield from _write(given.out, given.compare, image, edited)


def swap(given: Swap) -> Iterator[str]:
    """Swap factors and write the image; yield the paths."""
    from unbraid import pictures
    from unbraid.control import asking

    for path in filter(None, (given.out, given.compare)):  # before anything takes time
        pictures.check_png(path)
    controller = asking.controller_of(_model(given))
    shape = controller.model.image_shape
    (a, of_a), (b, of_b) = (pictures.read_png(path, shape) for path in (given.a, given.b))
    swapped = asking.swap(a, b, given.factors, model=controller)
    yield from filter(None, [of_a, of_b])
    yield from _write(given.out, given.compare, a, b, swapped)


def _model(given: Generate | Edit | Swap) -> Path | Run | None:
    """Return what to ask: a run folder, or a run whose data have moved."""
    if not given.data:
        return given.model
    if given.model is None:
        raise UnbraidError(
            "--data says where a run's data lie now, but no run is named: add --model RUN."
        )
    from unbraid.runs import Run

    return Run(given.model, data=given.data)


def _write(out: Path, compare: Path | None, *images: NDArray[Any]) -> Iterator[str]:
    from unbraid import pictures

    pictures.write_png(out, images[-1][0])
    yield str(out)
    if compare is not None:
        shown = np.concatenate([pictures.as_pictures(image) for image in images])
        pictures.write_png(compare, pictures.sheet(np.moveaxis(shown, -1, 1), len(shown)))
        yield str(compare)


COMMANDS: dict[str, tuple[type, Callable[[Any], Iterator[str]]]] = {
    "generate": (Generate, generate),
    "edit": (Edit, edit),
    "swap": (Swap, swap),
}
