"""The tables of docs/gpu.md: training on a GPU, one model at a time and many at once."""

from __future__ import annotations

from typing import Any

from _tables.shared import rows_of

COLUMNS = {
    "plain loop": "plain loop",
    "pythae": "pythae",
    "eager": "one kernel at a time",
    "captured": "recorded",
    "captured bf16": "recorded, bf16",
    "fleet of 16": "16 seeds",
    "fleet of 16 bf16": "16 seeds, bf16",
    "fleet of 64": "64 seeds",
}


def gpu(result: dict[str, Any]) -> str:
    """Return a row a case: images a second in each way, and how far losses are apart."""
    cases = result["cases"]
    names = {id(case): f"{case['method']}, {case['net']} {case['size']}x{case['size']}"
             for case in cases}  # fmt: skip
    rows = [
        [names[id(case)], *(f"{case[key]:,}" if key in case else "" for key in COLUMNS)]
        for case in cases
    ]
    lines = [
        "Images a second:\n",
        rows_of(["Case", *COLUMNS.values()], rows),
        f"\n{result['card']}, batches of {result['batch']}, float32 where nothing else is said; "
        f"`{result['command']}`, torch {result['machine']['torch']}. The card multiplies float32 "
        f"matrices at {result['limits']['teraflops f32']:.0f} teraflops and copies "
        f"{result['limits']['gigabytes a second']:,.0f} GB/s here.",
    ]
    recorded = [case for case in cases if not case["not captured"]]
    gains = [case["captured"] / case["eager"] for case in recorded]
    lines.append(
        f"\nA recorded step is {min(gains):.1f} to {max(gains):.1f} times as quick as one kernel "
        f"at a time. {_apart(recorded, 'captured: difference', 'recorded')} "
        f"{_apart(recorded, 'captured again: difference', 'trained again')} "
        f"{_apart(cases, 'fleet of 16: difference', 'the first of 16 seeds')}"
    )
    if left := [names[id(case)] for case in cases if case["not captured"]]:
        lines.append(f"\nThe step of {', '.join(left)} was not recorded.")
    many = result["side by side"]
    service = "with" if many["multi-process service"] else "without"
    lines.append(
        f"\n{many['processes']} processes, each with a training of {names[id(cases[1])]}, bf16, "
        f"train {many['together']:,} images a second together, {service} CUDA's multi-process "
        f"service: {many['together'] / cases[1]['captured bf16']:.1f} times one process."
    )
    return "\n".join(lines)


def _apart(cases: list[dict[str, Any]], key: str, what: str) -> str:
    worst = max(max(case[key].values()) for case in cases)
    steps = ", ".join(cases[0][key])
    if not worst:
        return f"The losses of steps {steps}, {what}, are the same bits."
    return f"The losses of steps {steps} of {what} are apart by at most {worst:.0e} of them."
