"""The commands ``unbraid generate``, ``edit`` and ``swap``: their options and output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from tyro.conf import FlagCreatePairsOff, Positional, arg

from unbraid.core.errors import UnbraidError
from unbraid.core.recordings import is_sound

if TYPE_CHECKING:
    from unbraid.runs import Run

_Model = Annotated[Path | None, arg(metavar="RUN")]
_OutOf = Annotated[Path | None, arg(aliases=["-o"], metavar="PATH")]
_Clip = FlagCreatePairsOff[bool]


@dataclass(frozen=True)
class Generate:
    """Draw images or voices that have the requested factors, from a trained model.

    Args:
        text: the request, such as "small seven in the top rotated 30 degrees", or "low slow seven"
            for a voice.
        model: a run folder; if not given, the pretrained model of digits, or that of speech if
            the words of the request are not those of digits or a WAV is to be written.
        data: the present path of that run's data if they were moved.
        n: how many; 16 images or one voice if not given. A single image is written in its own size,
            several as a grid; several voices as NAME-1.wav, NAME-2.wav and so on.
        out: the file to write: a PNG (generated.png), for a voice a WAV (generated.wav) or a PNG of
            its spectrogram.
        seed: of free factors and styles.
        clip: replace a number out of the model's range by the nearest end of the range.
        candidates: images drawn for each one, of which the one that reads closest to the request
            is kept.
        correct: draw again with the reading error subtracted from the request, three times where
            factors are measured, otherwise once, and keep the closest image.
    """

    text: Annotated[Positional[tuple[str, ...]], arg(metavar="TEXT")]
    model: _Model = None
    data: str = ""
    n: Annotated[int | None, arg(aliases=["-n"])] = None
    out: _OutOf = None
    seed: int = 0
    clip: _Clip = False
    candidates: int = 1
    correct: bool = True


@dataclass(frozen=True)
class Edit:
    """Change some factors of an image or a recording, and keep the others and its style.

    Args:
        image: an image file; another size or colour than the model's is converted. Or a recording,
            WAV, FLAC, OGG or MP3: its pitch, duration, vocal tract and loudness are changed without
            a model.
        text: the changes, such as "bigger, in the bottom left"; of a recording, such as "an octave
            higher, 20% slower".
        model: a run folder; the pretrained model of digits if not given. Not for a recording.
        data: the present path of that run's data if they were moved.
        out: the file to write: a PNG of the model's size (edited.png), or a WAV (edited.wav).
        compare: a PNG to write, with the image before and after, enlarged, or with spectrograms.
        clip: replace a number out of the model's range by the nearest end of the range.
        correct: draw again with the reading error subtracted, three times where factors are
            measured, otherwise once, and keep the closest image; not if the model does not take
            factors and none are measured. Not for a recording.
    """

    image: Annotated[Positional[Path], arg(metavar="IMAGE")]
    text: Annotated[Positional[tuple[str, ...]], arg(metavar="TEXT")]
    model: _Model = None
    data: str = ""
    out: _OutOf = None
    compare: Annotated[Path | None, arg(metavar="PNG")] = None
    clip: _Clip = False
    correct: bool = True


@dataclass(frozen=True)
class Swap:
    """Give one image or recording one or several factors of another one.

    Args:
        a: the image to change; or a recording, which needs no model.
        b: the image or recording to take factors from.
        factors: names of factors, separated by commas, such as size,angle; for recordings, pitch,
            duration and loudness.
        model: a run folder; the pretrained model of digits if not given. Not for recordings.
        data: the present path of that run's data if they were moved.
        out: the file to write: a PNG of the model's size (swapped.png), or a WAV (swapped.wav).
        compare: a PNG to write, with both images and the new one, enlarged, or with spectrograms.
        correct: as for edit. Not for recordings.
    """

    a: Annotated[Positional[Path], arg(metavar="A")]
    b: Annotated[Positional[Path], arg(metavar="B")]
    factors: Annotated[Positional[str], arg(metavar="FACTORS")]
    model: _Model = None
    data: str = ""
    out: _OutOf = None
    compare: Annotated[Path | None, arg(metavar="PNG")] = None
    correct: bool = True


def generate(given: Generate) -> Iterator[str]:
    """Draw and write images or voices; yield the parsed request, what is measured, and the path."""
    from unbraid import pictures
    from unbraid.control import api, voices

    text, heard = " ".join(given.text), given.out is not None and is_sound(given.out)
    model = _model(given)
    found = api.asked(text, model, clip=given.clip, kinds=("speech",) if heard else api.KINDS)
    if voices.has_voice(found.controller, model):
        yield from voices.generate(found.controller, found.request, given)
        return
    out, count = given.out or Path("generated.png"), 16 if given.n is None else given.n
    pictures.check_png(out)
    images = api.draw(*found, count, given.seed, given.candidates, given.correct)
    yield found.request.describe()
    pictures.write_png(out, images[0] if count == 1 else pictures.sheet(images))
    yield str(out)


def edit(given: Edit) -> Iterator[str]:
    """Change and write the image; yield the parsed request and the paths."""
    if is_sound(given.image):
        from unbraid.control import sounds

        yield from sounds.edit(given.image, " ".join(given.text), given.clip, given)
        return
    from unbraid import pictures
    from unbraid.control import api
    from unbraid.control.language.parser import parse

    out = given.out or Path("edited.png")
    for path in filter(None, (out, given.compare)):  # before any long computation
        pictures.check_png(path)
    if not " ".join(given.text).strip():
        raise UnbraidError("no change is given: write one, such as 'bigger' or 'upright'.")
    controller = api.controller_of(_model(given))
    request = parse(" ".join(given.text), controller.specs, given.clip, relative=True)
    image, note = pictures.read_png(given.image, controller.model.image_shape)
    edited = api.change(controller, image, request, given.correct)
    yield from filter(None, [note])
    yield request.describe("kept")
    yield from _write(out, given.compare, image, edited)


def swap(given: Swap) -> Iterator[str]:
    """Swap factors and write the image; yield the paths."""
    if is_sound(given.a) or is_sound(given.b):
        from unbraid.control import sounds

        yield from sounds.swap(given.a, given.b, given.factors, given)
        return
    from unbraid import pictures
    from unbraid.control import api

    out = given.out or Path("swapped.png")
    for path in filter(None, (out, given.compare)):  # before any long computation
        pictures.check_png(path)
    controller = api.controller_of(_model(given))
    shape = controller.model.image_shape
    (a, of_a), (b, of_b) = (pictures.read_png(path, shape) for path in (given.a, given.b))
    swapped = api.swap(a, b, given.factors, model=controller, correct=given.correct)
    yield from filter(None, [of_a, of_b])
    yield from _write(out, given.compare, a, b, swapped)


def _model(given: Generate | Edit | Swap) -> Path | Run | None:
    """Return a run folder, or a run whose data have another path now."""
    if not given.data:
        return given.model
    if given.model is None:
        raise UnbraidError(
            "--data gives the path of a run's data, but no run is given: add --model RUN."
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
