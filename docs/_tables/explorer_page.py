"""Tables of docs/explorer.md."""

from __future__ import annotations

from typing import Any


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
        "f32 off torch": "Difference to torch, float32 weights",
        "f16 off torch, grey levels": "float16 weights, grey levels",
    }
    whole = {
        "step p95, ms": "Slider step (95%), ms",
        "f32 off torch": "Difference to torch, float32 weights",
        "f16 off torch, grey levels": "Difference to torch, float16 weights, grey levels",
    }
    names = {key: whole.get(key, name) for key, name in columns.items()}
    aims, missed = result["aims"], []
    lines = ["| " + " | ".join(["Page", *columns.values()]) + " |"]
    lines.append("|---" + "|--:" * len(columns) + "|")
    for name, found in result["pages"].items():
        size = "x".join(map(str, found["shape"][1:]))
        cells = [f"{name}, {found['data']} {size}"]
        cells += [f"{found[key]:g}" if key in found else "" for key in columns]
        lines.append("| " + " | ".join(cells) + " |")
        over = [key for key, aim in aims.items() if key in found and found[key] > aim]
        if over:
            missed.append(f"{name}: " + ", ".join(f"{names[key]} {found[key]:g}" for key in over))
    told = "; ".join(f"{names[key]} {aim:g}" for key, aim in aims.items())
    lines.append(
        f"\nAims, at most: {told}. "
        + (f"**Missed:** {'; '.join(missed)}." if missed else "All are met.")
    )
    lines.append(
        f"\nHeadless Chromium on one CPU, pages from disk, {result['steps']} slider steps; load "
        f"{result['load']} before. `{result['command']}`, torch {result['machine']['torch']}."
    )
    return "\n".join(lines)
