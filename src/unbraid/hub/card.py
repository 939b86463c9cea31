"""The model card of a run: what it is, how to use it, what it was trained on, what it scores."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from unbraid import methods
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.datasets import PATHS
from unbraid.runs import IN_MEMORY, Run, RunConfig, command
from unbraid.runs.results import stats_of

CAPTIONS = {
    "reconstruct": "Held-out images and their reconstructions.",
    "traverse": "Each row varies one latent and keeps the others.",
    "sample": "Images of codes drawn from the prior.",
}


def model_card(run: Run, source: str, pictures: Sequence[str] = ()) -> str:
    """Return the model card of a finished run, Markdown with the metadata of the Hub.

    Args:
        run: a finished run.
        source: what the card tells to load, a repository or a folder.
        pictures: figures that lie beside it as PNG.
    """
    name, data = methods.name_of(run.config.method), run.config.data
    parts = [
        _metadata(name, data),
        f"# {name} on {data}",
        _summary(name),
        "## Use",
        f"""```python
import unbraid

run = unbraid.from_pretrained({json.dumps(source)})
model = run.model()
images = model.sample(16)  # (16, C, H, W), on [0, 1]
codes = model.encode(images)  # (16, {_width(run)})
```""",
        f"Needs `pip install 'unbraid[hub]'`, version {run.json['unbraid']} or later.",
        *(f"![{CAPTIONS.get(each, each)}]({each}.png)" for each in pictures),
        "## Data and training",
        _training(run),
        "## Results",
        _results(run),
    ]
    return "\n\n".join(parts) + "\n"


def _metadata(name: str, data: str) -> str:
    tags = ["unbraid", "disentanglement", "representation-learning", name, data]
    lines = ["---", "library_name: unbraid", "tags:"]
    return "\n".join([*lines, *(f"- {json.dumps(tag)}" for tag in dict.fromkeys(tags)), "---"])


def _summary(name: str) -> str:
    try:
        return registry.summary("methods", name)
    except UnbraidError:  # a method of the user's own
        return f"{name}, a method that is not part of unbraid."


def _width(run: Run) -> int:
    return methods.build(run.config.method, run.image_shape, run.specs, seed=0).latent_dim


def _training(run: Run) -> str:
    """Return the data, the command and the machine."""
    config, result = run.config, run.result
    told, machine = result.get("training", {}), result.get("machine", {})
    options = {
        name: Path(value).name if name in PATHS and isinstance(value, str) else value
        for name, value in config.data_options.items()
    }
    prints = run.fingerprints.get("train")
    count = f"{prints.images:,} images" if prints else "images"
    channels, height, width = run.image_shape
    rows = [
        ("data", f"{config.data}: {count} of {height} x {width}, channels {channels}"),
        ("factors", ", ".join(f"{spec.name} ({spec.kind})" for spec in run.specs) or "not known"),
        ("labels", _labels(run)),
        ("steps", f"{told.get('steps', 0):,} in {_seconds(told.get('seconds', 0))}"),
        ("device", machine.get("device")),
        ("versions", f"unbraid {machine.get('unbraid')}, torch {machine.get('torch')}"),
    ]
    table = _table(("", ""), rows)
    if options.get(IN_MEMORY):
        return f"{table}\n\nIt was trained on images in memory; held-out ones are stored with it."
    own = RunConfig(config.method, config.data, options, config.training)
    return f"{table}\n\n```console\n$ {command(own)}\n```"


def _seconds(count: float) -> str:
    return f"{count:,.0f} seconds" if count >= 10 else f"{count:.2g} seconds"


def _labels(run: Run) -> str:
    given = methods.labels_of(run.config.method)
    if "pairs" in methods.needs_of(run.config.method):  # they are chosen by factors or groups
        return "none of single images; pairs of images that have some factors in common"
    if given is None:
        return "none used"
    images = f"of {given.labels:,} images" if given.labels else "of all training images"
    named = [
        spec for spec in run.specs if not given.label_factors or spec.name in given.label_factors
    ]
    labelled = [spec.name for spec in named if not spec.measured]
    found = f"{', '.join(labelled)} {images}" if labelled else "none used"
    if measured := [spec.name for spec in named if spec.measured]:
        found += f"; measured of all images: {', '.join(measured)}"
    return found


def _results(run: Run) -> str:
    """Return tables of the reconstruction and of the newest scores."""
    result = run.result
    about = result.get("data", {})
    stats = [(name.replace("_", " "), _number(value)) for name, value in stats_of(result).items()]
    found = [
        f"On {_split(about.get('split'))} images, in nats per image where they are losses:",
        _table(("", "value"), stats),
    ]
    if note := about.get("note"):
        found.append(str(note))
    scores = [
        (label, _number(part["value"]), _number(part["standard_error"]), score.get("variant", ""))
        for score in run.scores().values()
        for label, part in _parts(score)
    ]
    if scores:
        found += [_table(("metric", "value", "± se", "variant"), scores)]
    return "\n\n".join(found)


def _split(name: str | None) -> str:
    return {None: "held-out", "train": "training"}.get(name, str(name))


def _parts(score: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    if not score.get("parts"):
        return [(score["metric"], score)]
    return [(f"{score['metric']} {part}", found) for part, found in score["parts"].items()]


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else ""


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table; a bar in a cell does not end it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", r"\|").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )
