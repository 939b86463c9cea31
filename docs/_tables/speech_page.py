"""Tables of docs/speech.md: requests for voices, their judge, and pictures of voices."""

from __future__ import annotations

from typing import Any

from _tables.shared import labels_of, made_by


def speech_judge(result: dict[str, Any]) -> str:
    """Return a column for each set of renderings: how far the judge of speech errs on it."""
    sets = result["errors"]
    lines = ["| | " + " | ".join(sets) + " |", "|---" + "|--:" * len(sets) + "|"]
    for name in next(iter(sets.values())):
        lines.append(f"| {name} | " + " | ".join(f"{sets[key][name]:.2f}" for key in sets) + " |")
    lines.append(
        f"\n{result['sounds']:,} sounds of the test split. {result['parameters']:,} parameters, "
        f"trained on {result['renderings']:,} renderings of {result['trained on']} in "
        f"{result['cpu seconds'] / 60:.1f} minutes of one core by `{result['command']}`, torch "
        f"{result['machine']['torch']}, {result['machine']['device']}."
    )
    return "\n".join(lines)


# How the page names the figures of speech_control.json, and their units.
VOICED = {
    "word accuracy": "word, %",
    "pitch": "pitch, median semitones",
    "pitch beyond 1": "beyond a semitone, %",
    "duration": "duration, %",
    "tract": "tract, %",
    "loudness": "loudness, dB",
    "diversity": "diversity",
    "leakage": "leakage",
    "variance over time": "variance over time",
}


def speech_control(result: dict[str, Any]) -> str:
    """Return a row of real voices and one of each kind of run, means over seeds."""
    head = ["", "labels", "seeds", *VOICED.values(), "training"]
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "--:|" * (len(head) - 2)]
    real: dict[str, float] = {}
    misses, commands, requests = [], [], 0
    for name, row in result["rows"].items():
        found = list(row["seeds"].values())
        figures = [each["report"]["figures"] for each in found]
        requests = found[0]["report"]["requests"]
        real = {figure: figures[0][figure]["real"] for figure in VOICED if figure in figures[0]}
        cells = [
            f"{sum(each[figure]['value'] for each in figures) / len(figures):.2f}"
            if figure in figures[0]
            else ""
            for figure in VOICED
        ]
        spent = sum(each["training seconds"] for each in found) / len(found) / 60
        cells += [f"{spent:.0f} min (load {max(each['load'] for each in found):.0f})"]
        lines.append(f"| {name} | {labels_of(row)} | {len(found)} | " + " | ".join(cells) + " |")
        missed = {
            f"{figure} {value:g} (aim {aim:g})"
            for each in found
            for figure, (value, aim) in each["missed"].items()
        }
        misses += [f"{name}: {', '.join(sorted(missed))}"] if missed else []
        commands.append(f"{name}: `{found[0]['command']}`")
    floor = [f"{real[figure]:.2f}" if figure in real else "" for figure in VOICED]
    lines.insert(2, "| real voices | | | " + " | ".join(floor) + " | |")
    lines.append(f"\n{requests:,} random requests each, heard by the judge. " + "; ".join(commands))
    if misses:
        lines.append("\nTargets missed: " + "; ".join(misses) + ".")
    machine = result["machine"]
    lines.append(
        "\n`python benchmarks/speech_control.py`, "
        f"torch {machine['torch']}, {machine['cores']} cores "
        f"({machine['device']}, {machine['vector instructions']}), load as given."
    )
    return "\n".join(lines)


def speech_requests(result: dict[str, Any]) -> str:
    """Return the voices of one request, then how many voices of each kind are as asked for."""
    voices = result["voices"]
    head = ["Voice", "Heard", "Probability", "Pitch, Hz", "Duration, ms", "Tract, %", "Sounds like"]
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "--:|" * 4 + "---|"]
    for place, each in enumerate(voices, 1):
        lines.append(
            f"| {place} | {each['word']} | {each['sure']:.2f} | {each['hertz']:.0f} | "
            f"{each['duration']:.0f} | {each['tract']:.0f} | {each['speaker']} |"
        )
    met = sum(each["met"] for each in voices)
    lines.append(
        f'\n`unbraid generate "{result["request"]}" -n {len(voices)} --seed {result["seed"]}`, '
        f"understood as {result['understood']}: {met} of {len(voices)} are what was asked for. "
        "*Probability* is the judge's for the word, *sounds like* the speaker that it hears.\n"
    )
    lines += ["| Asked for | Voices | Word | Pitch | Duration | All three |", "|---|" + "--:|" * 5]
    for name, row in result["rows"].items():
        cells = [row[each] for each in ("voices", "word", "pitch", "duration", "all")]
        lines.append(f"| {name} | " + " | ".join(map(str, cells)) + " |")
    machine = result["machine"]
    lines.append(
        f"\n{result['words']} words in {result['each']} voices each. The word is as the judge "
        "hears it. A measured pitch is low, or a duration slow, if it is nearer to the place of "
        "that word in the model's range than to the middle of the range, or beyond it. "
        f"`python benchmarks/speech_requests.py`, torch {machine['torch']}, {machine['device']}."
    )
    return "\n".join(lines)


def speech(result: dict[str, Any]) -> str:
    """Return how well recordings are copied, and what is read of renderings and of edits."""
    parts = []
    if rows := result.get("copies"):
        columns = {
            "pesq": ("PESQ", 2),
            "stoi": ("STOI", 3),
            "mcd": ("MCD, dB", 2),
            "f0": ("F0, semitones", 3),
            "f0 beyond": ("beyond 1, %", 1),
            "voicing": ("Voicing differs, %", 1),
        }
        known = {name: told for name, told in columns.items() if any(name in r for r in rows)}
        names = [*(name for name, _ in known.values()), "Times real time"]
        lines = [f"| Copy | {' | '.join(names)} |"]
        lines.append("|---" + "|--:" * (len(known) + 1) + "|")
        for row in rows:
            cells = [f"{row[n][0]:.{d}f}" if n in row else "" for n, (_, d) in known.items()]
            lines.append(f"| {row['copy']} | {' | '.join(cells)} | {row['times real time']:.0f} |")
        counts = max(row["mcd"][1] for row in rows)
        lines.append(
            f"\n{counts} recordings of the test split. MCD is the mel-cepstral distortion; F0 the "
            "median difference of the fundamental frequency; PESQ and STOI are of the longer ones."
        )
        parts.append("\n".join(lines))
    if floor := result.get("floor"):
        parts.append(_read_back(floor["read"], "Rendering read as"))
        parts[-1] += (
            f"\n\n{floor['renderings']:,} renderings of test recordings, all factors random. "
            "Chance is the middle of each range. The vocal tract is measured against the mean of "
            "training recordings of the same word."
        )
    if edits := result.get("edits"):
        read = {f"edited: {name}": part for name, part in edits["read"].items()}
        parts.append(_read_back(read, "Recording"))
        parts[-1] += (
            f"\n\n{edits['recordings']:,} test recordings, edited to random values, half of them "
            "for each change alone. Where no duration was asked for, time runs as it did: what is "
            "read differs where an end is as quiet as the noise."
        )
    return "\n\n".join([*parts, made_by(result)])


def _read_back(read: dict[str, dict[str, float]], first: str) -> str:
    """Return a row for each way to read pitch, duration, loudness and tract, with its errors."""
    columns = {
        "pitch median": ("Pitch, semitones: median", 3),
        "pitch beyond": ("beyond 1, %", 1),
        "pitch unread": ("unread, %", 1),
        "duration median": ("Duration, %: median", 1),
        "duration mean": ("mean", 1),
        "loudness mean": ("Loudness, dB", 2),
        "tract median": ("Tract, %: median", 1),
        "tract mean": ("mean", 1),
        "milliseconds": ("ms", 0),
    }
    known = {n: told for n, told in columns.items() if any(n in part for part in read.values())}
    lines = [f"| {first} | " + " | ".join(name for name, _ in known.values()) + " |"]
    lines.append("|---" + "|--:" * len(known) + "|")
    for name, part in read.items():
        cells = [f"{part[n]:.{digits}f}" if n in part else "" for n, (_, digits) in known.items()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
