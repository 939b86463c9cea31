"""The tour, timed, and its gallery in the docs.

``python benchmarks/tour.py`` makes the default report into ``report``; with ``--full`` (and
``--seeds 10``) the paper-grade one, for hours, and goes on where it was stopped. Then it copies
figures into docs/images/tour and writes benchmarks/results/tour.json: the answer, the curves, seeds
and machine.
"""

from __future__ import annotations

import csv
import re
import shutil
import sys
import time
from html import unescape
from pathlib import Path
from typing import Any

import torch
import tyro

from unbraid import runs, tour
from unbraid.files import read_json, write_json
from unbraid.tour import _claim, _curves, _report, _testing

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs/images/tour"
RESULT = ROOT / "benchmarks/results/tour.json"
# what the gallery shows: the figure's file, and a heading
SHOWN = {
    "rebuilt": "Ten digits, drawn again from ever more numbers",
    "sizes": "What is lost, by the width of the code",
    "clouds": "Where codes lie: they wander, and they stay",
    "prior-ae": "Codes drawn blindly: the autoencoder's",
    "prior-vae": "And the VAE's",
    "map-0": "The plane of a VAE's codes",
    "sentence": "A request answered by the data",
    "infogan-0": "InfoGAN: found without labels",
    "curve": "The β-VAE's trade-off",
    "tradeoff": "β-VAE and β-TCVAE on the same axes",
    "claim": "The claim under test",
    "request": "The request met by models",
    "left": "What has a number of its own",
}


def timed(config: tour.Config) -> dict[str, Any]:
    """Make the report; return how long it took, and how much of it was trained before."""
    kept = config.out / "timed.json"
    before = len(_report.Tour(config).finished)
    start = time.monotonic()
    page = tour.run(config)
    found = {"seconds": round(time.monotonic() - start), "trained before": before}
    found["page bytes"] = page.stat().st_size
    if before and kept.is_file():  # of the run that trained
        return {**read_json(kept), "page bytes": found["page bytes"]}
    write_json(kept, found)
    return found


def gallery(config: tour.Config) -> list[dict[str, str]]:
    """Copy the figures; return their names, headings and what the report says they show."""
    html = (config.out / "index.html").read_text(encoding="utf-8")
    IMAGES.mkdir(parents=True, exist_ok=True)
    shown = []
    for name, heading in SHOWN.items():
        source = config.out / "figures" / f"{name}.svg"
        if not source.is_file():
            continue
        shutil.copy(source, IMAGES / source.name)
        (alt,) = re.findall(rf'id="figure-{name}"[^>]* alt="([^"]*)"', html)
        shown.append({"name": name, "heading": heading, "alt": unescape(alt)})
    return shown


def rows(path: Path) -> list[dict[str, Any]]:
    """Return a CSV file's rows, numbers as such."""

    def value(text: str) -> Any:
        try:
            return float(text)
        except ValueError:
            return text

    with path.open(encoding="utf-8") as file:
        return [{key: value(text) for key, text in row.items()} for row in csv.DictReader(file)]


def main() -> None:
    """Make the report, and write what the docs show of it."""
    torch.set_num_threads(1)
    config = tyro.cli(tyro.conf.FlagCreatePairsOff[tour.Config])
    found = timed(config)
    made = _report.Tour(config)
    curves = {method: _curves.curve(made, method) for method in _curves.LABELS}
    comparisons = _testing.compare(curves)
    answer, why = _claim.verdict(comparisons)
    options = _report.given(config, leave=("out",))
    write_json(
        RESULT,
        {
            "command": " ".join(["unbraid", "tour", *options]),
            "made by": " ".join(["python", "benchmarks/tour.py", *options]),
            **found,
            "trainings": len(made.jobs),
            "seeds": made.scale.seeds,
            "seeds of two latents": len(made.plane("vae")),
            "seeds of infogan": len(made.seeds("infogan")),
            "answer": answer,
            "why": why,
            "margin": _claim.MARGIN,
            "coverage": _claim.coverage(made.scale.seeds),
            "claim": rows(config.out / "figures/claim.csv"),
            "curves": rows(config.out / "figures/tradeoff.csv"),
            "gallery": gallery(config),
            "machine": runs.machine(torch.device("cpu")),
        },
    )
    print(f"{RESULT}: the claim is {answer}", file=sys.stderr)


if __name__ == "__main__":
    main()
