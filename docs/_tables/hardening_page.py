"""Tables of docs/hardening.md."""

from __future__ import annotations

from typing import Any

from _tables.shared import made_by

# What the page calls cases and results that the benchmark names otherwise.
SHOWN = {
    "held": "as expected",
    "disk full while asking": "disk full while generating",
    "no right to write a run": "a run folder without the right to write",
    "no right to write a picture": "a picture without the right to write",
    "a run that may only be read": "a read-only run",
    "no right to read": "a file without the right to read",
    "a home that may only be read": "a read-only home folder",
    "home is not set": "no home folder",
    "the reader of a pipe goes": "a pipe that is closed",
    "plain language": "a terminal without Unicode",
}


def hardening(result: dict[str, Any]) -> str:
    """Return what was tried and how often something went wrong, and every fault."""
    lines = ["| Bad input | Tried | Refused | Valid after all | Faults | Most seconds | Most MB |"]
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
        lines += ["", "| Fault of the machine | Result |", "|---|---|"]
        lines += [
            f"| {SHOWN.get(name, name)} | {SHOWN.get(text, text.splitlines()[0])} |"
            for name, text in result["days"].items()
        ]
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
