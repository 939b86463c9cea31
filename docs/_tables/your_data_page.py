"""Tables of docs/your_data.md."""

from __future__ import annotations

from typing import Any

from _tables.shared import made_by


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
