"""Reconstruction, KL and ELBO of a finished model, each against a plain computation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from unbraid.datasets import Dataset
from unbraid.evaluation import reconstruction
from unbraid.evaluation.reconstruction import reconstruction_stats
from unbraid.methods import Autoencoder, build, configure
from unbraid.runs import Run


@pytest.fixture
def model(tiny_run: Run) -> Autoencoder:
    model = tiny_run.model()
    assert isinstance(model, Autoencoder)
    return model


def test_reconstruction_stats(model: Autoencoder, squares: Dataset) -> None:
    found = reconstruction_stats(model, squares.images, samples=500)
    pixels = squares.images[:] / 255
    error = np.square(pixels - model.reconstruct(pixels).numpy()).sum() / 300
    assert found["squared_error"] == pytest.approx(error, rel=1e-4)
    mean, logvar = (part.double().numpy() for part in model.encode_posterior(pixels))
    kl = 0.5 * (mean**2 + np.exp(logvar) - 1 - logvar)
    assert found["kl"] == pytest.approx(kl.sum(1).mean(), rel=1e-4)
    assert found["kl_by_latent"] == pytest.approx(kl.mean(0), abs=1e-3)
    assert found["active_units"] == (mean.var(0) > 0.01).sum()
    assert found["elbo"] == pytest.approx(-found["reconstruction"] - found["kl"])
    grey = pixels[(pixels > 0) & (pixels < 1)]
    floor = -(grey * np.log(grey) + (1 - grey) * np.log(1 - grey)).sum() / 300
    assert found["floor"] == pytest.approx(floor, rel=1e-4)
    # the mean over many draws of z, against the one draw an image
    z = torch.from_numpy(
        mean + np.exp(0.5 * logvar) * np.random.default_rng(0).normal(size=mean.shape)
    )
    other = -model.log_likelihood(z.float(), torch.from_numpy(pixels).float()).detach()
    tolerance = 4 * float(other.std()) / 300**0.5
    assert found["reconstruction"] == pytest.approx(float(other.mean()), abs=tolerance)
    assert found["decomposition"]["samples"] == 500


def test_they_do_not_hang_on_how_images_are_split(
    model: Autoencoder, squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reconstruction_stats(model, squares.images)
    assert whole == reconstruction_stats(model, squares.images)
    monkeypatch.setattr(reconstruction, "ROWS", 77)
    split = reconstruction_stats(model, squares.images)
    for name in ("squared_error", "kl", "floor", "active_units"):
        assert split[name] == pytest.approx(whole[name], rel=1e-4)


def test_at_most_so_many_images(
    model: Autoencoder, squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconstruction, "LIMIT", 100)
    assert reconstruction_stats(model, squares.images)["images"] == 100


def test_images_in_order_are_as_good_as_mixed(
    model: Autoencoder, squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The squares come in grid order: the first third is all of one grey."""
    whole = reconstruction_stats(model, squares.images)
    seen: list[np.ndarray] = []

    class Seen:
        shape = squares.images.shape

        def __len__(self) -> int:
            return len(squares)

        def __getitem__(self, rows: Any, /) -> Any:
            seen.append(np.asarray(rows))
            return squares.images[rows]

    monkeypatch.setattr(reconstruction, "LIMIT", 100)
    found = reconstruction_stats(model, Seen())
    assert np.unique(np.concatenate(seen) // 100).tolist() == [0, 1, 2]
    pixels = squares.images[:] / 255
    errors = np.square(pixels - model.reconstruct(pixels).numpy()).sum((1, 2, 3))
    mean, logvar = (part.double() for part in model.encode_posterior(pixels))
    kl = (0.5 * (mean**2 + logvar.exp() - 1 - logvar)).sum(1).numpy()
    for name, each in (("squared_error", errors), ("kl", kl)):
        assert abs(found[name] - whole[name]) < 3 * each.std() / 100**0.5
        first = each[:100].mean()  # what the first images say is something else
        assert abs(found[name] - whole[name]) < abs(first - whole[name])


@pytest.mark.filterwarnings("error")
def test_one_image_is_enough(model: Autoencoder, squares: Dataset) -> None:
    assert reconstruction_stats(model, squares.images[:1])["active_units"] == 0


def test_points_have_no_kl_and_generators_no_likelihood(squares: Dataset) -> None:
    found = reconstruction_stats(build(configure("ae", net="mlp"), (1, 16, 16)), squares.images)
    assert found.keys() == {"images", "squared_error", "reconstruction", "floor"}
    gan = build(configure("infogan", channels=8, hidden=32), (1, 16, 16)).eval()
    assert reconstruction_stats(gan, squares.images).keys() == {
        "images",
        "squared_error",
    }
