"""Tables of docs/speed.md and docs/digits.md: how quick training and rendering are."""

from __future__ import annotations

from typing import Any

from _tables.shared import made_by, rows_of


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


def drawn_speed(result: dict[str, Any]) -> str:
    """Return a row for each drawn set and size: images a second, and what the first batch takes."""
    head = ["Data", "Pixels", "Images a second", "Median", "First batch, seconds"]
    rows = [
        [
            f"`{row['data']}`",
            f"{row['size']} x {row['size']}",
            f"{row['images_per_second']:,}",
            f"{row['median']:,}",
            f"{row['first_batch_seconds']:.2f}",
        ]
        for row in result["rows"]
    ]
    aims = [
        f"at least {row['aim']:,} of `{row['data']}` at {row['size']} pixels "
        + ("(met)" if row["images_per_second"] >= row["aim"] else "(**missed**)")
        for row in result["rows"]
        if row["aim"]
    ]
    return rows_of(head, rows) + (
        f"\n\nRandom rows in batches of {result['batch']} on one thread, by the processor's time: "
        f"the best of {result['rounds']} rounds, and the median. The first batch casts the views, "
        f"with an empty cache; the second size uses them. Aimed at: {', '.join(aims)}. "
        f"{made_by(result)}"
    )
