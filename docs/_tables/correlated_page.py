"""The table of training on correlated factors."""

from __future__ import annotations

from typing import Any

from _tables.shared import made_by, over_seeds, rows_of

SHOWN = {
    "mig": ("MIG", 3),
    "dci disentanglement": ("DCI", 3),
    "reconstruction": ("Reconstruction", 1),
}
JUDGED = "hfs"


def correlated(result: dict[str, Any]) -> str:
    """Return a row for each method and training set, and how much higher HFS scores."""
    lines = []
    for row in result["rows"]:
        setting = f" ({row['setting']})" if row["setting"] else ""
        lost = f", {len(row['diverged'])} diverged" if row["diverged"] else ""
        lines.append(
            [
                "correlated" if row["correlated"] else "independent",
                f"`{row['method']}`{setting}",
                f"{len(row['scores']['mig'])}{lost}",
                *(over_seeds([*row["scores"][s].values()], d) for s, (_, d) in SHOWN.items()),
            ]
        )
    head = ["Factors in training", "Method", "Seeds", *(name for name, _ in SHOWN.values())]
    told = [_difference(each) for each in result["differences"] if each["score"] in list(SHOWN)[:2]]
    done, asked = result["runs"]["done"], result["runs"]["asked"]
    left = f" {done} of {asked} runs are done." if done < asked else ""
    pairs = next(row["correlated"] for row in result["rows"] if row["correlated"])
    return "\n".join(
        [
            rows_of(head, lines),
            "",
            *told,
            f"\n`{result['data']}`, 32 px, {result['steps']:,} steps of 64; correlated: `{pairs}`, "
            f"width {result['width']:g}. All are measured on images whose factors are independent. "
            "Reconstruction in nats. Mean ± half of the 95% t interval over seeds."
            f"{left} {made_by(result)}",
        ]
    )


def _difference(over: dict[str, Any]) -> str:
    """Return by how much a score of HFS is above another method's, and whether seeds tell."""
    factors = "correlated" if over["correlated"] else "independent"
    text = f"- {SHOWN[over['score']][0]} of `{JUDGED}` minus that of `{over['than']}`, {factors} "
    text += f"factors: {over['mean']:+.3f}"
    if over["low"] is None:
        return text + "; one seed."
    told = "" if over["low"] > 0 or over["high"] < 0 else "; not significant"
    return text + f" ({over['low']:+.3f} to {over['high']:+.3f}){told}."
