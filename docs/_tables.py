"""Tables of measured numbers: one function for each file in benchmarks/results, of its name.

``train_speed(result)`` turns benchmarks/results/train_speed.json into Markdown, and a page shows it
with an include of ``_generated/train_speed.md``. Numbers are never typed into a page.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any


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
            diverged = sum("diverged" in r for r in mine)
            seeds = f"{len(mine)}, {diverged} diverged" if diverged else str(len(mine))
            cells = [f"`{method}`", setting, seeds]
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


GIVEN = {"pairs": ("ada-gvae", "ada-ml-vae", "slow-vae")}  # methods that get more than images


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
        f"\n\nThe highest mean over seeds after {result['steps']:,} steps, of the published "
        "settings and of the tuned ones, ± half of its 95% t interval; in brackets, how many other "
        "methods have an interval that overlaps with it."
    )


def _first(rows: list[dict[str, Any]], score: str) -> str:
    """Return the method of the highest mean, and how many others the seeds do not separate."""
    values: dict[tuple[str, str], list[float | None]] = {}
    for row in rows:
        if row["setting"] in ("published", "tuned"):
            found = row["scores"].get(score, [None])[0]
            values.setdefault((row["method"], row["setting"]), []).append(found)
    known = {key: over for key, each in values.items() if (over := _interval_over(each))}
    if not known:
        return ""
    best = max(known, key=lambda key: known[key][0])
    mean, half = known[best]
    close = {
        key[0]
        for key, (other, around) in known.items()
        if key[0] != best[0] and other + around >= mean - half
    }
    return f"`{best[0]}` {_over(values[best])}" + (f" ({len(close)})" if close else "")


def _interval_over(values: list[float | None]) -> tuple[float, float] | None:
    """Return the mean over seeds and half of its 95% t interval, 0 of a single seed."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    if len(known) < 2:
        return known[0], 0.0
    half = T95[min(len(known), len(T95)) - 1] * statistics.stdev(known) / len(known) ** 0.5
    return statistics.fmean(known), half


def _over(values: list[float | None], digits: int = 3) -> str:
    """Return the mean over seeds and half of its 95% t interval, "" if nothing is known."""
    found = _interval_over(values)
    if found is None:
        return ""
    text = f"{found[0]:.{digits}f}"
    single = sum(value is not None for value in values) < 2
    return text if single else f"{text} ± {found[1]:.{digits}f}"


def _gate(gate: dict[str, Any]) -> str:
    """Return a gate as a line: whether it is met, and by how much."""
    text = gate["gate"] + (f" ({gate['setting']})" if gate["setting"] else "")
    if difference := gate.get("difference"):
        text += f": {difference['mean']:+.3f}"
        if difference["low"] is not None:
            text += f" ({difference['low']:+.3f} to {difference['high']:+.3f})"
    if ratio := gate.get("ratio"):
        text += f": {ratio:.2f}"
    if operations := gate.get("ratio of operations"):
        text += f", with {operations:.2f} times its floating-point operations"
    return text + ("; met" if gate["met"] else "; **missed**")


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


def nets_speed(result: dict[str, Any]) -> str:
    """Return a row for each network: its size and the time of a step, and that over conv's."""
    sizes = list(result["nets"]["conv"]["milliseconds"])
    columns = [f"{text}, {size} px" for size in sizes for text in ("Parameters", "ms", "conv = 1")]
    lines = ["| `--net` | " + " | ".join(columns) + " |", "|---" + "|--:" * len(columns) + "|"]
    conv = result["nets"]["conv"]["milliseconds"]
    for net, told in result["nets"].items():
        cells = [f"`{net}`"]
        for size in sizes:
            took = told["milliseconds"][size]
            cells += [f"{told['parameters'][size]:,}", f"{took:.0f}", f"{took / conv[size]:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    lines.append(
        f"\nMilliseconds a step of a VAE on {result['batch']} images of one channel, a core's own "
        f"time, one thread, best of four rounds. {made_by(result)}"
    )
    return "\n".join(lines)


def edits(result: dict[str, Any]) -> str:
    """Return a table for each data set: what edits change and move, first drawn and corrected."""
    lines = []
    for name, found in result["data"].items():
        units = found["units"]
        category, *numbers = units
        heads = [f"{each}, {units[each]}" if units[each] else each for each in numbers]
        lines.append(f"\n**`{name}`**, {result['images']:,} images:\n")
        lines.append("| Edit | " + " | ".join([f"{category} kept, %", *heads]) + " |")
        lines.append("|---" + "|--:" * len(units) + "|")
        for text, told in found["changes"].items():
            cells = [f"`{text}`"]
            for each in units:
                asked = each == told["factor"]
                key = "error" if asked else f"{each} moved"
                key = f"{each} kept, %" if each == category else key
                first, last = (f"{told[one][key]:.3g}" for one in ("first draw", "corrected"))
                cells.append(f"**{first} → {last}**" if asked else f"{first} → {last}")
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines).strip()


def explorer(result: dict[str, Any]) -> str:
    """Return a row for each of the explorer's pages: size, times and exactness, and the aims."""
    columns = {
        "page, MB": "Size, MB",
        "export, core seconds": "Export, s of the processor",
        "first picture, ms": "First picture, ms",
        "step p50, ms": "Slider step, ms: median",
        "step p95, ms": "95%",
        "step, ms of the processor": "of the processor",
        "heap growth, MB": "Heap growth, MB",
        "f32 off torch": "Off torch, float32 weights",
        "f16 off torch, grey levels": "float16, grey levels",
    }
    aims, missed = result["aims"], []
    lines = ["| " + " | ".join(["Page", *columns.values()]) + " |"]
    lines.append("|---" + "|--:" * len(columns) + "|")
    for name, found in result["pages"].items():
        size = "x".join(map(str, found["shape"][1:]))
        cells = [f"{name}, {found['data']} {size}"]
        cells += [f"{found[key]:g}" if key in found else "" for key in columns]
        lines.append("| " + " | ".join(cells) + " |")
        missed += [
            f"{name}, {key} {found[key]:g}, not {aim:g}"
            for key, aim in aims.items()
            if key in found and found[key] > aim
        ]
    told = ", ".join(f"{key} {aim:g}" for key, aim in aims.items())
    lines.append(
        f"\nAims, at most: {told}. "
        + (f"**Missed:** {'; '.join(missed)}." if missed else "All are met.")
    )
    lines.append(
        f"\nHeadless Chromium on one CPU, pages from disk, {result['steps']} slider steps; load "
        f"{result['load']} before. `{result['command']}`, torch {result['machine']['torch']}."
    )
    return "\n".join(lines)


def request_speed(result: dict[str, Any]) -> str:
    """Return a row for each kind of request: milliseconds once the model is loaded."""
    lines = ["| Request | Best | Median | Processor |", "|---|--:|--:|--:|"]
    lines += [
        f"| {name} | {took['best']:.1f} | {took['median']:.1f} | {took['core']:.1f} |"
        for name, took in result["milliseconds"].items()
    ]
    _, height, width = result["image_shape"]
    cold = result["cold"]
    lines.append(
        f"\nMilliseconds, over {result['repeats']} requests for images of {height} by {width} "
        f"pixels, one thread. From the command line, `unbraid generate` takes "
        f"{cold['seconds']:.1f} s, {cold['core_seconds']:.1f} s of them the processor's, nearly "
        f"all to load torch. {made_by(result)}"
    )
    return "\n".join(lines)


def request_time(result: dict[str, Any]) -> str:
    """Return the README's sentence on the time of a request."""
    return (
        f"`unbraid generate` takes {result['cold']['seconds']:.1f} seconds, nearly all to load "
        f"torch; 16 images of a loaded model take "
        f"{result['milliseconds']['16 images']['best']:.0f} milliseconds."
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


def recordings(result: dict[str, Any]) -> str:
    """Return how exact edits of recordings are, what they keep, and how long one takes."""
    lines = [
        "| Edit | Pitch, semitones (beyond 1) | Duration (mean) | Loudness | Refused | Core-ms "
        "| Times real time |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| `{e['edit']}` | {e['pitch']:.2f} ({e['beyond']:.0%}) "
        f"| {e['duration']:.1%} ({e['duration_mean']:.1%}) | {e['loudness']:.2f} dB "
        f"| {e['refused']} | {e['core_milliseconds']} | {e['realtime']:.0f} |"
        for e in result["edits"]
    ]
    lines.append(
        "\nMedian errors of what is measured after it; in brackets, of pitch the share beyond one "
        "semitone, of duration the mean. Refused are changes out of range. " + made_by(result)
    )
    return "\n".join(lines)


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


def speech_judge(result: dict[str, Any]) -> str:
    """Return a column for each set of renderings: how far the judge of speech errs on it."""
    sets = result["errors"]
    lines = ["| | " + " | ".join(sets) + " |", "|---" + "|--:" * len(sets) + "|"]
    for name in next(iter(sets.values())):
        lines.append(f"| {name} | " + " | ".join(f"{sets[key][name]:.2f}" for key in sets) + " |")
    lines.append(
        f"\n{result['sounds']:,} sounds of the test split. {result['parameters']:,} parameters, "
        f"trained on {result['renderings']:,} renderings of {result['trained on']} in "
        f"{result['cpu seconds'] / 60:.1f} minutes of one core by `{result['command']}`, torch "
        f"{result['machine']['torch']}, {result['machine']['device']}."
    )
    return "\n".join(lines)


# How the page names the figures of speech_control.json, and their units.
VOICED = {
    "word accuracy": "word, %",
    "pitch": "pitch, median semitones",
    "pitch beyond 1": "beyond a semitone, %",
    "duration": "duration, %",
    "tract": "tract, %",
    "loudness": "loudness, dB",
    "diversity": "diversity",
    "leakage": "leakage",
    "variance over time": "variance over time",
}


def speech_control(result: dict[str, Any]) -> str:
    """Return a row of real voices and one of each kind of run, means over seeds."""
    head = ["", "labels", "seeds", *VOICED.values(), "training"]
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "--:|" * (len(head) - 2)]
    real: dict[str, float] = {}
    misses, commands, requests = [], [], 0
    for name, row in result["rows"].items():
        found = list(row["seeds"].values())
        figures = [each["report"]["figures"] for each in found]
        requests = found[0]["report"]["requests"]
        real = {figure: figures[0][figure]["real"] for figure in VOICED if figure in figures[0]}
        cells = [
            f"{sum(each[figure]['value'] for each in figures) / len(figures):.2f}"
            if figure in figures[0]
            else ""
            for figure in VOICED
        ]
        spent = sum(each["training seconds"] for each in found) / len(found) / 60
        cells += [f"{spent:.0f} min (load {max(each['load'] for each in found):.0f})"]
        lines.append(f"| {name} | {row['labels']} | {len(found)} | " + " | ".join(cells) + " |")
        missed = {
            f"{figure} {value:g} (aim {aim:g})"
            for each in found
            for figure, (value, aim) in each["missed"].items()
        }
        misses += [f"{name}: {', '.join(sorted(missed))}"] if missed else []
        commands.append(f"{name}: `{found[0]['command']}`")
    floor = [f"{real[figure]:.2f}" if figure in real else "" for figure in VOICED]
    lines.insert(2, "| real voices | | | " + " | ".join(floor) + " | |")
    lines.append(f"\n{requests:,} random requests each, heard by the judge. " + "; ".join(commands))
    if misses:
        lines.append("\nTargets missed: " + "; ".join(misses) + ".")
    machine = result["machine"]
    lines.append(
        "\n`python benchmarks/speech_control.py`, "
        f"torch {machine['torch']}, {machine['cores']} cores "
        f"({machine['device']}, {machine['vector instructions']}), load as given."
    )
    return "\n".join(lines)


def speech_requests(result: dict[str, Any]) -> str:
    """Return the voices of one request, then how many voices of each kind are as asked for."""
    voices = result["voices"]
    head = ["Voice", "Heard", "Sure", "Pitch, Hz", "Duration, ms", "Tract, %", "Sounds like"]
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "--:|" * 4 + "---|"]
    for place, each in enumerate(voices, 1):
        lines.append(
            f"| {place} | {each['word']} | {each['sure']:.2f} | {each['hertz']:.0f} | "
            f"{each['duration']:.0f} | {each['tract']:.0f} | {each['speaker']} |"
        )
    met = sum(each["met"] for each in voices)
    lines.append(
        f'\n`unbraid generate "{result["request"]}" -n {len(voices)} --seed {result["seed"]}`, '
        f"understood as {result['understood']}: {met} of {len(voices)} are what was asked for. "
        "*Sure* is the judge's probability of the word, and *sounds like* the speaker that it "
        "hears.\n"
    )
    lines += ["| Asked for | Voices | Word | Pitch | Duration | All three |", "|---|" + "--:|" * 5]
    for name, row in result["rows"].items():
        cells = [row[each] for each in ("voices", "word", "pitch", "duration", "all")]
        lines.append(f"| {name} | " + " | ".join(map(str, cells)) + " |")
    machine = result["machine"]
    lines.append(
        f"\n{result['words']} words in {result['each']} voices each. The word is as the judge "
        "hears it. A measured pitch is low, or a duration slow, if it is nearer to the place of "
        "that word in the model's range than to the middle of the range, or beyond it. "
        f"`python benchmarks/speech_requests.py`, torch {machine['torch']}, {machine['device']}."
    )
    return "\n".join(lines)


def judges(result: dict[str, Any]) -> str:
    """Return a row for each data set: what its judge learnt from, its errors, and its cost."""
    lines = ["| `unbraid judge` | Learnt from | Errors on images it never saw | Core-minutes |"]
    lines.append("|---|--:|---|--:|")
    for name, found in result["data"].items():
        errors = [
            f"{factor} {error['value']:.1f}% right"
            if error["unit"] == "%"
            else f"{factor} {error['value']:.3g} {error['unit']}".rstrip()
            for factor, error in found["errors"].items()
        ]
        minutes = f"{found['cpu_seconds'] / 60:.1f}"
        lines.append(f"| `{name}` | {found['learnt_from']:,} | {', '.join(errors)} | {minutes} |")
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
            about = f"| {name} | {row['labels']} | {row['setting']} | {seed} | "
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
        lines.append(f"\n![Obeyed and sharp against varied, for every row]({picture})")
    return "\n".join(lines)


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
    for name in ("conditional-vae-1000", "conditional-flow-1000", "beta-tcvae"):
        row = result["rows"][name]
        label = (f"`{row['method']}`", row["labels"].replace("to steer by", "after training"))
        reports[label] = [run["report"] for run in row["seeds"].values()]
    for (name, labels), found in reports.items():
        cells = []
        for column in columns:
            value = sum(each["figures"][column]["value"] for each in found) / len(found)
            cells.append(f"{value:.1f}" if column in COARSE else f"{value:.2f}")
        lines.append(f"| {name} | {labels} | {' | '.join(cells)} |")
    lines.append(
        "\nDigits that the judge reads as requested, and mean absolute errors of the other "
        f"factors, over {result['requests']:,} random requests; lengths in pixels of a 64-pixel "
        "canvas."
    )
    return "\n".join(lines)


def peers(training: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Return the README's rows against other libraries: images a second, and seconds of DCI."""
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
        f"| DCI, {dci['rows']:,} rows, seconds | {dci['wall_seconds']:.1f} | | | | "
        f"{dci['replaces']['wall_seconds']:.1f} |"
    )
    return "\n".join(lines)


def control_data(result: dict[str, Any]) -> str:
    """Return a table for each data set: figures of joint and independent requests, and of reals."""
    lines = []
    for row in result["rows"].values():
        report = row["report"]
        other = report.get("independent", {}).get("figures", {})
        lines.append(f"\n**`{row['data']}`, {row['labels']} labels.** `{row['command']}`\n")
        lines.append("| Figure | Drawn | Drawn, independent requests | Real images | Aim |")
        lines.append("|---|--:|--:|--:|---|")
        for name, figure in report["figures"].items():
            cells = [
                f"{each['value']:.3g} {each['unit']}".strip() if each else ""
                for each in (figure, other.get(name))
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


def tour(result: dict[str, Any]) -> str:
    """Return how long each scale takes."""
    scales = [result[name] for name in ("quick", "default", "full") if name in result]
    lines = [
        "| Command | Seeds | Of the curves | Trainings | Minutes | Page, MB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for scale in scales:
        minutes = f"{scale['seconds'] / 60:.1f}"
        if before := scale["trained before"]:
            minutes += f" beside {before} trainings done before"
        lines.append(
            f"| `{scale['command']}` | {scale['seeds']} | {scale['seeds of the curves']} | "
            f"{scale['trainings']} | {minutes} | {scale['page bytes'] / 1e6:.1f} |"
        )
    machine = scales[-1]["machine"]
    made = ", ".join(f"`{scale['made by']}`" for scale in scales)
    lines.append(
        f"\n{made}; torch {machine['torch']} on {machine['cores']} cores ({machine['device']})."
    )
    return "\n".join(lines)


def claim(result: dict[str, Any]) -> str:
    """Return what the curves say of the claim, and how often the rule errs."""
    answers = result["answers"]
    most = max(answers.values(), key=lambda each: each["seeds"])
    equal = " and ".join(
        f"{_interval(each, 3)} in {each['difference in']} "
        f"(p {_p(min(each['higher'], each['lower']))})"
        for each in most["equal reconstruction"]
    )
    lines = [
        f"**At equal reconstruction** β-TCVAE less β-VAE is {equal}, over {most['seeds']} seeds of "
        f"`{most['command']}`; **“better reconstruction with similar disentanglement”: "
        f"{most['answer']}.** {most['why']}\n",
        "| β | Reconstruction, nats | MIG | DCI | p | The claim |",
        "|--:|--:|--:|--:|--:|---|",
    ]
    for each in most["same beta"]:
        cells = [
            _interval(part, 1 if name == "reconstruction" else 3)
            for name, part in each["difference in"].items()
        ]
        p = _p(min(each["holds"], *each["fails"].values()))
        lines.append(f"| {each['beta']} | {' | '.join(cells)} | {p} | {each['decision']} |")
    lines += [
        f"\nβ-TCVAE less β-VAE on `digits`: mean and 95% t interval; the margin is "
        f"{result['margin']:g}, p is corrected. By scale:\n",
        "| Command | Seeds | Answer |",
        "|---|--:|---|",
        *(
            f"| `{answers[scale]['command']}` | {answers[scale]['seeds']} | "
            f"{answers[scale]['answer']} |"
            for scale in ("quick", "default", "full")
            if scale in answers
        ),
        "\n**How often the rule errs and decides**, simulated:\n",
        _simulated(result),
    ]
    return "\n".join(lines)


def _simulated(result: dict[str, Any]) -> str:
    """Return the simulated error rates and powers, a column for each number of seeds."""
    seeds = list(result["errors"])
    rows = {
        f"{case}, %": [result["errors"][n][case] for n in seeds] for case in result["errors"]["2"]
    }
    said = ("holds", "fails")
    for beta in result["power"]["2"]["holds"]:
        for what in said:
            rates = [result["power"][n][what][beta] for n in seeds]
            if max(rates) > 0.1:
                rows[f"as measured: {what} at β = {beta}, %"] = rates
    for what in ("higher", "lower"):
        for label in result["power"]["2"][what]:
            rates = [result["power"][n][what][label] for n in seeds]
            if max(rates) > 0.1:
                rows[f"as measured: {label} {what} at equal reconstruction, %"] = rates
    source = result["simulated from"]
    return "\n".join(
        [
            "| Case | " + " | ".join(f"{n} seeds" for n in seeds) + " |",
            "|---|" + "--:|" * len(seeds),
            *(
                f"| {case} | " + " | ".join(f"{100 * rate:.1f}" for rate in rates) + " |"
                for case, rates in rows.items()
            ),
            f"\nOf {result['trials']:,} simulated experiments each, normal, with the covariances "
            f"(and, as measured, the means) of the {source['seeds']} seeds of "
            f"`{source['command']}`. {made_by(result)}",
        ]
    )


def _interval(found: dict[str, float], digits: int) -> str:
    low, high = (f"{found[end]:.{digits}f}" for end in ("low", "high"))
    return f"{found['mean']:.{digits}f} ({low} to {high})"


def _p(p: float) -> str:
    return "under 0.001" if p < 0.001 else f"{p:.3f}"


def gallery(result: dict[str, Any]) -> str:
    """Return a report's figures, tables and findings, chapter by chapter."""
    machine = result["machine"]
    lines = [
        f"From `{result['command']}`: {result['trainings']} trainings, {result['seeds']} seeds "
        f"({result['seeds of two latents']} of the models with two latents, "
        f"{result.get('seeds of the curves', result['seeds'])} of β-VAE and β-TCVAE), torch "
        f"{machine['torch']} on {machine['cores']} cores ({machine['device']}). "
        "`python benchmarks/gallery.py` makes it anew."
    ]
    for chapter in result["chapters"]:
        lines.append(f"\n## {chapter['title']}")
        for part in chapter["parts"]:
            if part["kind"] == "figure":
                images = [f"![{i['alt']}](images/tour/{i['name']}.svg)" for i in part["images"]]
                lines.append("\n" + "\n".join(images))
                lines.append(f"\n*{part['caption']}* `{part['command']}`")
            elif part["kind"] == "table":
                head, *rows = ["| " + " | ".join(row) + " |" for row in part["rows"]]
                ruler = "|---" + "|--:" * (len(part["rows"][0]) - 1) + "|"
                lines += [f"\n{part['caption'].rstrip('.')}:\n", head, ruler, *rows]
            else:
                lines.append(f"\n> {part['text']}")
    return "\n".join(lines)


def side_by_side(result: dict[str, Any]) -> str:
    """Return a row for each kind of training: images a second both ways."""
    lines = ["| Training | Two of one thread | One of two threads | Ratio |", "|---|--:|--:|--:|"]
    for name, speed in result["speed"].items():
        ratios = sorted(speed["ratios"])
        lines.append(
            f"| `{name}` | {speed['side by side']:,} | {speed['one of two threads']:,} | "
            f"{ratios[len(ratios) // 2]:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
        )
    lines.append(
        f"\nImages a second, the best of {result['turns']} turns; the ratio's median, lowest and "
        f"highest. {made_by(result)}"
    )
    return "\n".join(lines)


def hardening(result: dict[str, Any]) -> str:
    """Return what was tried and how often something went wrong, and every fault."""
    lines = ["| Bad input | Tried | Refused | Sound after all | Faults | Most seconds | Most MB |"]
    lines.append("|---" + "|--:" * 6 + "|")
    for kind, found in result["inputs"].items():
        cells = [found[name] for name in ("cases", "refused", "sound after all")]
        cells += [len(found["faults"]), found["most processor seconds"], found["most megabytes"]]
        lines.append(f"| {kind} | " + " | ".join(f"{cell:,}" for cell in cells) + " |")
    lines += [
        "",
        "| Killed | Cases | Kills | SIGKILL | SIGTERM | Faults |",
        "|---" + "|--:" * 5 + "|",
    ]
    for name, found in result["kills"].items():
        cells = [found["cases"], found["kills"]]
        cells += [found["signals"].get(each, 0) for each in ("SIGKILL", "SIGTERM")]
        cells.append(len(found["faults"]))
        lines.append(f"| {name} | " + " | ".join(f"{cell:,}" for cell in cells) + " |")
    if result["days"]:
        lines += ["", "| A bad day | |", "|---|---|"]
        lines += [f"| {name} | {text.splitlines()[0]} |" for name, text in result["days"].items()]
    tried, killed = (
        sum(part["cases"] for part in result[each].values()) for each in ("inputs", "kills")
    )
    wrong = [
        f"{name}: case {index}, {'; '.join(faults)}"
        for part in ("inputs", "kills")
        for name, found in result[part].items()
        for index, *faults in found["faults"]
    ]
    lines.append(
        f"\n{tried:,} inputs and {killed:,} killed commands, seed {result['seed']}. Seconds are of "
        "the processor, megabytes what a command took beyond what it had when it was forked. A "
        "case of kills is hit once, twice, or not at all if it was done before its moment came. "
        f"{made_by(result)} "
        + (f"**Faults:** {'. '.join(wrong)}." if wrong else "No fault was found.")
    )
    return "\n".join(lines)


def measured(result: dict[str, Any]) -> str:
    """Return how far measured factors are from what was drawn, and from those of skeletons."""
    names = {
        "x": "x (px)",
        "y": "y (px)",
        "size_percent": "Size (%)",
        "thickness": "Thickness (px)",
        "slant_of_ones": "Slant of ones (degrees)",
    }
    lines = ["| Digits drawn on | " + " | ".join(names.values()) + " | Images/s |"]
    lines.append("|---" + "|--:" * (len(names) + 1) + "|")
    for canvas, errors in result["renderer"].items():
        cells = [f"{errors[n]['absolute']:.2f} ({errors[n]['mean']:+.2f})" for n in names]
        rate = result["speed"][canvas]["best"]
        lines.append(f"| {canvas} x {canvas} | {' | '.join(cells)} | {rate:,} |")
    lines.append(
        f"\nMean absolute error (and mean error) on {result['images']:,} digits drawn at known "
        "factors, pixels those of the image; images a second of one core's own time."
    )
    if skeleton := result.get("skeleton"):
        told = [
            f"{name} correlates {part['correlation']:.3f} and differs by {part['absolute']:.2f} "
            f"(of a standard deviation of {part['spread']:.2f})"
            for name, part in skeleton["agreement"].items()
        ]
        lines.append(
            f"\nOn {result['skeletons']:,} digits of MNIST, against measures on a skeleton as in "
            f"Morpho-MNIST (scikit-image, {skeleton['images_per_second']:,} images a second): "
            f"{'; '.join(told)}; pixels and degrees."
        )
    lines.append("\n" + made_by(result))
    return "\n".join(lines)


def speech(result: dict[str, Any]) -> str:
    """Return how well recordings are copied, and what is read of renderings and of edits."""
    parts = []
    if rows := result.get("copies"):
        columns = {
            "pesq": ("PESQ", 2),
            "stoi": ("STOI", 3),
            "mcd": ("MCD, dB", 2),
            "f0": ("F0, semitones", 3),
            "f0 beyond": ("beyond 1, %", 1),
            "voicing": ("Voicing differs, %", 1),
        }
        known = {name: told for name, told in columns.items() if any(name in r for r in rows)}
        lines = ["| Copy | " + " | ".join(name for name, _ in known.values()) + " | x real time |"]
        lines.append("|---" + "|--:" * (len(known) + 1) + "|")
        for row in rows:
            cells = [f"{row[n][0]:.{d}f}" if n in row else "" for n, (_, d) in known.items()]
            lines.append(f"| {row['copy']} | {' | '.join(cells)} | {row['times real time']:.0f} |")
        counts = max(row["mcd"][1] for row in rows)
        lines.append(
            f"\n{counts} recordings of the test split. MCD is the mel-cepstral distortion; F0 the "
            "median difference of the fundamental frequency; PESQ and STOI are of the longer ones."
        )
        parts.append("\n".join(lines))
    if floor := result.get("floor"):
        parts.append(_read_back(floor["read"], "Rendering read as"))
        parts[-1] += (
            f"\n\n{floor['renderings']:,} renderings of test recordings, all factors random. "
            "Chance is the middle of each range. The vocal tract is measured against the mean of "
            "training recordings of the same word."
        )
    if edits := result.get("edits"):
        read = {f"edited: {name}": part for name, part in edits["read"].items()}
        parts.append(_read_back(read, "Recording"))
        parts[-1] += (
            f"\n\n{edits['recordings']:,} test recordings, edited to random values, half of them "
            "for each change alone. Where no duration was asked for, time runs as it did: what is "
            "read differs where an end is as quiet as the noise."
        )
    return "\n\n".join([*parts, made_by(result)])


def _read_back(read: dict[str, dict[str, float]], first: str) -> str:
    """Return a row for each way to read pitch, duration, loudness and tract, with its errors."""
    columns = {
        "pitch median": ("Pitch, semitones: median", 3),
        "pitch beyond": ("beyond 1, %", 1),
        "pitch unread": ("unread, %", 1),
        "duration median": ("Duration, %: median", 1),
        "duration mean": ("mean", 1),
        "loudness mean": ("Loudness, dB", 2),
        "tract median": ("Tract, %: median", 1),
        "tract mean": ("mean", 1),
        "milliseconds": ("ms", 0),
    }
    known = {n: told for n, told in columns.items() if any(n in part for part in read.values())}
    lines = [f"| {first} | " + " | ".join(name for name, _ in known.values()) + " |"]
    lines.append("|---" + "|--:" * len(known) + "|")
    for name, part in read.items():
        cells = [f"{part[n]:.{digits}f}" if n in part else "" for n, (_, digits) in known.items()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def speech_voices(result: dict[str, Any]) -> str:
    """Return what holds beyond the voices that were trained on, a table for each question."""
    parts = [
        made(result[name])
        for name, made in (
            ("unheard", _unheard),
            ("recogniser", _recogniser),
            ("left-out", _left_out),
            ("style", _styles),
            ("pitch", _pitches),
        )
        if name in result
    ]
    return "\n\n".join([_follows(result), *parts, made_by(result)])


def _follows(result: dict[str, Any]) -> str:
    """Return what the tables say to someone who uses the judge, the model or edits."""
    found = []
    if part := result.get("unheard"):
        voices = list(_spoken(part).values())
        edits = part["edits"]
        kept = [row["judge"] for name, row in edits.items() if "pitch" in row]
        off = [row["pitch"]["beyond"] for row in edits.values() if "pitch" in row]
        found.append(
            f"The judge hears {_over_words(voices, 'as made'):.0f}% of the words of synthetic "
            "voices that have a pitch, and the pretrained model reads "
            f"{_over_words(voices, 'read by the model'):.0f}%. Both are made for voices like those "
            "of the data. Of other voices, compare the judge's figures before and after a change, "
            "not with "
            "the tables above."
        )
        found.append(
            f"Edits need no word. Of voices never heard, {100 - max(off):.1f}% or more of the "
            "pitches are within a semitone of what was asked for, and "
            f"{min(kept):.0f} to {max(kept):.0f}% of the words are heard after an edit, "
            f"{edits['nothing']['judge']:.0f}% before."
        )
    if part := result.get("left-out"):
        read = {name: row["renderings"]["left out"] for name, row in part["speakers"].items()}
        least, most = min(read, key=read.__getitem__), max(read, key=read.__getitem__)
        found.append(
            f"Of a real speaker it was not trained on, the judge hears {read[least]:.0f}% "
            f"({least}) to {read[most]:.0f}% ({most}) of the words: six speakers are too few to "
            "recognise words of anyone."
        )
    if part := result.get("recogniser"):
        names = (
            "drawn by the model at the same factors",
            "recordings, rendered at random factors",
            "recordings",
        )
        drawn, real, plain = (_with_error(part["rows"][name]) for name in names)
        found.append(
            f"A recogniser that was not trained here hears {drawn} of the words that the model "
            f"draws and {real} of recordings rendered at the same factors (± a standard error), "
            f"{plain} of the recordings as they are. Its own errors are many, so that its figures "
            "are to be compared with each other only."
        )
    if part := result.get("style"):
        row = part["rows"]["style"]
        moved = part["rows"]["style, carried over to one word"]["word"]["mean"]
        found.append(
            f"A style names the speaker ({row['speaker']['mean']:.0f}%), which is no factor here, "
            f"and the word ({row['word']['mean']:.0f}%), which is one: each word has its own prior "
            "of styles. Where the word is changed, the style is carried over to the other word's "
            f"prior, and still names the former in {moved:.0f}%."
        )
    return "\n".join(f"- {each}" for each in found)


def _with_error(row: dict[str, Any]) -> str:
    """Return the words that the recogniser hears in per cent, and the standard error."""
    value = row["recogniser"]
    return f"{value:.0f} ± {math.sqrt(value * (100 - value) / row['sounds']):.0f}%"


def _spoken(part: dict[str, Any]) -> dict[str, Any]:
    """Return the rows of voices that have a pitch."""
    return {name: row for name, row in part["voices"].items() if "whispering" not in name}


def _rows(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table of which all columns but the first are numbers."""
    top, *lines = [f"| {' | '.join(line)} |" for line in (head, *rows)]
    return "\n".join([top, "|---" + "|--:" * (len(head) - 1) + "|", *lines])


def _over_words(rows: list[dict[str, Any]], name: str, count: str = "words") -> float:
    """Return the mean of a figure over rows, weighted by what it is of."""
    return sum(row[name] * row[count] for row in rows) / sum(row[count] for row in rows)


def _unheard(found: dict[str, Any]) -> str:
    """Return how words of synthesisers are heard, how edits of them are met, and their pitch."""
    told = ", ".join(f"{name} {version}" for name, version in found["programs"].items())
    parts = [
        "**Voices never heard.** The ten words said by synthesisers, resampled to 8 kHz. Words "
        "that the judge hears, %: as they were made, after analysis and synthesis, as the sound of "
        f"a voice picture, and after the pretrained model redrew them (*{found['redrawn']}*); then "
        "those that the pretrained model reads:",
        _voices_heard(found),
        f"{told}. Each voice says each word once, and has one vocal tract: what is heard of it "
        "is given as mean ± standard deviation over the words of a voice.",
        "Edits of those that have a pitch by `unbraid.sound.edit`: how far the measured pitch, "
        "duration and loudness are from what was asked for or should be kept, and words that are "
        "still heard and read, %:",
        _edits_met(found["edits"]),
    ]
    if asked := found.get("asked pitch"):
        ways = list(next(iter(asked["voices"].values())))
        hertz = ", ".join(f"{each:g}" for each in asked["hertz"])
        parts += [
            "The pitch of voices that were asked for one frequency throughout, "
            f"{hertz} Hz ({asked['words']} words each). Median error in semitones, and how many "
            "are beyond one:",
            _rows(
                ["Voice", *ways],
                [
                    [f"flite {name}"]
                    + [f"{row[way]['median']:.3f} ({row[way]['beyond']:.1f}%)" for way in ways]
                    for name, row in asked["voices"].items()
                ],
            ),
        ]
    return "\n\n".join(parts)


def _voices_heard(found: dict[str, Any]) -> str:
    """Return a row for each voice or group of voices, and one for each synthesiser."""
    figures = ("as made", "analysed and synthesised", "as a picture", "redrawn")
    figures = (*figures, "read by the model")
    rows = []
    for name, row in found["voices"].items():
        hertz = f"{row['hertz']}" if name in _spoken(found) else ""
        tract = f"{row['tract']:.0f} ± {row['tract spread']:.0f}"
        cells = [f"{row[each]:.0f}" for each in figures]
        rows.append([name, str(row["words"]), hertz, *cells, tract])
    for program in found["programs"]:
        members = [row for name, row in _spoken(found).items() if name.startswith(program)]
        cells = [f"{_over_words(members, each):.0f}" for each in figures]
        count = str(sum(row["words"] for row in members))
        rows.append([f"**{program}, all that have a pitch**", count, "", *cells, ""])
    head = ["Voice", "Words", "Pitch, Hz", "As made", "Copied", "As a picture", "Redrawn"]
    return _rows([*head, "Read by the model", "Tract heard, %"], rows)


def _edits_met(edits: dict[str, Any]) -> str:
    """Return a row for each edit of synthetic words: its errors, and words heard and read."""
    rows = []
    for name, row in edits.items():
        cells = [""] * 5
        if "pitch" in row:
            pitch = row["pitch"]
            cells = [f"{pitch['median']:.3f}", f"{pitch['beyond']:.1f}"]
            cells += [f"{row[f'duration {each}']:.1f}" for each in ("median", "mean")]
            cells += [f"{row['loudness mean']:.2f}"]
        rows.append([name, str(row["words"]), *cells, f"{row['judge']:.1f}", f"{row['model']:.1f}"])
    head = ["Edit", "Words", "Pitch, semitones: median", "beyond 1, %", "Duration, %: median"]
    return _rows([*head, "mean", "Loudness, dB", "Judge", "Model"], rows)


def _recogniser(found: dict[str, Any]) -> str:
    """Return how many words another recogniser hears, and the judge beside it."""
    spoken = found["speakers"]
    low, high = min(spoken, key=spoken.__getitem__), max(spoken, key=spoken.__getitem__)
    return "\n\n".join(
        [
            f"**A recogniser that was not trained here**: {found['name']} with the English model "
            "in its package, which chooses among the ten words. Words heard, %:",
            _rows(
                ["Sounds", "Number", "Recogniser", "Judge"],
                [
                    [name, str(row["sounds"]), f"{row['recogniser']:.1f}", f"{row['judge']:.1f}"]
                    for name, row in found["rows"].items()
                ],
            ),
            f"Of the recordings, it hears {spoken[low]:.0f}% of {low}'s and {spoken[high]:.0f}% of "
            f"{high}'s. Its model is of speech at 16 kHz; sounds are resampled, so nothing is "
            "above 4 kHz.",
        ]
    )


def _left_out(found: dict[str, Any]) -> str:
    """Return a row for each speaker: words read by a judge that was trained on the others."""
    speakers = found["speakers"]
    columns = [(part, who) for part in ("renderings", "recordings") for who in _HEARD]
    rows = [
        [name, *(f"{row[part][who]:.1f}" for part, who in columns)]
        for name, row in speakers.items()
    ]
    means = [
        sum(row[part][who] for row in speakers.values()) / len(speakers) for part, who in columns
    ]
    rows.append(["**mean**", *(f"{mean:.1f}" for mean in means)])
    one = next(iter(speakers.values()))
    return "\n\n".join(
        [
            "**One speaker left out.** Words of a speaker's test takes that are read by the judge "
            "trained on the five others, and by the package's, which was trained on all six, %:",
            _rows(
                ["Speaker", *(f"{part}, {_HEARD[who]}" for part, who in columns)],
                rows,
            ),
            f"Each judge is trained as the package's, on those of its renderings that are of the "
            f"others ({min(row['trained on'] for row in speakers.values()):,} to "
            f"{max(row['trained on'] for row in speakers.values()):,}, {found['passes']} passes, "
            "one training each); "
            f"{one['renderings']['sounds']} renderings at random factors and about "
            f"{one['recordings']['sounds']} recordings a speaker.",
        ]
    )


_HEARD = {"left out": "speaker left out", "package": "package"}


def _styles(found: dict[str, Any]) -> str:
    """Return what a regression reads of styles, and of what they are encoded from."""
    rows = [
        [name, str(row["dimensions"])]
        + [f"{row[each]['mean']:.1f} ± {row[each]['deviation']:.1f}" for each in _TARGETS]
        for name, row in found["rows"].items()
    ]
    rows.append(["chance", "", *(f"{found['chance'][each]:.1f}" for each in _TARGETS)])
    return "\n\n".join(
        [
            "**What a style says.** Speaker and word, read by a logistic regression from the "
            "styles that the pretrained model encodes pictures into, %:",
            _rows(["Read from", "Dimensions", *_TARGETS], rows),
            f"{found['pictures']:,} pictures of the {found['takes']} test takes, which the model "
            "has not seen. The regression is fitted to four takes of each word by each speaker and "
            "tried on the fifth: mean ± standard deviation over the five. *Carried over* is what "
            "the model does to a style where the word is changed. Of canonical frames, "
            f"{found['components']} principal components are used.",
        ]
    )


_TARGETS = ("speaker", "word")


def _pitches(found: dict[str, Any]) -> str:
    """Return how often the tracker is off on recordings, by speaker."""
    speakers = found["speakers"]
    kinds = {
        "takes": "Takes",
        "an octave low": "An octave low",
        "an octave high": "An octave high",
        "off by a semitone or more, not by an octave": "Off by 1 to 7 semitones",
        "not voiced at all": "Not voiced",
        "others disagree": "Others disagree",
    }
    rows = [
        [name, *(str(row[kind]) for kind in kinds), f"{row['unvoiced though clear']:.1f}"]
        for name, row in speakers.items()
    ]
    totals = [str(sum(row[kind] for row in speakers.values())) for kind in kinds]
    rows.append(["**all**", *totals, ""])
    others = " and ".join(way for way in found["ways"] if way != "unbraid")
    return "\n\n".join(
        [
            "**Pitch of recordings**, against that of other means (" + others + ") where these "
            "agree within two semitones:",
            _rows(["Speaker", *kinds.values(), "Frames unvoiced though clear, %"], rows),
            "Frames are those within 15 dB of the loudest that have no pitch though the cepstrum "
            "has a clear peak.",
        ]
    )


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


def studies(result: dict[str, Any]) -> str:
    """Return a row for each thing that a study must survive, or must not cost."""
    parts = result["parts"]
    rows: list[tuple[str, str]] = []

    def same(part: dict[str, Any]) -> str:
        return (
            "the table is that of an undisturbed study"
            if part["table is that of an undisturbed study"]
            else "**the table is another one**"
        )

    if found := parts.get("kills"):
        killed = " and ".join(f"{count} {name}s" for name, count in found["kills of"].items())
        ended = "" if found["finished"] else "**not finished**; "
        rows.append((f"`SIGKILL` at random moments, of {killed}", ended + same(found)))
    if found := parts.get("drivers"):
        each = " and ".join(map(str, found["trained by each"]))
        told = f"{found['trained twice']} of {found['runs']} runs trained twice ({each})"
        rows.append(("Two drivers on one folder", f"{told}; {same(found)}"))
    if found := parts.get("disk"):
        if "skipped" in found:
            rows.append(("A full disk", f"not measured: {found['skipped']}"))
        else:
            code = f"exit code {found['exit code']}"
            after = "finished" if found["finished after"] else "**not finished**"
            rows.append(
                ("A full disk", f"{code}: “{found['sentence']}” {after} after; {same(found)}")
            )
    if found := parts.get("ray"):
        told = f"{found['runs of the same weights']} of {found['runs']} runs have the same weights"
        rows.append(("Ray against local processes", f"{told}; {same(found)}"))
    if found := parts.get("rerun"):
        told = (
            f"{found['best']:.2f} s at best of {len(found['seconds'])} (limit {found['limit']:g} s)"
        )
        rows.append((f"A rerun of {found['runs']:,} finished runs", told))
    if found := parts.get("overhead"):
        own = found["processor seconds per run of the study"]
        told = (
            f"{found['overhead']:+.1%} (a run {own:.1f} s, the study's start and end "
            f"{found['processor seconds of its start and end']:.1f} s, `unbraid train` "
            f"{found['processor seconds per unbraid train']:.1f} s; limit {found['limit']:.0%})"
        )
        rows.append((f"Processor time of {found['runs']} runs, over `unbraid train`", told))
    lines = ["| | Found |", "|---|---|", *(f"| {what} | {told} |" for what, told in rows)]
    missing = [name for name in ("kills", "drivers", "disk", "ray", "rerun", "overhead")
               if name not in parts]  # fmt: skip
    if missing:
        lines.append(f"\nNot measured yet: {', '.join(missing)}.")
    lines.append("\n" + made_by(result))
    return "\n".join(lines)


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "autoencoders": autoencoders,
    "claim": claim,
    "control": control,
    "control_data": control_data,
    "data_speed": data_speed,
    "discrete_codes": discrete_codes,
    "edits": edits,
    "explorer": explorer,
    "gallery": gallery,
    "hardening": hardening,
    "judge": judge,
    "judges": judges,
    "measured": measured,
    "methods": methods,
    "nets_speed": nets_speed,
    "recordings": recordings,
    "render_speed": render_speed,
    "request_speed": request_speed,
    "side_by_side": side_by_side,
    "speech": speech,
    "speech_control": speech_control,
    "speech_judge": speech_judge,
    "speech_requests": speech_requests,
    "speech_voices": speech_voices,
    "studies": studies,
    "tour": tour,
    "train_speed": train_speed,
    "tripod_cost": tripod_cost,
}
# further tables of a result, by the name of their page
MORE: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "methods_first": ("methods", methods_first),
}


def write_all(results: Path, out: Path) -> None:
    """Write every table; where there is no result yet, the table says which command makes it."""
    out.mkdir(exist_ok=True)
    tables = {name: (name, table) for name, table in TABLES.items()} | MORE
    for name, (measured, table) in tables.items():
        result = results / f"{measured}.json"
        if result.is_file():
            text = table(json.loads(result.read_text(encoding="utf-8")))
        else:
            text = f"*Not measured yet: `python benchmarks/{measured}.py` does.*"
        page = out / f"{name}.md"
        if not page.is_file() or page.read_text(encoding="utf-8") != text + "\n":
            page.write_text(text + "\n", encoding="utf-8")
