"""Tables of the README."""

from __future__ import annotations

from typing import Any

from _tables.control_benchmark_page import COARSE, CONTROL, RANGES
from _tables.shared import labels_of


def control_summary(result: dict[str, Any]) -> str:
    """Return the README's rows of control: real renderings and three methods, means over seeds."""
    columns = [name for name in CONTROL if name in ("digit accuracy", *RANGES)]
    units = {"angle": "Angle, degrees"}
    heads = [units.get(name, CONTROL[name]) for name in columns]
    lines = [
        "| Images | Labels | " + " | ".join(heads) + " |",
        "|---|--:" + "|--:" * len(columns) + "|",
    ]
    reports = {("real handwriting, rendered", ""): [result["floor"]["32"]]}
    counts = []
    for name in ("conditional-vae-1000", "conditional-flow-1000", "beta-tcvae"):
        row = result["rows"][name]
        label = (f"`{row['method']}`", labels_of(row))
        reports[label] = [run["report"] for run in row["seeds"].values()]
        counts.append(f"{label[0]} {len(reports[label])}")
    for (name, labels), found in reports.items():
        cells = []
        for column in columns:
            value = sum(each["figures"][column]["value"] for each in found) / len(found)
            cells.append(f"{value:.1f}" if column in COARSE else f"{value:.2f}")
        lines.append(f"| {name} | {labels} | {' | '.join(cells)} |")
    lines.append(
        "\nDigits that the judge reads as requested, and mean absolute errors of the other "
        f"factors, over {result['requests']:,} random requests; lengths in pixels of a 64-pixel "
        "canvas. Numbers of seeds: " + ", ".join(counts) + "."
    )
    return "\n".join(lines)


def peers(training: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Return the README's rows against other libraries: images a second, and time of DCI."""
    cases = [
        each for each in training["cases"] if each["method"] == "beta-tcvae" and each["batch"] == 64
    ]
    names = ["unbraid auto", "unbraid f32", "pythae", "disent"]
    labels = cases[0]["labels"]
    lines = [
        f"| | unbraid, bfloat16 | unbraid, float32 | {labels['pythae']} | {labels['disent']} | "
        "disentanglement_lib's DCI |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for case in cases:
        rates = " | ".join(f"{case['rates'][name]['best']:,}" for name in names)
        size = f"{case['size']} x {case['size']}"
        lines.append(f"| beta-TCVAE, {case['net']}, {size}, images/s | {rates} | |")
    dci = metrics["speed"]["metrics"]["dci"]
    lines.append(
        f"| DCI, {dci['rows']:,} rows, core-seconds | {dci['cpu_seconds']:.1f} | | | | "
        f"{dci['replaces']['cpu_seconds']:.1f} |"
    )
    return "\n".join(lines)


def request_time(result: dict[str, Any]) -> str:
    """Return the README's sentence on the time of a request."""
    return (
        f"`unbraid generate` takes {result['cold']['seconds']:.1f} seconds, nearly all to load "
        f"torch; 16 images of a loaded model take "
        f"{result['milliseconds']['16 images']['best']:.0f} milliseconds."
    )
