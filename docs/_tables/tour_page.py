"""Tables of docs/tour.md and docs/gallery.md."""

from __future__ import annotations

from typing import Any

from _tables.shared import made_by


def side_by_side(result: dict[str, Any]) -> str:
    """Return a row for each kind of training: images a second both ways."""
    lines = ["| Training | Two of one thread | One of two threads | Ratio |", "|---|--:|--:|--:|"]
    for name, speed in result["speed"].items():
        ratios = sorted(speed["ratios"])
        lines.append(
            f"| `{name}` | {speed['side by side']:,} | {speed['one of two threads']:,} | "
            f"{ratios[len(ratios) // 2]:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
        )
    lines.append(
        f"\nImages a second, the best of {result['turns']} turns; the ratio's median, lowest and "
        f"highest. {made_by(result)}"
    )
    return "\n".join(lines)


def tour(result: dict[str, Any]) -> str:
    """Return how long each scale takes."""
    scales = [result[name] for name in ("quick", "default", "full") if name in result]
    lines = [
        "| Command | Seeds | Of the curves | Trainings | Minutes | Page, MB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for scale in scales:
        minutes = f"{scale['seconds'] / 60:.1f}"
        if before := scale["trained before"]:
            minutes += f" beside {before} trainings done before"
        lines.append(
            f"| `{scale['command']}` | {scale['seeds']} | {scale['seeds of the curves']} | "
            f"{scale['trainings']} | {minutes} | {scale['page bytes'] / 1e6:.1f} |"
        )
    machine = scales[-1]["machine"]
    made = ", ".join(f"`{scale['made by']}`" for scale in scales)
    lines.append(
        f"\n{made}; torch {machine['torch']} on {machine['cores']} cores ({machine['device']})."
    )
    return "\n".join(lines)


def claim(result: dict[str, Any]) -> str:
    """Return what the curves say of the claim, and how often the rule errs."""
    answers = result["answers"]
    most = max(answers.values(), key=lambda each: each["seeds"])
    equal = " and ".join(
        f"{_interval(each, 3)} in {each['difference in']} "
        f"(p {_p(min(each['higher'], each['lower']))})"
        for each in most["equal reconstruction"]
    )
    lines = [
        f"**At equal reconstruction** β-TCVAE minus β-VAE is {equal}, over {most['seeds']} seeds "
        f"of `{most['command']}`; **“better reconstruction with similar disentanglement”: "
        f"{most['answer']}.** {most['why']}\n",
        "| β | Reconstruction, nats | MIG | DCI | p | The claim |",
        "|--:|--:|--:|--:|--:|---|",
    ]
    for each in most["same beta"]:
        cells = [
            _interval(part, 1 if name == "reconstruction" else 3)
            for name, part in each["difference in"].items()
        ]
        p = _p(min(each["holds"], *each["fails"].values()))
        lines.append(f"| {each['beta']} | {' | '.join(cells)} | {p} | {each['decision']} |")
    lines += [
        f"\nβ-TCVAE minus β-VAE on `digits`: mean and 95% t interval; the margin is "
        f"{result['margin']:g}, p is corrected. By scale:\n",
        "| Command | Seeds | Answer |",
        "|---|--:|---|",
        *(
            f"| `{answers[scale]['command']}` | {answers[scale]['seeds']} | "
            f"{answers[scale]['answer']} |"
            for scale in ("quick", "default", "full")
            if scale in answers
        ),
        "\n**How often the rule errs and decides**, simulated:\n",
        _simulated(result),
    ]
    return "\n".join(lines)


def _simulated(result: dict[str, Any]) -> str:
    """Return the simulated error rates and powers, a column for each number of seeds."""
    seeds = list(result["errors"])
    rows = {
        f"{case}, %": [result["errors"][n][case] for n in seeds] for case in result["errors"]["2"]
    }
    said = ("holds", "fails")
    for beta in result["power"]["2"]["holds"]:
        for what in said:
            rates = [result["power"][n][what][beta] for n in seeds]
            if max(rates) > 0.1:
                rows[f"as measured: {what} at β = {beta}, %"] = rates
    for what in ("higher", "lower"):
        for label in result["power"]["2"][what]:
            rates = [result["power"][n][what][label] for n in seeds]
            if max(rates) > 0.1:
                rows[f"as measured: {label} {what} at equal reconstruction, %"] = rates
    source = result["simulated from"]
    return "\n".join(
        [
            "| Case | " + " | ".join(f"{n} seeds" for n in seeds) + " |",
            "|---|" + "--:|" * len(seeds),
            *(
                f"| {case} | " + " | ".join(f"{100 * rate:.1f}" for rate in rates) + " |"
                for case, rates in rows.items()
            ),
            f"\nOf {result['trials']:,} simulated experiments each, normal, with the covariances "
            f"(and, as measured, the means) of the {source['seeds']} seeds of "
            f"`{source['command']}`. {made_by(result)}",
        ]
    )


def _interval(found: dict[str, float], digits: int) -> str:
    low, high = (f"{found[end]:.{digits}f}" for end in ("low", "high"))
    return f"{found['mean']:.{digits}f} ({low} to {high})"


def _p(p: float) -> str:
    return "under 0.001" if p < 0.001 else f"{p:.3f}"


def gallery(result: dict[str, Any]) -> str:
    """Return a report's figures, tables and findings, chapter by chapter."""
    machine = result["machine"]
    lines = [
        f"From `{result['command']}`: {result['trainings']} trainings, {result['seeds']} seeds "
        f"({result['seeds of two latents']} of the models with two latents, "
        f"{result.get('seeds of the curves', result['seeds'])} of β-VAE and β-TCVAE), torch "
        f"{machine['torch']} on {machine['cores']} cores ({machine['device']}). "
        f"Made by {result['made by']}."
    ]
    for chapter in result["chapters"]:
        lines.append(f"\n## {chapter['title']}")
        if chapter.get("earlier"):
            lines.append("\nFigures and numbers of this chapter are those of an earlier report.")
        for part in chapter["parts"]:
            if part["kind"] == "figure":
                images = [f"![{i['alt']}](images/tour/{i['name']}.svg)" for i in part["images"]]
                lines.append("\n" + "\n".join(images))
                lines.append(f"\n*{part['caption']}* `{part['command']}`")
            elif part["kind"] == "table":
                head, *rows = ["| " + " | ".join(row) + " |" for row in part["rows"]]
                ruler = "|---" + "|--:" * (len(part["rows"][0]) - 1) + "|"
                lines += [f"\n{part['caption'].rstrip('.')}:\n", head, ruler, *rows]
            else:
                lines.append(f"\n> {part['text']}")
    return "\n".join(lines)
