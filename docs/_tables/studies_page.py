"""Tables of docs/studies.md."""

from __future__ import annotations

from typing import Any

from _tables.shared import made_by, rows_of


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
        count = found.get("studies", 1)  # those that ended between two kills, and the last
        during = f", during {count} studies" if count > 1 else ""
        rows.append((f"`SIGKILL` at random moments, of {killed}{during}", ended + same(found)))
    if found := parts.get("drivers"):
        each = " and ".join(map(str, found["trained by each"]))
        told = f"{found['trained twice']} of {found['runs']} runs trained twice ({each})"
        rows.append(("Two drivers on one folder", f"{told}; {same(found)}"))
    if found := parts.get("disk"):
        if "skipped" in found:
            rows.append(("A full disk", f"not measured: {found['skipped']}"))
        else:
            code = f"{found['runs trained before']} runs trained, then exit code "
            code += str(found["exit code"])
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
        share = f"{found['overhead']:+.1%}"
        if found["overhead"] > found["limit"]:
            share = f"**{share}**, more than aimed at"
        told = (
            f"{share} (a run {own:.1f} s, the study's start and end "
            f"{found['processor seconds of its start and end']:.1f} s, `unbraid train` "
            f"{found['processor seconds per unbraid train']:.1f} s; limit {found['limit']:.0%}); "
            "of short runs, where starting a process counts: a study starts its own once"
        )
        rows.append((f"Processor time of {found['runs']} runs, over `unbraid train`", told))
    lines = ["| | Found |", "|---|---|", *(f"| {what} | {told} |" for what, told in rows)]
    missing = [name for name in ("kills", "drivers", "disk", "ray", "rerun", "overhead")
               if name not in parts]  # fmt: skip
    if missing:
        lines.append(f"\nNot measured yet: {', '.join(missing)}.")
    lines.append("\n" + made_by(result))
    return "\n".join(lines)


def study_time(result: dict[str, Any]) -> str:
    """Return a row for each engine: what the study that the page starts with takes."""
    engines, limit = result["engines"], result["limit_minutes"]
    lines = [
        "| Engine | Runs finished | Minutes | Core-minutes | Of them for figures | Load before |"
    ]
    lines.append("|---|--:|--:|--:|--:|--:|")
    for name, found in engines.items():
        wall, core = (
            (found["run"][each] + found["plots"][each]) / 60
            for each in ("wall_seconds", "core_seconds")
        )
        minutes = f"{wall:.1f}" if wall < limit else f"**{wall:.1f}**"
        figures = found["plots"]["core_seconds"] / 60
        lines.append(
            f"| `--on {name}` | {found['finished']} of {found['runs']} | {minutes} | {core:.1f} | "
            f"{figures:.1f} | {found['load_before']} |"
        )
    one = next(iter(engines.values()))
    told = f"\nTraining, measuring and {one['figures']} figures, {one['jobs']} runs side by side. "
    told += f"Less than {limit:g} minutes are aimed at on two cores; more are **bold**. "
    if any(found["load_before"] >= 0.5 for found in engines.values()):
        told += (
            "The machine was shared with other programs (an idle one has a load of 0), so it took "
            "more minutes than the core-minutes need, about half as many on two idle cores. "
        )
    if len(engines) > 1:
        equal = len({found["scores_hash"] for found in engines.values()}) == 1
        told += f"The {one['scores']:,} scores are {'equal' if equal else '**not equal**'}. "
    return "\n".join([*lines, told + made_by(result)])


def locatello2019(result: dict[str, Any]) -> str:
    """Return a row for each finding of 2019: whether it shows, and by which figures."""
    seeds, asked = result["seeds"], result["seeds of the study"]
    runs = ", ".join(f"{count} {kind}" for kind, count in result["runs"].items() if count)
    counts = " and ".join(f"{len(own)} on `{name}`" for name, own in seeds.items())
    if len({tuple(own) for own in seeds.values()}) == 1:
        counts = str(len(next(iter(seeds.values()))))
    if any(len(own) < len(asked) for own in seeds.values()):
        counts += f" of the {len(asked)} that the study asks for"
    lines = ["| Finding of 2019 | Here | By |", "|---|---|---|"]
    lines += [
        f"| {each['finding']} | {each['verdict']} | {each['told']} |" for each in result["findings"]
    ]
    out = [f"`{name}`" for name in result["methods of the study"] if name not in result["methods"]]
    left = f" (without {' and '.join(out)}, whose runs are fewer)" if out else ""
    data = " and ".join(f"`{name}`" for name in result["data"])
    return "\n".join(lines) + (
        f"\n\n{len(result['methods'])} methods{left} on {data}, {result['steps']:,} steps, "
        f"seeds: {counts}; {runs} runs. Intervals are of 95%. {made_by(result)}"
    )


def locatello2019_means(result: dict[str, Any]) -> str:
    """Return a table for each data set: the means of some scores over the seeds of each setting."""
    parts, images = [], {}
    for data, table in result["means"].items():
        names = table["header"][3:]
        images |= dict(zip(names, table["images"], strict=True))
        rows = [
            [f"`{name}` {option}", *(cell.replace(" ± ", "\u00a0±\u00a0") for cell in cells)]
            for name, option, _, *cells in table["lines"]
        ]
        parts.append(rows_of([f"`{data}`", *names], rows))
    counts = ", ".join(f"{name} {count:,}" for name, count in images.items())
    told = (
        "Means over seeds ± their standard deviation. Reconstruction is in nats per image. "
        f"Held-out images that each is measured on: {counts}."
    )
    return "\n\n".join([*parts, f"{told} {made_by(result)}"])
