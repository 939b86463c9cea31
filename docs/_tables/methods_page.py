"""Tables of docs/methods: the methods against each other, and those of single methods."""

from __future__ import annotations

from typing import Any

from _tables.shared import interval_over, made_by, over_seeds


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


# Scores that the comparison of methods shows, by what they are called in its result.
COMPARED = {
    "mig": "MIG",
    "dci disentanglement": "DCI",
    "sap": "SAP",
    "factorvae": "FactorVAE",
    "infomec InfoM": "InfoM",
}


BESIDE = ("net=conv", "points=0")  # settings whose steps are timed by themselves
# whose settings in the table are none of a paper's
DEFAULTS = ("info-vae", "wae-mmd", "hfs", "qlae", "tripod")
# settings that are shown; the others are what tuned ones were chosen from
SHOWN = ("published", *BESIDE, "tuned")


def methods(result: dict[str, Any]) -> str:
    """Return a table for each data set: methods' scores over seeds, their speed, and the gates."""
    lines = []
    for data in dict.fromkeys(row["data"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["data"] == data and row["setting"] in SHOWN]
        times = result["milliseconds a step"].get(data, {})
        lines += [
            f"\n**`{data}`**\n",
            "| Method | Setting | Seeds | " + " | ".join(COMPARED.values()),
        ]
        lines[-1] += " | Nats | ms |"
        lines.append("|---|---|--:" + "|--:" * (len(COMPARED) + 2) + "|")
        for method, setting in dict.fromkeys((row["method"], row["setting"]) for row in rows):
            mine = [r for r in rows if (r["method"], r["setting"]) == (method, setting)]
            diverged = sum("diverged" in r for r in mine)
            seeds = f"{len(mine)}, {diverged} diverged" if diverged else str(len(mine))
            cells = [f"`{method}`", called(method, setting), seeds, *_scores(mine)]
            kind = f"{method} {setting}" if setting in BESIDE else method
            cells.append(f"{times[kind]:.1f}" if kind in times else "")
            lines.append("| " + " | ".join(cells) + " |")
        if published := result["published"].get(data):
            lines += ["", *map(_published, published)]
        lines += ["", *(f"- {_gate(g)}" for g in result["gates"] if g["data"] == data)]
    if not lines:
        lines = ["| Method | Setting |", "|---|---|", "\nNo method is measured yet."]
    lines.append(
        "\nMean ± half of the 95% t interval over seeds; of two seeds, both values. "
        f"{_steps(result)}. Nats: of the reconstruction. Published: with the published weights of "
        "the objective; steps are far fewer, and so the learning rate is "
        f"{result['common']['lr']:g}, not the 1e-4 of the studies of 2019 and 2020. Default: with "
        "the weights of this library, as none are published for these data, or for so many "
        "latents; `hfs` looks at 100 random points, with `points=0` at all, as its published code. "
        "ms: of a step on "
        "one core. Tuned: the weight of the highest "
        f"{result['tuned by']} on other seeds. Codes of `hfs` have "
        "[a small scale](hfs.md#pitfalls), which lowers its FactorVAE score. InfoM may be high "
        "where few latents are active. The first and the last orientation of dSprites, which are "
        "equal, were measured as two levels. "
        f"{made_by(result)}"
    )
    return "\n".join(lines).strip("\n")


def _published(published: dict[str, Any]) -> str:
    """Return the values that are published, in a sentence."""
    told = [
        f"`{method}` "
        + ", ".join(f"{COMPARED[name]} {value:.2f}" for name, value in values.items())
        for method, values in published["values"].items()
    ]
    source = f"- Published by {published['source']}, of other images and many more steps"
    return f"{source}: {'; '.join(told)}."


def _steps(result: dict[str, Any]) -> str:
    """Return how many seeds and steps the trainings had, and which have others."""
    shown = [row for row in result["rows"] if row["setting"] in SHOWN]
    if not shown:
        return "No seeds"
    others = []
    for row in result["rows"]:
        steps, lr = row["training"]["steps"], row["training"].get("lr", result["common"].get("lr"))
        told = [f"{steps:,}"] if steps != result["steps"] else []
        told += [f"learning rate {lr:g}"] if lr != result["common"].get("lr") else []
        net = f" with {row['setting']}" if row["setting"] in BESIDE else ""
        others += [f"`{row['method']}`{net} {', '.join(told)}"] if told else []
    kinds = [(row["data"], row["method"], row["setting"]) for row in shown]
    counts = sorted({kinds.count(kind) for kind in kinds})
    seeds = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
    precisions = sorted({row["precision"] for row in result["rows"] if "precision" in row})
    steps = f"{result['steps']:,} steps of {result['common']['batch_size']} images each"
    told = [f"{seeds} seed{'s' if counts[-1] > 1 else ''} each", *precisions, steps]
    return "; ".join([", ".join(told), *dict.fromkeys(others)])


def called(method: str, setting: str) -> str:
    """Return what a table calls the setting of a row."""
    return "default" if setting == "published" and method in DEFAULTS else setting


def _scores(rows: list[dict[str, Any]]) -> list[str]:
    """Return the cells of the scores and the reconstruction over the seeds of a setting."""
    cells = [over_seeds([r["scores"].get(name, [None])[0] for r in rows], 2) for name in COMPARED]
    cells.append(over_seeds([r["stats"].get("reconstruction") for r in rows], 1))
    # the half goes below the mean where the table is wider than the page
    return [cell.replace("\u00a0±", " ±") for cell in cells]


def of_method(result: dict[str, Any], method: str) -> str:
    """Return the scores of all settings of a method, beside those of the VAE."""
    lines = [
        "| Data | | Setting | Seeds | " + " | ".join(COMPARED.values()) + " | Nats |",
        "|---|---|---|--:" + "|--:" * (len(COMPARED) + 1) + "|",
    ]
    for data in dict.fromkeys(row["data"] for row in result["rows"]):
        of_data = [row for row in result["rows"] if row["data"] == data]
        kinds = dict.fromkeys((r["method"], r["setting"]) for r in of_data)
        for name, setting in kinds:
            if name == method or (name, setting) == ("vae", "published"):
                mine = [r for r in of_data if (r["method"], r["setting"]) == (name, setting)]
                what = "" if name == "vae" else called(name, setting)
                cells = [f"`{data}`", f"`{name}`", what, str(len(mine)), *_scores(mine)]
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + (
        "\n\nMean ± half of the 95% t interval over seeds; of two seeds, both values. Nats: of the "
        f"reconstruction. {_steps(result)}. "
        "[All methods](which.md#before-trusting-any-of-them) are compared there."
    )


# methods that get more than images, by what it is
GIVEN = {"pairs": ("ada-gvae", "ada-ml-vae", "slow-vae"), "1,000 labels": ("s2-vae",)}


def methods_first(result: dict[str, Any]) -> str:
    """Return the method of the highest mean for each data set, score and what a method is given."""
    lines = [
        "| Data | Given | " + " | ".join(COMPARED.values()) + " |",
        "|---|---|" + "---|" * len(COMPARED),
    ]
    more = {name for names in GIVEN.values() for name in names}
    for data in dict.fromkeys(row["data"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["data"] == data]
        given = {"images": [row for row in rows if row["method"] not in more]}
        for kind, names in GIVEN.items():
            given[kind] = [row for row in rows if row["method"] in names]
        for kind, mine in given.items():
            if mine:
                cells = " | ".join(_first(mine, score) for score in COMPARED)
                lines.append(f"| `{data}` | {kind} | {cells} |")
    if len(lines) == 2:
        return "No method is measured yet."
    return "\n".join(lines) + (
        "\n\nThe highest mean over seeds, of the published or default settings and of the tuned "
        "ones, ± half of its 95% t interval (of two seeds, both values), and how many other "
        "methods its 95% interval overlaps with: those of a single seed count as points. Runs "
        "whose codes tell nothing of factors (MIG and DCI of 0.00) are left out: their InfoM is of "
        "noise. "
        f"{_steps(result)}."
    )


def _tells_nothing(row: dict[str, Any]) -> bool:
    """Whether a run's codes tell nothing of factors: ratios, such as InfoM, are then of noise."""
    told = (row["scores"].get(name, [None])[0] for name in ("mig", "dci disentanglement"))
    return all(value is not None and value < 0.005 for value in told)


def _first(rows: list[dict[str, Any]], score: str) -> str:
    """Return the method of the highest mean, and how many others the seeds do not separate."""
    values: dict[tuple[str, str], list[float | None]] = {}
    for row in rows:
        if row["setting"] in SHOWN and not _tells_nothing(row):
            found = row["scores"].get(score, [None])[0]
            values.setdefault((row["method"], row["setting"]), []).append(found)
    known = {key: over for key, each in values.items() if (over := interval_over(each))}
    if not known:
        return ""
    best = max(known, key=lambda key: known[key][0])
    mean, half = known[best]
    close = {
        key[0]
        for key, (other, around) in known.items()
        if key[0] != best[0] and other + around >= mean - half
    }
    overlap = f"; overlaps {len(close)}" if close else ""
    return f"`{best[0]}` {over_seeds(values[best], 2)}{overlap}"


def _gate(gate: dict[str, Any]) -> str:
    """Return a gate as a line: whether it is met, and by how much."""
    setting = called(gate["gate"].split()[0], gate["setting"])
    text = gate["gate"] + (f" ({setting})" if setting else "")
    sure = ""
    if difference := gate.get("difference"):
        text += f": {difference['mean']:+.3f}"
        if difference["low"] is None:
            sure = ", by one seed"
        else:
            text += f" ({difference['low']:+.3f} to {difference['high']:+.3f})"
            sure = ", not significantly" if difference["low"] <= 0 <= difference["high"] else ""
    if ratio := gate.get("ratio"):
        text += f": {ratio:.2f}"
    if operations := gate.get("ratio of operations"):
        text += f", with {operations:.2f} times its floating-point operations"
    return text + ("; met" if gate["met"] else "; **missed**") + sure


def discrete_codes(result: dict[str, Any]) -> str:
    """Return a row for each seed: accuracies, what continuous codes do, the score for restarts."""
    columns = "Seed | One to one | Majority vote | Slant | Stroke width | Minutes | Score"
    lines = [f"| Method | {columns} |", "|---" + "|--:" * len(columns.split("|")) + "|"]
    below = []
    known = ("infogan", "joint-vae", "joint-vae-published")
    methods = [name for name in known if name in result]
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
    below += ["", *_restarts({name: result[name]["restarts"]["by count"] for name in methods})]
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
    aims = [
        f"{name} {'at most' if name == 'minutes' else 'at least'} {aim:g} "
        + ("(met)" if found["met"][name] else "(**missed**)")
        for name, aim in found["targets"].items()
    ]
    return f"{text}. Aimed at in the median: {', '.join(aims)}."


def _restarts(methods: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return a table of what ``--restarts`` keeps of so many seeds, over all choices of them."""
    lines = [
        "| Method | `--restarts` | Accuracy, mean | Lowest | Their best, mean | Each digit has a "
        "category |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, rows in methods.items():
        for row in rows:
            share = f"{row['whole']} of {row['choices']}"
            figures = (row["mean"], row["lowest"], row["the best there is, mean"])
            cells = [f"`{name}`", str(row["count"]), *(f"{100 * each:.1f}%" for each in figures)]
            lines.append(f"| {' | '.join(cells)} | {share} |")
    return [
        *lines,
        "\nOf the seeds above, all choices of so many: the seed with the highest score is kept.",
    ]
