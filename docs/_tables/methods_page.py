"""Tables of docs/methods: the methods against each other, and those of single methods."""

from __future__ import annotations

import statistics
from typing import Any

from _tables.shared import made_by


def autoencoders(result: dict[str, Any]) -> str:
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
        figures = run.get("reconstruction_stats", run.get("figures"))
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
        "\n\nNats per image but for the squared error and the units; ± is a standard error. Made "
        f"by `python benchmarks/autoencoders.py` with torch {machine['torch']} on "
        f"{machine['device']}."
    )


# 97.5% quantiles of Student's t for 1, 2, ... values; the first is of none
T95 = (0.0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


# Scores that the comparison of methods shows, by what they are called in its result.
COMPARED = {
    "mig": "MIG",
    "dci disentanglement": "DCI",
    "sap": "SAP",
    "factorvae": "FactorVAE score",
    "infomec InfoM": "InfoM",
}


def methods(result: dict[str, Any]) -> str:
    """Return a table for each data set: methods' scores over seeds, their speed, and the gates."""
    lines = []
    for data in dict.fromkeys(row["data"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["data"] == data]
        published = result["published"].get(data, {"source": "", "values": {}})
        times = result["milliseconds a step"].get(data, {})
        lines += [
            f"\n**`{data}`**\n",
            "| Method | Setting | Seeds | " + " | ".join(COMPARED.values()),
        ]
        lines[-1] += " | Reconstruction, nats | Step, ms | Published |"
        lines.append("|---|---|--:" + "|--:" * (len(COMPARED) + 2) + "|---|")
        for method, setting in dict.fromkeys((row["method"], row["setting"]) for row in rows):
            mine = [r for r in rows if (r["method"], r["setting"]) == (method, setting)]
            told = published["values"].get(method, {}) if setting == "published" else {}
            cells = [f"`{method}`", setting, str(len(mine))]
            cells += [_over([r["scores"].get(name, [None])[0] for r in mine]) for name in COMPARED]
            cells.append(_over([r["stats"].get("reconstruction") for r in mine], 1))
            cells.append(f"{times[method]:.1f}" if method in times else "")
            cells.append(", ".join(f"{COMPARED[name]} {value:.2f}" for name, value in told.items()))
            lines.append("| " + " | ".join(cells) + " |")
        if published["source"]:
            lines.append(f"\nPublished: {published['source']}; other images and many more steps.")
        lines += ["", *(f"- {_gate(g)}" for g in result["gates"] if g["data"] == data)]
    if not lines:
        lines = ["| Method | Setting |", "|---|---|", "\nNo method is measured yet."]
    lines.append(
        f"\nMean ± half of the 95% t interval over seeds. {result['steps']:,} steps each; a step's "
        f"time is of one core. Tuned: the weight of the highest {result['tuned by']} on other "
        f"seeds. {made_by(result)}"
    )
    return "\n".join(lines).strip("\n")


def _over(values: list[float | None], digits: int = 3) -> str:
    """Return the mean over seeds and half of its 95% t interval, "" if nothing is known."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    mean = statistics.fmean(known)
    if len(known) < 2:
        return f"{mean:.{digits}f}"
    half = T95[min(len(known), len(T95)) - 1] * statistics.stdev(known) / len(known) ** 0.5
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


def _gate(gate: dict[str, Any]) -> str:
    """Return a gate as a line: whether it is met, and by how much."""
    text = gate["gate"] + (f" ({gate['setting']})" if gate["setting"] else "")
    if difference := gate.get("difference"):
        text += f": {difference['mean']:+.3f}"
        if difference["low"] is not None:
            text += f" ({difference['low']:+.3f} to {difference['high']:+.3f})"
    if ratio := gate.get("ratio"):
        text += f": {ratio:.2f}"
    return text + ("; met" if gate["met"] else "; **missed**")


def discrete_codes(result: dict[str, Any]) -> str:
    """Return a row for each seed: accuracies, what continuous codes do, the score for restarts."""
    columns = "Seed | One to one | Majority vote | Slant | Stroke width | Minutes | Score"
    lines = [f"| Method | {columns} |", "|---" + "|--:" * len(columns.split("|")) + "|"]
    below = []
    methods = [name for name in ("infogan", "joint-vae") if name in result]
    for name in methods:
        found = result[name]
        for seed in found["seeds"]:
            kept = seed["seed"] == found["seeds"][found["restarts"]["kept"]]["seed"]
            cells = [
                f"{100 * seed['one-to-one']:.1f}%",
                f"{100 * seed['majority']:.1f}%",
                *(f"{seed['strokes'][each]:.2f}" for each in ("slant", "stroke width")),
                f"{seed['seconds'] / 60:.1f}",
                f"**{seed['restart score']:.3f}**" if kept else f"{seed['restart score']:.3f}",
            ]
            lines.append(f"| `{name}` | {seed['seed']} | " + " | ".join(cells) + " |")
        below.append(f"\n**`{name}`**, `{found['command']}`: " + _over_seeds(found))
    machine = result["machine"]
    below.append(
        "\nAccuracies are of MNIST's 10,000 test images. Slant and stroke width: the largest |rho| "
        "(Spearman, within a category, 5,000 images drawn from the priors) of one continuous code "
        "and of another. Score: what `--restarts` goes by, of held-out training images without "
        "labels; **bold** is the seed it keeps. One thread a training, others beside it. "
        f"`{result['command']}`, torch {machine['torch']}, {machine['cores']} cores "
        f"({machine['device']}, {machine['vector instructions']})."
    )
    return "\n".join([*lines, *below])


def _over_seeds(found: dict[str, Any]) -> str:
    """Return medians, spread, failures, what restarts keep, and whether targets are met."""
    over, kept = found["over seeds"], found["restarts"]
    accuracy = over["accuracy"]
    spread = f", standard deviation {100 * accuracy['sd']:.1f}" if accuracy["sd"] else ""
    text = (
        f"median accuracy {100 * accuracy['median']:.1f}%, mean {100 * accuracy['mean']:.1f}%"
        f"{spread}; medians of |rho| {over['slant']['median']:.2f} for slant and "
        f"{over['stroke width']['median']:.2f} for stroke width. In {found['failed seeds']} of "
        f"{len(found['seeds'])} seeds some digit is no category's most frequent one. Of all seeds "
        f"`--restarts` keeps one of {100 * kept['accuracy']:.1f}%, the best has "
        f"{100 * kept['best']:.1f}%"
    )
    few = next((name for name in kept if name.startswith("best of")), "")
    if few:
        text += (
            f"; of any {few.split()[-1]} it keeps {100 * kept[few]['mean']:.1f}% on average, where "
            f"their best has {100 * kept[few]['the best there is, mean']:.1f}%"
        )
    aims = [
        f"{name} {'at most' if name == 'minutes' else 'at least'} {aim:g} "
        + ("(met)" if found["met"][name] else "(**missed**)")
        for name, aim in found["targets"].items()
    ]
    return f"{text}. Aimed at in the median: {', '.join(aims)}."


def tripod_cost(result: dict[str, Any]) -> str:
    """Return what a step of Tripod's parts takes beside the VAE's."""
    names = list(next(iter(result["data"].values()))["milliseconds"])
    lines = [
        "| Images | " + " | ".join(names) + " | Ratio |",
        "|---" + "|--:" * (len(names) + 1) + "|",
    ]
    for data, found in result["data"].items():
        cells = [f"{found['milliseconds'][name]:.1f}" for name in names]
        lines.append(f"| `{data}`, 32 px | {' | '.join(cells)} | {found['ratio']:.1f} |")
    lines.append(
        f"\nMilliseconds of one core a step of {result['batch']} images, the best of "
        f"{result['turns']} in turns, each part with those before it; the ratio is of the whole to "
        f"the VAE. The aim was at most {result['aim']:g}. {made_by(result)}"
    )
    return "\n".join(lines)
