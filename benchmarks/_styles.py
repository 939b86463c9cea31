"""Leakage both ways: who speaks and which word, read from a model's styles by a regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from _spoken import TAKES_EACH, share, speaker_of
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unbraid import control
from unbraid.control.loading import pretrained
from unbraid.datasets import load_dataset
from unbraid.datasets.speech import Speech
from unbraid.sound import canonical_of_picture

PICTURES = 5_000
COMPONENTS = 300  # of canonical frames, that a regression is given


def style() -> dict[str, Any]:
    """Return how often speaker and word are read from styles, and from canonical frames.

    Pictures are of the test split, whose takes the model has not seen. A regression is fitted to
    those of four takes of each word by each speaker and tried on the fifth, in turn.
    """
    data = load_dataset("speech", "test", n=PICTURES)
    assert isinstance(data, Speech)
    images, factors = np.asarray(data.images[:]), np.asarray(data.factors, np.float64)
    model: Any = control.open(pretrained("speech")).model
    codes = model.encode(images)
    styles, read = codes[:, model.factor_width :], model.factors_of(codes)
    same = read.clone()
    same[:, 0] = 0
    frames = [canonical_of_picture(image)[0] for image in images]
    inputs = {
        "style": styles.numpy(),
        "style, carried over to one word": model.restyle(styles, read, same).numpy(),
        "canonical frames": np.array(
            [np.concatenate([f.envelope.ravel(), f.contour, f.noise.ravel()]) for f in frames],
            np.float32,
        ),
    }
    targets = {"speaker": speaker_of(data.style), "word": factors[:, 0].astype(np.int64)}
    rows: dict[str, dict[str, Any]] = {}
    for name, values in inputs.items():
        rows[name] = {"dimensions": values.shape[1]}
        for target, labels in targets.items():
            rows[name][target] = regressed(values, labels, data.style % TAKES_EACH)
        print(name, rows[name], flush=True)
    return {
        "pictures": len(images),
        "takes": len(np.unique(data.style)),
        "components": COMPONENTS,
        "rows": rows,
        "chance": {n: share(each == np.bincount(each).argmax()) for n, each in targets.items()},
    }


def regressed(
    values: NDArray[Any], labels: NDArray[np.int64], takes: NDArray[np.int64]
) -> dict[str, float]:
    """Return the accuracy in per cent, and its spread, on takes that are left out in turn."""
    reduced = [PCA(COMPONENTS, random_state=0)] if values.shape[1] > COMPONENTS else []
    found = []
    for fitted, tried in GroupKFold(len(np.unique(takes))).split(values, labels, takes):
        way = make_pipeline(StandardScaler(), *reduced, LogisticRegression(max_iter=2000))
        way.fit(values[fitted], labels[fitted])
        found.append(100 * way.score(values[tried], labels[tried]))
    return {
        "mean": round(float(np.mean(found)), 2),
        "deviation": round(float(np.std(found, ddof=1)), 2),
    }
