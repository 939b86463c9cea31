"""Interactive parts of the page: sliders for latents, codes to choose, requests with their answers.

Sliders carry the model's decoder with them, its weights in 8 bits, and touch.js runs it. Images of
codes and requests are made beforehand, each as a tile of one picture. Without scripts, none of them
is shown.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from torch import nn

from unbraid.control.language.parser import parse
from unbraid.figures import encode, one_of_each
from unbraid.figures.traverse import LIMIT
from unbraid.pages.html import text
from unbraid.tour.exhibits.requests import REFERENCE, middling
from unbraid.tour.statistics.infogan import generate_images

if TYPE_CHECKING:
    from unbraid.runs import Run


ENDS = (0.01, 0.99)  # quantiles of a latent's draws that its slider reaches to
STEPS = 200  # of a slider
# of two latents, to be clicked; the sliders do the same by keyboard
PLANE = '<canvas class="plane" width="336" height="336" aria-hidden="true"></canvas>'
STARTS = 10  # held-out images whose codes one can start from
TURNS = 9  # places of a continuous code of a generator
LEAST = 0.01  # nats; a latent that says less is switched off, and has no slider

# The words a request is put together from; every combination of them is answered.
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIZE_WORDS = ("small", "medium", "big")
PLACES = tuple(
    f"in the {' '.join(words)}".replace("middle middle", "middle")
    for words in itertools.product(("top", "middle", "bottom"), ("left", "middle", "right"))
)
ANGLES = tuple(f"rotated {degrees} degrees" for degrees in range(-45, 46, 15))
WORDS = (SIZE_WORDS, DIGITS, PLACES, ANGLES)
FIRST = (0, 7, 1, 5)  # what is asked at first: the tour's sentence
ACROSS = 42  # tiles in a row of the picture


# -- latents on sliders ----------------------------------------------------------------------------


def latent_sliders(run: Run, key: str, title: str, name: str, intro: str) -> str:
    """Return sliders for the latents of a run with fully connected networks, of two also a map.

    Args:
        run: of a VAE's kind, with grey images and a Bernoulli likelihood.
        key: letters that tell the box from others of the page.
        title: of the box in the list of contents.
        name: what the image is called.
        intro: plain text above them, which is hidden where they are.
    """
    model: Any = run.model()
    unseen = run.unseen()
    codes = encode(model, unseen, LIMIT)
    told = [latent for latent in codes.latents if latent.weight > LEAST] or list(codes.latents)
    plane = model.latent_dim == len(told) == 2
    if plane:
        told.sort(key=lambda latent: latent.columns.start)
    rows = one_of_each(unseen, STARTS, 0)
    starts = model.encode(np.asarray(unseen.images[rows])).numpy()
    controls = []
    for latent in told:
        drawn = codes.drawn[:, latent.columns]
        low, high = (round(float(end), 2) for end in np.quantile(drawn, ENDS))
        controls.append(
            _slider(
                latent.label,
                low,
                high,
                (high - low) / STEPS,
                f'data-column="{latent.columns.start}"',
            )
        )
    data = {"layers": layers(model.decoder), "starts": starts.round(3).tolist()}
    if plane:
        controls.append(PLANE)
    return _box(
        "sliders",
        key,
        title,
        name,
        intro,
        run.image_shape[1:],
        [*controls, '<button type="button">Start from another digit</button>'],
        data,
    )


def layers(net: nn.Sequential) -> list[dict[str, Any]]:
    """Return a fully connected network's layers: weights in 8 bits, a scale for each output."""
    found = []
    for layer in net:
        if isinstance(layer, nn.Linear):
            weight = layer.weight.detach().float()  # (out, in)
            scale = weight.abs().amax(1).clamp_min(1e-12) / 127
            small = (weight / scale[:, None]).round().to(torch.int8)
            found.append(
                {
                    "outputs": layer.out_features,
                    "inputs": layer.in_features,
                    "weight": _base64(small.numpy()),
                    "scale": _base64(scale.numpy()),
                    "bias": _base64(layer.bias.detach().float().numpy()),
                }
            )
    return found


# -- codes of a generator --------------------------------------------------------------------------


def code_picker(
    run: Run, order: Sequence[int], meant: Sequence[str], far: float, intro: str
) -> str:
    """Return a category and two continuous codes to choose, with the images generated from them.

    Args:
        run: of InfoGAN's kind, with one categorical latent and grey images.
        order: of the categories.
        meant: what each category of this order stands for.
        far: the continuous codes are varied to +-far.
        intro: plain text above them, which is hidden where they are.
    """
    model: Any = run.model()
    categories = model.layout.categories[0]
    turns = np.linspace(-far, far, TURNS)
    chosen = list(itertools.product(order, turns, turns))
    codes = torch.zeros(len(chosen), model.layout.width)
    codes[range(len(chosen)), [category for category, *_ in chosen]] = 1.0
    codes[:, categories : categories + 2] = torch.tensor([each[1:] for each in chosen])
    noise = model.draw_noise(1, torch.Generator().manual_seed(1))
    sheet, height, width = _sheet(generate_images(model, codes, noise.expand(len(codes), -1)))
    controls = [
        _select(
            "category", [f"c0 = {each}: {of}" for each, of in zip(order, meant, strict=True)], 0, 0
        ),
        *(
            _slider(f"z{code}", 0, TURNS - 1, 1, f'data-word="{code + 1}"', TURNS // 2)
            for code in range(2)
        ),
    ]
    data = {"turns": turns.round(2).tolist(), "across": ACROSS}
    return _box(
        "codes",
        "codes",
        "codes of an InfoGAN",
        "The generated image",
        intro,
        (height, width),
        [*controls, _tiles(sheet)],
        data,
    )


# -- requests --------------------------------------------------------------------------------------


def sentence(choice: Sequence[int]) -> str:
    """Return the request of a choice of words, one of each of ``WORDS``.

    >>> sentence(FIRST)
    'small seven in the top middle rotated 30 degrees'
    """
    return " ".join(words[index] for words, index in zip(WORDS, choice, strict=True))


def choices() -> list[tuple[int, ...]]:
    """Return every choice of words, the last changing first."""
    return list(itertools.product(*(range(len(words)) for words in WORDS)))


def request_picker(controller: Any, draw: Any, judge: Any, intro: str, style: int = 0) -> str:
    """Return requests to choose from, with a model's answers and how a judge reads them.

    Args:
        controller: whose specs are the digits'.
        draw: of factors (N, F) and styles (N,), images (N, C, H, W).
        judge: reads them.
        intro: plain text above them, which is hidden where they are.
        style: of all answers.
    """
    specs = controller.specs
    rows = np.array([middling(parse(sentence(choice), specs), specs) for choice in choices()])
    images = draw(rows, np.full(len(rows), style))
    names = [spec.name for spec in specs]
    read = judge.read(images)[:, [names.index(n) for n in ("digit", "size", "x", "y", "angle")]]
    sheet, height, width = _sheet(images)
    read[:, 1:4] *= width / REFERENCE  # pixels of the picture
    controls = [
        _select("digit", DIGITS, FIRST[1], 1),
        _slider("size", 0, len(SIZE_WORDS) - 1, 1, 'data-word="0"', FIRST[0]),
        _select("place", [place.removeprefix("in the ") for place in PLACES], FIRST[2], 2),
        _slider("angle", 0, len(ANGLES) - 1, 1, 'data-word="3"', FIRST[3]),
    ]
    data = {"words": WORDS, "across": ACROSS, "read": read.round(1).tolist(), "width": width}
    said = '<p aria-live="polite"><q></q> <span></span></p>'
    return _box(
        "requests",
        "requests",
        "requests to a model",
        "The answer",
        intro,
        (height, width),
        [*controls, said, _tiles(sheet)],
        data,
    )


def _sheet(images: NDArray[Any]) -> tuple[bytes, int, int]:
    """Return images (N, 1, H, W) as the tiles of one PNG file, and their height and width."""
    count, _, height, width = images.shape
    down = -(-count // ACROSS)
    tiles = np.zeros((down * ACROSS, height, width), np.uint8)
    tiles[:count] = (images[:, 0] * 255).round()
    grid = tiles.reshape(down, ACROSS, height, width).swapaxes(1, 2)
    data = io.BytesIO()
    picture = PIL.Image.fromarray(grid.reshape(down * height, ACROSS * width))
    picture.quantize(32).save(data, format="png", optimize=True)
    return data.getvalue(), height, width


# -- their HTML ------------------------------------------------------------------------------------


def _box(
    kind: str,
    key: str,
    title: str,
    name: str,
    intro: str,
    shape: Sequence[int],
    controls: Sequence[str],
    data: dict[str, Any],
) -> str:
    height, width = shape
    held = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div class="touch" id="try-{key}" data-title="{text(title)}" data-touch="{kind}" '
        f'tabindex="-1" hidden><p>{text(intro)}</p>'
        f'<canvas width="{width}" height="{height}" role="img" aria-label="{text(name)}"></canvas>'
        f'<div class="controls">{"".join(controls)}</div>'
        f'<script type="application/json">{held}</script></div>'
    )


def _slider(
    label: str, low: float, high: float, step: float, mark: str, value: float | None = None
) -> str:
    at = low if value is None else value
    return (
        f'<label><span>{text(label)}</span><input type="range" min="{low:g}" max="{high:g}" '
        f'step="{step:g}" value="{at:g}" {mark}><span class="value" aria-hidden="true"></span>'
        "</label>"
    )


def _tiles(sheet: bytes) -> str:
    return f'<img hidden alt="" src="data:image/png;base64,{_base64(sheet)}">'


def _select(label: str, options: Sequence[str], chosen: int, word: int) -> str:
    listed = "".join(
        f'<option value="{index}"{" selected" if index == chosen else ""}>{text(option)}</option>'
        for index, option in enumerate(options)
    )
    return f'<label><span>{label}</span><select data-word="{word}">{listed}</select></label>'


def _base64(data: NDArray[Any] | bytes) -> str:
    raw = data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()
    return base64.b64encode(raw).decode()
