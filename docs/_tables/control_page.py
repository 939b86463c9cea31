"""Tables of docs/control.md."""

from __future__ import annotations

from typing import Any

from _tables.shared import made_by


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
    lines.append("\n" + made_by({**result, "load_before": result["load"]}))
    return "\n".join(lines).strip()


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
