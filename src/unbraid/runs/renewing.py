"""A run whose test split has changed, as where its labels were corrected.

No model has learnt from that split, so that nothing is trained again: what was measured on it as it
was is dropped from result.json, and config.json gets its present fingerprint.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from unbraid.core import hardware
from unbraid.core.files import write_json
from unbraid.core.store import locked
from unbraid.datasets import Dataset, called
from unbraid.evaluation.reconstruction import reconstruction_stats
from unbraid.runs.config import RunConfig
from unbraid.runs.fingerprints import Fingerprint, fingerprint
from unbraid.runs.results import STATS, read_result, trained_on, update_result
from unbraid.runs.run import Run
from unbraid.runs.run_data import test_of, unseen_of
from unbraid.runs.train import loader, opened
from unbraid.training import threads


def renew(config: RunConfig, folder: Path) -> None:
    """Have a run be of the test split as it is now; config.json, which tells it, is written last.

    Scores on its held-out images are dropped, those on other data are kept. If the images have
    changed, and not labels alone, the numbers of its training's end are measured again.

    Args:
        config: the options of the run, with the present path of its data.
        folder: the run folder.

    Raises:
        UnbraidError: the data or the folder cannot be read, or another process trains the run.
    """
    run, load = opened(folder), loader(config)
    if run is None:
        return
    test = test_of(load)
    present = None if test is None else fingerprint(test)
    with locked(folder):
        if run.finished:
            unseen = unseen_of(load, config.training.validation)
            images_changed = _differ(run.fingerprints.get("test"), present)
            stats = _stats(run, unseen) if images_changed else None
            names = {_called(run.config), _called(config), unseen.name}
            update_result(folder, lambda result: _without(result, names, unseen, stats))
        prints = {**run.json["fingerprint"], "test": present and present.to_json()}
        write_json(folder / "config.json", {**run.json, "fingerprint": prints})


def _differ(before: Fingerprint | None, present: Fingerprint | None) -> bool:
    """Whether images differ, by their fingerprints."""
    if before is None or present is None:
        return before is not present
    return bool(before.difference(present, factors=False))


def _called(config: RunConfig) -> str:
    return called(config.data, config.data_options)


def _stats(run: Run, unseen: Dataset) -> dict[str, Any]:
    """Return what ``finish`` measures of the held-out images."""
    precision = getattr(torch, str(read_result(run.folder)["training"].get("precision", "float32")))
    model = run.model()
    with threads(run.config.training.threads), hardware.autocast(model.device, precision):
        return reconstruction_stats(model, unseen.images)


def _without(
    result: Mapping[str, Any], names: set[str], unseen: Dataset, stats: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the content of result.json without scores of the held-out images.

    Args:
        result: the present content.
        names: what the data are or were called.
        unseen: the held-out images as they are now.
        stats: of these, None to keep those that are there.
    """
    about = result.get("data", {})
    scores = {
        key: score
        for key, score in result.get("scores", {}).items()
        if (told := score.get("data", {})).get("name") not in names
        or told.get("split") != about.get("split")
    }
    found = {**result, "scores": scores}
    if stats is not None:
        data = {"name": about.get("name"), "split": unseen.split, **trained_on(unseen)}
        found |= {STATS: stats, "data": data}
    return found
