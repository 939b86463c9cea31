"""Figures of a run that held no images out call the images they show by their name."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from unbraid.core import registry
from unbraid.methods import configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.training import TrainingConfig


@pytest.fixture(scope="module", params=["vae", "joint-vae"])
def run(
    request: pytest.FixtureRequest, squares_npz: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """A run that was trained on all there is."""
    options = {"path": str(squares_npz), "full": True}
    training = TrainingConfig(epochs=1, batch_size=32, validation=0.0)
    more = {"categories": 3} if request.param == "joint-vae" else {}
    method = configure(request.param, net="mlp", latent_dim=2, **more)
    return train_run(RunConfig(method, "npz", options, training), tmp_path_factory.mktemp("run"))


def words(figure: Figure) -> str:
    texts = [*figure.texts, *([figure._suptitle] if figure._suptitle else [])]  # type: ignore[attr-defined]
    labels = [text for ax in figure.axes for text in (ax.get_title(loc="left"), ax.get_xlabel())]
    return " ".join([*(text.get_text() for text in texts), *labels])


@pytest.mark.parametrize("name", registry.names("figures"))
def test_none_is_called_held_out(run: Run, name: str) -> None:
    module = registry.load("figures", name)
    if module.TARGET != "run":
        return
    said = words(module.draw(run, module.Config()))
    assert "held-out" not in said
    if name not in ("plane", "sample"):  # which show no image of the data
        assert "training image" in said
