"""Tables of measured numbers: one function for each file in benchmarks/results, of its name.

``train_speed(result)`` turns benchmarks/results/train_speed.json into Markdown, and a page shows it
with an include of ``_generated/train_speed.md``. Numbers are never typed into a page.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def methods(result: dict[str, Any]) -> str:
    """Return a row for each method: its command and the figures of its result.json."""
    columns = {
        "reconstruction": "Reconstruction",
        "squared_error": "Squared error",
        "kl": "KL",
        "index_code_mi": "Mutual information",
        "total_correlation": "Total correlation",
        "dimwise_kl": "Dimension-wise KL",
        "active_units": "Active units",
    }
    lines = ["| " + " | ".join(["Command", *columns.values()]) + " |"]
    lines.append("|---" + "|--:" * len(columns) + "|")
    for run in result.values():
        figures = run["figures"]
        terms = figures.get("decomposition", {})
        cells = [f"`{run['command']}`"]
        for name in columns:
            if name in terms:
                value, error = terms[name]["value"], terms[name]["standard_error"]
                cells.append(f"{value:.2f} ± {error:.2f}")
            else:
                value = figures.get(name)
                cells.append("" if value is None else f"{value:.2f}" if value % 1 else str(value))
        lines.append("| " + " | ".join(cells) + " |")
    machine = next(iter(result.values()))["machine"]
    return "\n".join(lines) + (
        f"\n\nNats per image but for the squared error and the units; ± is a standard error. Made "
        f"by `python benchmarks/methods.py` with torch {machine['torch']} on {machine['device']}."
    )


def train_speed(result: dict[str, Any]) -> str:
    """Return a row for each case: images per second of each contender, and two ratios."""
    names = ["bare", "bare, torch's layers", "unbraid f32", "unbraid auto", "pythae", "disent"]
    shares = {"f32 over bare": "f32 / bare", "auto over fastest peer": "auto / fastest peer"}
    lines = ["| " + " | ".join(["Case", "Batch", *names, *shares.values()]) + " |"]
    lines.append("|---" + "|--:" * (len(lines[0].split("|")) - 3) + "|")
    for case in result["cases"]:
        cells = [f"{case['method']}, {case['net']} {case['size']}x{case['size']}", case["batch"]]
        for name in names:
            rate = case["rates"].get(name)
            cells.append(f"{rate['best']:,} ({rate['median']:,})" if rate else "")
        cells += [
            f"{case['ratios'][name]:.2f}" if name in case["ratios"] else "" for name in shares
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    machine, imports = result["machine"], result["import seconds"]
    peers = {label for case in result["cases"] for label in case["labels"].values()}
    lines.append(
        f"\nImages per second: the best of {result['repeats']} turns, and the median. "
        f"`{result['command']}`, torch {machine['torch']}, {machine['cores']} cores "
        f"({machine['device']}, {machine['vector instructions']}, bf16 in hardware: "
        f"{'yes' if machine['bf16 in hardware'] else 'no'}), load {result['load before']} before; "
        + ", ".join(sorted(label for label in peers if label.startswith(("pythae", "disent"))))
        + "."
    )
    for name, reason in result["not installed"].items():
        lines.append(f"\n{name} is missing: {reason}.")
    lines.append("\n" + _missed(result["cases"]))
    memory = " and ".join(f"{mb} MB ({net})" for net, mb in result["peak memory MB"].items())
    lines.append(
        f"\nTraining on MNIST peaks at {memory}. `import unbraid` takes {imports['unbraid']:.3f} s "
        f"after torch, and all that training needs {imports['unbraid.train_run']:.2f} s."
    )
    return "\n".join(lines)


def _missed(cases: list[dict[str, Any]]) -> str:
    """Say which cases fall short of what was aimed at."""
    short = []
    for case in cases:
        aims = {
            "f32 over bare": 0.97,
            "auto over fastest peer": 1.8 if case["net"] == "conv" else 1.2,
        }
        short += [
            f"{case['method']}, {case['net']} {case['size']}x{case['size']}, batch {case['batch']} "
            f"({name} {case['ratios'][name]:.2f}, not {aim})"
            for name, aim in aims.items()
            if name in case["ratios"] and case["ratios"][name] < aim
        ]
    aim = (
        "The aims are f32 at 0.97 of the bare step, and auto at 1.8 times the fastest peer for "
        "convolutions and 1.2 times for the mlp."
    )
    return f"{aim} **Missed:** {'; '.join(short)}." if short else f"{aim} All are met."


def made_by(result: dict[str, Any]) -> str:
    """Return the line below a table: its command, on what, and how busy that was."""
    machine = result["machine"]
    return (
        f"`{result['command']}`, torch {machine['torch']}, {machine['cores']} cores "
        f"({machine['device']}, {machine['vector instructions']}), "
        f"load {result['load_before']} before."
    )


def data_speed(result: dict[str, Any]) -> str:
    """Return a row for each data set: images per second of training on it."""
    lines = ["| Images from | Images/s | Lowest to highest |", "|---|--:|--:|"]
    lines += [
        f"| {name} | {speed['images_per_second']:,} | {speed['lowest']:,} to {speed['highest']:,} |"
        for name, speed in result["speed"].items()
    ]
    lines.append(
        f"\nThe median of {result['rounds']} rounds of {result['steps']} steps of "
        f"{result['method']}, {result['net']}, batch {result['batch']}, seed {result['seed']}. "
        + made_by(result)
    )
    return "\n".join(lines)


def render_speed(result: dict[str, Any]) -> str:
    """Return how quickly digits are drawn, how wide their strokes come out, and what turns keep."""
    lines = ["| Canvas | Threads | Images/s | Images per core-second |", "|---|--:|--:|--:|"]
    lines += [
        f"| {s['canvas']} | {s['threads']} | {s['images_per_second']:,} "
        f"| {s['images_per_core_second']:,} |"
        for s in result["speed"]
    ]
    widths = [t for t in result["thickness"] if t["canvas"] == 64]
    lines += ["", "| Size | Stroke asked for | Stroke measured |", "|---|--:|--:|"]
    lines += [f"| {t['size']} | {t['asked']} | {t['measured']} |" for t in widths]
    lines.append(
        "\nStrokes are those of plain 1s on a canvas of 64 pixels. Preparing 70,000 glyphs took "
        f"{result['preparation_core_seconds']:.0f} core-seconds. " + made_by(result)
    )
    return "\n".join(lines)


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "data_speed": data_speed,
    "methods": methods,
    "render_speed": render_speed,
    "train_speed": train_speed,
}


def write_all(results: Path, out: Path) -> None:
    """Write every table; where there is no result yet, the table says which command makes it."""
    out.mkdir(exist_ok=True)
    for name, table in TABLES.items():
        result = results / f"{name}.json"
        if result.is_file():
            text = table(json.loads(result.read_text(encoding="utf-8")))
        else:
            text = f"*Not measured yet: `python benchmarks/{name}.py` does.*"
        page = out / f"{name}.md"
        if not page.is_file() or page.read_text(encoding="utf-8") != text + "\n":
            page.write_text(text + "\n", encoding="utf-8")
