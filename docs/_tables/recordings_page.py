"""Tables of docs/recordings.md."""

from __future__ import annotations

from typing import Any

from _tables.shared import made_by


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
        "semitone or not read, of duration the mean. Refused are changes out of range. "
        + made_by(result)
    )
    return "\n".join(lines)
