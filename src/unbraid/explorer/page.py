"""The explorer's page: one HTML file that holds a model or two, and computes in the browser.

A strict Content-Security-Policy names the page's own scripts and style by their hashes, and allows
no connection. Numbers are bytes, deflated, in base64: of those in half precision the low bytes come
first, which deflate packs closer.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import html
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, expand, readable
from unbraid.datasets import called
from unbraid.explorer import graph, matching, words
from unbraid.explorer.asking import Asked, asked
from unbraid.explorer.bundle import Bundle, bundle, sample
from unbraid.methods import Method
from unbraid.runs import Run

if TYPE_CHECKING:
    from unbraid.datasets import Dataset

STATIC = Path(__file__).parent / "static"
NET = "net.js"  # apart from the others: the worker runs it, too
SCRIPTS = (
    "ui-core.js",
    "ui-row.js",
    "ui-state.js",
    "ui-strips.js",
    "ui-latents.js",
    "ui-prepare.js",
    "ui-input.js",
    "ui-map.js",
    "ui-map-pointer.js",
    "ui-compare.js",
    "ui-runs.js",
    "ui-gif.js",
    "ui-take.js",
    "words.js",
    "words-draw.js",
    "words-read.js",
    "words-box.js",
    "ui-ask.js",
    "ui-main.js",
)
STYLES = ("page.css", "words.css")
POLICY = (
    "default-src 'none'; img-src data: blob:; style-src {style}; "
    "script-src {scripts} 'wasm-unsafe-eval' blob:; worker-src blob:; base-uri 'none'; "
    "form-action 'none'"
)


@dataclass(frozen=True)
class Part:
    """A run in a page: what is told of it, its networks, and what requests need, if anything."""

    held: Bundle
    exported: graph.Exported
    asked: Asked | None = None


def write(
    runs: Sequence[Run | Path | str], out: Path | str, *, float32: bool = False, data: str = ""
) -> Path:
    """Write one run, or two to be compared, as a page.

    Args:
        runs: one or two run folders, or opened runs.
        out: the page's path, ending in .html.
        float32: keep the networks' weights in single precision; the page is twice as large.
        data: the present path of the data if they were moved.

    Returns:
        The path written.

    Raises:
        UnbraidError: a run that cannot be opened or exported, two runs on images of different
            shapes, or a path that cannot be written.
    """
    path = html_path(out)
    opened = [each if isinstance(each, Run) else Run(each, data) for each in runs]
    written = page(opened, float32=float32)
    with atomic(path) as temporary:
        temporary.write_text(written, encoding="utf-8")
    return path


def html_path(path: str | os.PathLike[str]) -> Path:
    """Return a path to write a page to; raise an UnbraidError unless it ends in .html."""
    place = expand(path)
    if place.suffix.lower() not in (".html", ".htm"):
        raise UnbraidError(
            f"cannot write '{place}': a page's path ends in .html, "
            f"found '{place.suffix or 'no suffix'}'."
        )
    return place


def page(runs: Sequence[Run], *, float32: bool = False) -> str:
    """Return the HTML of a page of one run or two.

    Raises:
        UnbraidError: as ``write``.
    """
    if not 1 <= len(runs) <= 2:
        raise UnbraidError(f"a page shows one run or two, found {len(runs)}.")
    models = [on_cpu(run) for run in runs]
    shapes = [model.image_shape for model in models]
    if len(set(shapes)) > 1:
        raise UnbraidError(
            f"{runs[0].folder} was trained on images of shape {shapes[0]}, {runs[1].folder} on "
            f"{shapes[1]}: two runs in a page take the same images."
        )
    images = sample(runs[0])
    parts = [
        part(run, model, images, float32=float32, ask=run is runs[0])
        for run, model in zip(runs, models, strict=True)
    ]
    return assembled(parts)


def on_cpu(run: Run) -> Method:
    """Return a run's model on the CPU, in evaluation mode."""
    model = run.model()
    return (copy.deepcopy(model).cpu() if model.device.type != "cpu" else model).eval()


def part(
    run: Run, model: Method, images: Dataset, *, float32: bool = False, ask: bool = False
) -> Part:
    """Return what a page holds of a run: its networks first, since those may be refused.

    Args:
        run: the run.
        model: its model, on the CPU.
        images: those of the page, which are of the first run's data.
        float32: as ``write``.
        ask: whether it is the page's first run, which takes requests.
    """
    exported = graph.export(model, float32=float32)
    held = bundle(run, model, images)
    if not ask:
        held.about["data"] = readable(called(run.config.data, run.config.data_options))
    return Part(held, exported, asked(run) if ask else None)


def assembled(parts: Sequence[Part]) -> str:
    """Return the HTML of a page of these parts."""
    about: dict[str, Any] = {
        "runs": [each.held.about | {"functions": each.exported.functions} for each in parts]
    }
    if len(parts) == 2:
        about["matches"] = matching.matches(*(each.held for each in parts))
    blocks = [block("sheet", parts[0].held.sheet, packed=True)]
    if (wanted := parts[0].asked) is not None:
        about["words"] = wanted.about
        blocks.append(block("words", words.text_of(wanted.table).encode("utf-8")))
        if wanted.judge is not None:
            blocks.append(block("weights-judge", wanted.judge.weights, planes=2))
    for index, each in enumerate(parts):
        blocks += [
            block(f"weights-{index}", each.exported.weights, planes=2),
            block(f"codes-{index}", each.held.codes.tobytes()),
            block(f"factors-{index}", each.held.factors.tobytes()),
        ]
    names = [each.held.about["name"] for each in parts]
    methods = [each.held.about["method"] for each in parts]
    style = "".join((STATIC / name).read_text(encoding="utf-8") for name in STYLES)
    net = script(NET)
    code = "".join(script(name) for name in SCRIPTS)
    policy = POLICY.format(style=digest(style), scripts=f"{digest(net)} {digest(code)}")
    title = " and ".join(f"{method}, {name}" for method, name in zip(methods, names, strict=True))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{html.escape(title)}: unbraid explorer</title>\n"
        f"<style>{style}</style>\n</head>\n<body>\n"
        f"<header><h1>{heading(parts)}</h1></header>\n"
        '<main id="app"><noscript><p>This page computes with scripts, which are switched off '
        "here.</p></noscript></main>\n"
        f'<script type="application/json" id="about">{escaped(about)}</script>\n'
        + "\n".join(blocks)
        + f'\n<script id="net">{net}</script>\n<script>{code}</script>\n</body>\n</html>\n'
    )


def heading(parts: Sequence[Part]) -> str:
    """Return the page's heading: method, data and name of each run."""
    told = [
        f"{html.escape(each.held.about['method'])} on {html.escape(each.held.about['data'])}"
        f" <small>{html.escape(each.held.about['name'])}</small>"
        for each in parts
    ]
    return " and ".join(told)


def script(name: str) -> str:
    """Return a file of scripts; none of them may end the element that it stands in."""
    text = (STATIC / name).read_text(encoding="utf-8")
    assert "</script" not in text.lower()
    return text


def digest(text: str) -> str:
    """Return a script or style as a policy names it."""
    hashed = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(hashed).decode()}'"


def escaped(value: Any) -> str:
    """Return JSON that ends no element and opens no comment, whatever names are in it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def block(name: str, data: bytes, *, planes: int = 1, packed: bool = False) -> str:
    """Return bytes as an element that the page reads.

    Args:
        name: its id.
        data: the bytes.
        planes: bytes of a number; with more than 1, the first bytes of all come first.
        packed: whether they are compressed already.
    """
    if planes > 1:
        assert len(data) % planes == 0
        data = np.frombuffer(data, np.uint8).reshape(-1, planes).T.tobytes()
    marks = "" if packed else " data-deflated"
    marks += f' data-planes="{planes}"' if planes > 1 else ""
    stored = base64.b64encode(data if packed else zlib.compress(data, 9)).decode()
    return f'<script type="application/octet-stream" id="{name}"{marks}>{stored}</script>'
