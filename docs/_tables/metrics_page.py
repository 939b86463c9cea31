"""Tables of docs/metrics.md: what metrics cost, and what they say of known codes."""

from __future__ import annotations

from typing import Any

from _tables.shared import made_by


def metrics_speed(result: dict[str, Any]) -> str:
    """Return the cost of each metric, scores and costs at more rows, and scores of known codes."""
    made = (
        f"Seed {result['seed']}, LightGBM {result['lightgbm']}, scikit-learn "
        f"{result['machine']['scikit-learn']}; core-seconds are the processor time of one thread, "
        "the least of three runs in the first table. " + made_by(result)
    )
    return "\n\n".join(
        [
            _costs(result["speed"]),
            _at_more_rows(result["scale"]),
            _of_known_codes(result["known_codes"]),
            made,
        ]
    )


def _costs(speed: dict[str, Any]) -> str:
    lines = ["| Metric | core-seconds | replaces | core-seconds | times |", "|---|--:|---|--:|--:|"]
    for name, entry in speed["metrics"].items():
        right = "| | |"
        if old := entry.get("replaces"):
            ratio = old["cpu_seconds"] / entry["cpu_seconds"]
            right = f"{old['approach']} | {old['cpu_seconds']:.2f} | {ratio:.1f} |"
        lines.append(f"| `{name}` | {entry['cpu_seconds']:.2f} | {right}")
    lines.append(f"| **all** | **{speed['full_suite']['cpu_seconds']:.1f}** | | | |")
    return "\n".join(lines)


def _at_more_rows(scale: dict[str, Any]) -> str:
    counts = list(scale)
    lines = [f"| Metric | {' | '.join(f'{int(count):,}' for count in counts)} |"]
    lines.append("|---" + "|---" * len(counts) + "|")
    for name in scale[counts[0]]:
        cells = []
        for count in counts:
            entry = scale[count][name]
            first = next(iter(entry["numbers"].values()))
            rows = "" if entry["rows"] == int(count) else f" on {entry['rows']:,}"
            value = f"{first['value']:.4f} ± {first['standard_error']:.4f}"
            cells.append(f"{value}, {entry['cpu_seconds']:.1f} s{rows}")
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _of_known_codes(known: dict[str, Any]) -> str:
    kinds = list(next(iter(known.values())))
    lines = [f"| Score | {' | '.join(kinds)} |", "|---" + "|--:" * len(kinds) + "|"]
    for label, row in known.items():
        cells = [f"{cell['value']:.3f}" for cell in row.values()]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)
