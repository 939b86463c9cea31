"""Tables of docs/control_benchmark.md: how well requests are followed, and the judges."""

from __future__ import annotations

from typing import Any

from _tables.shared import labels_of, made_by

# How the page names the figures of control.json, and their units.
CONTROL = {
    "digit accuracy": "Digit, %",
    "angle": "Angle, deg",
    "x": "x, px",
    "y": "y, px",
    "size": "Size, %",
    "thickness": "Thickness, px",
    "diversity": "Diversity",
    "grey ratio": "Grey ratio",
    "leakage": "Leakage",
}
COARSE = ("digit accuracy", "angle", "size")  # shown with one decimal
RANGES = {"size": 16, "x": 18, "y": 18, "angle": 90, "thickness": 3.5}  # the default ones' widths


def judge(result: dict[str, Any]) -> str:
    """Return a row for each set of renderings: how far the judge errs on it."""
    names = list(next(iter(result["errors"].values())))
    lines = ["| Renderings | " + " | ".join(names) + " |", "|---" + "|--:" * len(names) + "|"]
    for where, found in result["errors"].items():
        cells = [
            f"{100 * found[name]:.1f}%" if name == "digit accuracy" else f"{found[name]:.2f}"
            for name in names
        ]
        lines.append(f"| {where} | " + " | ".join(cells) + " |")
    machine = result["machine"]
    lines.append(
        f"\nMean absolute errors over {result['images']:,} renderings each. "
        f"{result['parameters']:,} parameters, trained on {result['renderings']:,} renderings of "
        f"{result['trained on']} in {result['cpu seconds'] / 60:.0f} minutes of one core by "
        f"`{result['command']}`, torch {machine['torch']}, {machine['device']}."
    )
    return "\n".join(lines)


def judges(result: dict[str, Any]) -> str:
    """Return a row for each data set: what its judge learnt from, its errors, and its cost."""
    lines = [
        "| `unbraid judge` | Trained on | Tested on | Errors on the latter | Core-minutes |",
        "|---|--:|--:|---|--:|",
    ]
    for name, found in result["data"].items():
        errors = [
            f"{factor} {error['value']:.1f}% right"
            if error["unit"] == "%"
            else f"{factor} {error['value']:.3g} {error['unit']}".rstrip()
            for factor, error in found["errors"].items()
        ]
        minutes = f"{found['cpu_seconds'] / 60:.1f}"
        images = f"{found['learnt_from']:,} | {found['measured_on']:,}"
        lines.append(f"| `{name}` | {images} | {', '.join(errors)} | {minutes} |")
    lines.append("\n" + made_by(result))
    return "\n".join(lines)


def control(result: dict[str, Any]) -> str:
    """Return a row for each training: what the judge says, bold where a target is missed."""
    columns = list(CONTROL)
    lines = ["| Method | Labels | Setting | Seed | " + " | ".join(CONTROL.values())]
    lines[0] += " | Moved along, % | Core-minutes |"
    lines.append("|---|---|---|--:" + "|--:" * (len(columns) + 2) + "|")
    for canvas, report in result["floor"].items():
        cells = [*(_figure(report, name) for name in columns), _moved_along(report)]
        lines.append(f"| real renderings, {canvas} px | | | | " + " | ".join(cells) + " | |")
    for method, each in result["targets"].items():
        for labels, aims in each.items():
            cells = [f"{_sign(name)} {aims[name]:g}" if name in aims else "" for name in columns]
            cells.append("")
            lines.append(f"| *`{method}` aims at* | {labels} | | | {' | '.join(cells)} | |")
    for row in result["rows"].values():
        name = f"`{row['method']}`" + ("" if row["canvas"] == 32 else f", {row['canvas']} px")
        for seed, run in row["seeds"].items():
            cells = [
                f"**{text}**" if run["met"].get(name) is False else text
                for name in columns
                for text in [_figure(run["report"], name)]
            ]
            minutes = f"{run['cpu_seconds'] / 60:.1f}" if run["cpu_seconds"] else ""
            about = f"| {name} | {labels_of(row)} | {row['setting']} | {seed} | "
            lines.append(about + " | ".join([*cells, _moved_along(run["report"]), minutes]) + " |")
    machine = result["machine"]
    lines.append(
        f"\n{result['requests']:,} random requests each, of seed {result['seed']}; lengths in "
        "pixels of a 64-pixel canvas; **bold** misses its aim. Core-minutes are the processor "
        f"time of the whole training command. `python benchmarks/control.py`, torch "
        f"{machine['torch']} ({machine['device']}, {machine['vector instructions']})."
    )
    lines.append("\n" + _aims_met(result))
    if left := result.get("not measured yet"):
        lines.append(f"\n**Not measured yet:** {'; '.join(left)}.")
    if any(row["seeds"] for row in result["rows"].values()):
        picture = "images/control-frontier.png"
        lines.append(f"\n![Accuracy and sharpness against diversity, for every row]({picture})")
    return "\n".join(lines)


def control_data(result: dict[str, Any]) -> str:
    """Return a table for each data set: figures of joint and independent requests, and of reals."""
    lines = []
    for row in result["rows"].values():
        report = row["report"]
        other = report.get("independent", {}).get("figures", {})
        lines.append(f"\n**`{row['data']}`, {row['labels']} labels.** `{row['command']}`\n")
        drawn = ["Drawn", "Drawn, independent requests"] if other else ["Drawn"]
        lines.append(f"| Measure | {' | '.join(drawn)} | Real images | Aim |")
        lines.append("|---" + "|--:" * (len(drawn) + 1) + "|---|")
        for name, figure in report["figures"].items():
            cells = [
                f"{each['value']:.3g} {each['unit']}".strip() if each else ""
                for each in (figure, other.get(name))[: len(drawn)]
            ]
            if row["met"].get(name) is False:
                cells[0] = f"**{cells[0]}**"
            real = f"{figure['real']:.3g} {figure['unit']}".strip()
            aim = {True: "met", False: "missed"}.get(row["met"].get(name), "")
            lines.append(f"| {name} | {' | '.join(cells)} | {real} | {aim} |")
        aims = ", ".join(f"{name} {value:g}" for name, value in row["aims"].items())
        lines.append(
            f"\nAims: {aims}. {report['requests']:,} requests, "
            f"{row['core_minutes']:.0f} core-minutes of training, "
            f"{row['judging_core_minutes']:.0f} for the judge and the report."
        )
    if left := result.get("not measured yet"):
        lines.append(f"\n**Not measured yet:** {'; '.join(left)}.")
    machine = result["machine"]
    lines.append(
        "\n`python benchmarks/control_data.py`, torch "
        f"{machine['torch']} ({machine['device']}, {machine['vector instructions']})."
    )
    return "\n".join(lines)


def _sign(name: str) -> str:
    return "≥" if name in ("digit accuracy", "diversity") else "≤"


def _figure(report: dict[str, Any], name: str) -> str:
    value = report["figures"][name]["value"]
    return f"{value:.1f}" if name in COARSE else f"{value:.2f}"


def _moved_along(report: dict[str, Any]) -> str:
    """Return how far other real factors move when one is changed alone, in % of their ranges."""
    shares = [
        100 * move["value"] / RANGES[other]
        for others in report["moves"].values()
        for other, move in others.items()
        if other in RANGES
    ]
    return f"{sum(shares) / len(shares):.2f}" if shares else ""


def _aims_met(result: dict[str, Any]) -> str:
    """Say how many of the aims are met, and by which rows all are."""
    rows = [row for row in result["rows"].values() if row["aimed"] and row["seeds"]]
    if not rows:
        return "No row that has aims is measured yet."
    runs = [run["met"] for row in rows for run in row["seeds"].values()]
    met, whole = sum(sum(run.values()) for run in runs), sum(len(run) for run in runs)
    full = sum(all(run.values()) for run in runs)
    return (
        f"Of the aims {met} in {whole} are met, and all of its own by {full} of {len(runs)} runs."
    )
