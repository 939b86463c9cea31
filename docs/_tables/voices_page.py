"""Tables of docs/speech.md on the pretrained model of voices."""

from __future__ import annotations

import math
from typing import Any

from _tables.shared import made_by, rows_of


def speech_voices(result: dict[str, Any]) -> str:
    """Return what holds beyond the voices that were trained on, a table for each question."""
    parts = [
        made(result[name])
        for name, made in (
            ("unheard", _unheard),
            ("recogniser", _recogniser),
            ("left-out", _left_out),
            ("style", _styles),
            ("pitch", _pitches),
        )
        if name in result
    ]
    return "\n\n".join([_follows(result), *parts, made_by(result)])


def _follows(result: dict[str, Any]) -> str:
    """Return what the tables say to someone who uses the judge, the model or edits."""
    found = []
    if part := result.get("unheard"):
        voices = list(_spoken(part).values())
        edits = part["edits"]
        kept = [row["judge"] for name, row in edits.items() if "pitch" in row]
        missed = [off(row["pitch"]) for row in edits.values() if "pitch" in row]
        found.append(
            f"The judge hears {_over_words(voices, 'as made'):.0f}% of the words of synthetic "
            "voices that have a pitch, and the pretrained model reads "
            f"{_over_words(voices, 'read by the model'):.0f}%. Both are made for voices like those "
            "of the data. For other voices, compare the judge's figures before and after a change, "
            "not with the tables above."
        )
        found.append(
            "Edits do not need to know the word. Of voices never heard, at least "
            f"{100 - max(missed):.1f}% of the words have a pitch within a semitone of the request "
            f"after an edit. The judge hears {min(kept):.0f} to {max(kept):.0f}% of the words "
            f"after edits, and {edits['nothing']['judge']:.0f}% before."
        )
    if part := result.get("left-out"):
        read = {name: row["renderings"]["left out"] for name, row in part["speakers"].items()}
        least, most = min(read, key=read.__getitem__), max(read, key=read.__getitem__)
        found.append(
            f"Of a real speaker it was not trained on, the judge hears {read[least]:.0f}% "
            f"({least}) to {read[most]:.0f}% ({most}) of the words: six speakers are too few to "
            "recognise words of anyone."
        )
    if part := result.get("recogniser"):
        names = (
            "drawn by the model at the same factors",
            "recordings, rendered at random factors",
            "recordings",
        )
        drawn, real, plain = (_with_error(part["rows"][name]) for name in names)
        found.append(
            f"A recogniser that was not trained here hears {drawn} of the words that the model "
            f"draws and {real} of recordings rendered at the same factors (± a standard error), "
            f"{plain} of the recordings as they are. It makes many errors, so its figures can only "
            "be compared with each other."
        )
    if part := result.get("style"):
        row = part["rows"]["style"]
        moved = part["rows"]["style, carried over to one word"]["word"]["mean"]
        found.append(
            f"From a style, the speaker can be predicted ({row['speaker']['mean']:.0f}%), who is "
            f"no factor here, and the word ({row['word']['mean']:.0f}%), which is one: each word "
            "has its own prior of styles. Where the word is changed, the style is transferred to "
            f"the other word's prior, and the former word can still be predicted in {moved:.0f}%."
        )
    return "\n".join(f"- {each}" for each in found)


def off(pitch: dict[str, Any]) -> float:
    """Return how many pitches in per cent are beyond a semitone, or not read at all."""
    unread: float = pitch["unread"]
    beyond: float = pitch["beyond"] or 0.0  # of those that are read
    return unread + beyond * (100 - unread) / 100


def _with_error(row: dict[str, Any]) -> str:
    """Return the words that the recogniser hears in per cent, and the standard error."""
    value = row["recogniser"]
    return f"{value:.0f} ± {math.sqrt(value * (100 - value) / row['sounds']):.0f}%"


def _spoken(part: dict[str, Any]) -> dict[str, Any]:
    """Return the rows of voices that have a pitch."""
    return {name: row for name, row in part["voices"].items() if "whispering" not in name}


def _over_words(rows: list[dict[str, Any]], name: str, count: str = "words") -> float:
    """Return the mean of a figure over rows, weighted by what it is of."""
    return sum(row[name] * row[count] for row in rows) / sum(row[count] for row in rows)


def _unheard(found: dict[str, Any]) -> str:
    """Return how words of synthesisers are heard, how edits of them are met, and their pitch."""
    told = ", ".join(f"{name} {version}" for name, version in found["programs"].items())
    parts = [
        "**Voices never heard.** The ten words said by synthesisers, resampled to 8 kHz. Words "
        "that the judge hears, %: as they were made, after analysis and synthesis, as the sound of "
        f"a voice picture, and after the pretrained model redrew them (*{found['redrawn']}*); then "
        "those that the pretrained model reads:",
        _voices_heard(found),
        f"{told}. Each voice says each word once, and has one vocal tract: what is heard of it "
        "is given as mean ± standard deviation over the words of a voice.",
        "Edits of those that have a pitch by `unbraid.sound.edit`: how far the measured pitch, "
        "duration and loudness are from what was asked for or should be kept, and words that are "
        "still heard and read, %:",
        _edits_met(found["edits"]),
    ]
    if asked := found.get("asked pitch"):
        ways = list(next(iter(asked["voices"].values())))
        hertz = ", ".join(f"{each:g}" for each in asked["hertz"])
        parts += [
            "The pitch of voices that were asked for one frequency throughout, "
            f"{hertz} Hz ({asked['words']} words each). Median error in semitones, and how many "
            "are beyond one or not read:",
            rows_of(
                ["Voice", *ways],
                [
                    [f"flite {name}"]
                    + [f"{row[way]['median']:.3f} ({off(row[way]):.1f}%)" for way in ways]
                    for name, row in asked["voices"].items()
                ],
            ),
        ]
    return "\n\n".join(parts)


def _voices_heard(found: dict[str, Any]) -> str:
    """Return a row for each voice or group of voices, and one for each synthesiser."""
    figures = ("as made", "analysed and synthesised", "as a picture", "redrawn")
    figures = (*figures, "read by the model")
    rows = []
    for name, row in found["voices"].items():
        hertz = f"{row['hertz']}" if name in _spoken(found) else ""
        tract = f"{row['tract']:.0f} ± {row['tract spread']:.0f}"
        cells = [f"{row[each]:.0f}" for each in figures]
        rows.append([name, str(row["words"]), hertz, *cells, tract])
    for program in found["programs"]:
        members = [row for name, row in _spoken(found).items() if name.startswith(program)]
        cells = [f"{_over_words(members, each):.0f}" for each in figures]
        count = str(sum(row["words"] for row in members))
        rows.append([f"**{program}, all that have a pitch**", count, "", *cells, ""])
    head = ["Voice", "Words", "Pitch, Hz", "As made", "Copied", "As a picture", "Redrawn"]
    return rows_of([*head, "Read by the model", "Tract heard, %"], rows)


def _edits_met(edits: dict[str, Any]) -> str:
    """Return a row for each edit of synthetic words: its errors, and words heard and read."""
    rows = []
    for name, row in edits.items():
        cells = [""] * 5
        if "pitch" in row:
            pitch = row["pitch"]
            cells = [f"{pitch['median']:.3f}", f"{off(pitch):.1f}"]
            cells += [f"{row[f'duration {each}']:.1f}" for each in ("median", "mean")]
            cells += [f"{row['loudness mean']:.2f}"]
        rows.append([name, str(row["words"]), *cells, f"{row['judge']:.1f}", f"{row['model']:.1f}"])
    head = ["Edit", "Words", "Pitch, semitones: median", "beyond 1 or unread, %"]
    return rows_of([*head, "Duration, %: median", "mean", "Loudness, dB", "Judge", "Model"], rows)


def _recogniser(found: dict[str, Any]) -> str:
    """Return how many words another recogniser hears, and the judge beside it."""
    spoken = found["speakers"]
    low, high = min(spoken, key=spoken.__getitem__), max(spoken, key=spoken.__getitem__)
    return "\n\n".join(
        [
            f"**A recogniser that was not trained here**: {found['name']} with the English model "
            "in its package, which chooses among the ten words. Words heard, %:",
            rows_of(
                ["Sounds", "Number", "Recogniser", "Judge"],
                [
                    [name, str(row["sounds"]), f"{row['recogniser']:.1f}", f"{row['judge']:.1f}"]
                    for name, row in found["rows"].items()
                ],
            ),
            f"Of the recordings, it hears {spoken[low]:.0f}% of {low}'s and {spoken[high]:.0f}% of "
            f"{high}'s. Its model is of speech at 16 kHz; sounds are resampled, so nothing is "
            "above 4 kHz.",
        ]
    )


_HEARD = {"left out": "speaker left out", "package": "package"}


def _left_out(found: dict[str, Any]) -> str:
    """Return a row for each speaker: words read by a judge that was trained on the others."""
    speakers = found["speakers"]
    columns = [(part, who) for part in ("renderings", "recordings") for who in _HEARD]
    rows = [
        [name, *(f"{row[part][who]:.1f}" for part, who in columns)]
        for name, row in speakers.items()
    ]
    means = [
        sum(row[part][who] for row in speakers.values()) / len(speakers) for part, who in columns
    ]
    rows.append(["**mean**", *(f"{mean:.1f}" for mean in means)])
    one = next(iter(speakers.values()))
    return "\n\n".join(
        [
            "**One speaker left out.** Words of a speaker's test takes that are read by the judge "
            "trained on the five others, and by the package's, which was trained on all six, %:",
            rows_of(
                ["Speaker", *(f"{part}, {_HEARD[who]}" for part, who in columns)],
                rows,
            ),
            f"Each judge is trained as the package's, on those of its renderings that are of the "
            f"others ({min(row['trained on'] for row in speakers.values()):,} to "
            f"{max(row['trained on'] for row in speakers.values()):,}, {found['passes']} passes, "
            "one training each); "
            f"{one['renderings']['sounds']} renderings at random factors and about "
            f"{one['recordings']['sounds']} recordings a speaker.",
        ]
    )


_TARGETS = ("speaker", "word")


def _styles(found: dict[str, Any]) -> str:
    """Return what a regression reads of styles, and of what they are encoded from."""
    rows = [
        [name, str(row["dimensions"])]
        + [f"{row[each]['mean']:.1f} ± {row[each]['deviation']:.1f}" for each in _TARGETS]
        for name, row in found["rows"].items()
    ]
    rows.append(["chance", "", *(f"{found['chance'][each]:.1f}" for each in _TARGETS)])
    return "\n\n".join(
        [
            "**Information in a style.** Speaker and word, predicted by a logistic regression from "
            "the styles that the pretrained model encodes pictures into, %:",
            rows_of(["Read from", "Dimensions", *_TARGETS], rows),
            f"{found['pictures']:,} pictures of the {found['takes']} test takes, which the model "
            "has not seen. The regression is fitted to four takes of each word by each speaker and "
            "tested on the fifth: mean ± standard deviation over the five. *Carried over* is what "
            "the model does to a style where the word is changed. Of canonical frames, "
            f"{found['components']} principal components are used.",
        ]
    )


def _pitches(found: dict[str, Any]) -> str:
    """Return how often the tracker is off on recordings, by speaker."""
    speakers = found["speakers"]
    kinds = {
        "takes": "Takes",
        "an octave low": "An octave low",
        "an octave high": "An octave high",
        "off by a semitone or more, not by an octave": "Off by 1 to 7 semitones",
        "not voiced at all": "Not voiced",
        "others disagree": "Others disagree",
    }
    rows = [
        [name, *(str(row[kind]) for kind in kinds), f"{row['unvoiced though clear']:.1f}"]
        for name, row in speakers.items()
    ]
    totals = [str(sum(row[kind] for row in speakers.values())) for kind in kinds]
    rows.append(["**all**", *totals, ""])
    others = " and ".join(way for way in found["ways"] if way != "unbraid")
    return "\n\n".join(
        [
            "**Pitch of recordings**, against two other methods (" + others + ") where these "
            "agree within two semitones:",
            rows_of(["Speaker", *kinds.values(), "Frames unvoiced though clear, %"], rows),
            "Frames are those within 15 dB of the loudest that have no pitch though the cepstrum "
            "has a clear peak.",
        ]
    )
