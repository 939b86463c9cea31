"""What a notebook shows of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unbraid import methods
from unbraid.core import notebook
from unbraid.core.errors import UnbraidError
from unbraid.runs.results import NAME, stats_of

if TYPE_CHECKING:
    from unbraid.runs.run import Run


def summary_html(run: Run) -> str:
    """Return what was trained on what, and what it scores, as HTML."""
    about = f"{methods.name_of(run.config.method)} on {run.config.data}"
    html = notebook.heading(f"{run.folder}: {about}" + (f", {run.stage}" if run.stage else ""))
    if not (run.folder / NAME).is_file() or not run.finished:
        return html
    try:
        result, scores = run.result, run.scores()
    except UnbraidError as error:
        return html + notebook.notes([str(error)])
    stats = [(k.replace("_", " "), f"{v:.4g}") for k, v in stats_of(result).items()]
    rows = [
        (score["metric"], f"{score['value']:.3f}", score.get("variant", ""))
        for score in scores.values()
        if isinstance(score.get("value"), int | float)
    ]
    about = result.get("data", {})
    images = "training images" if about.get("split") == "train" else "held-out images"
    html += notebook.table((images, "value"), stats)
    html += notebook.notes([about["note"]] if "note" in about else [])
    return html + (notebook.table(("metric", "value", "variant"), rows) if rows else "")
