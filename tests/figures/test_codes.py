from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.figures._codes import encode, one_of_each, unseen_image
from unbraid.runs import Run


def test_latents_come_in_falling_order_of_the_kl_that_the_run_reports(tiny_run: Run) -> None:
    codes = encode(tiny_run.model(), tiny_run.unseen(), 10_000)
    weights = [latent.weight for latent in codes.latents]
    assert weights == sorted(weights, reverse=True)
    by_index = {latent.columns.start: latent.weight for latent in codes.latents}
    reported = tiny_run.result["reconstruction_stats"]["kl_by_latent"]
    assert [by_index[j] for j in range(4)] == pytest.approx(reported, abs=1e-3)
    first = codes.latents[0]
    assert first.label == f"z{first.columns.start}, {first.weight:.1f} nats"
    assert codes.gaussian


def test_an_autoencoder_is_sorted_by_variance(ae_run: Run) -> None:
    codes = encode(ae_run.model(), ae_run.unseen(), 10_000)
    variances = [float(codes.mean[:, latent.columns].var()) for latent in codes.latents]
    assert variances == sorted(variances, reverse=True)
    assert codes.latents[0].weight == pytest.approx(variances[0], rel=1e-4)
    assert "variance" in codes.latents[0].label
    np.testing.assert_array_equal(codes.drawn, codes.mean)  # its codes are points
    assert not codes.gaussian


def test_categorical_latents_are_named_apart(joint_run: Run) -> None:
    codes = encode(joint_run.model(), joint_run.unseen(), 10_000)
    names = {latent.name: latent.categories for latent in codes.latents}
    assert names == {"c0": 3, "z0": 1, "z1": 1}
    assert {latent.name for latent in codes.numbers()} == {"z0", "z1"}


def test_drawn_codes_are_those_of_the_posterior(tiny_run: Run) -> None:
    model, unseen = tiny_run.model(), tiny_run.unseen()
    codes = encode(model, unseen, 10_000)
    mean, logvar = model.encode_posterior(unseen.images[:])
    away = (codes.drawn - mean.numpy()) / np.exp(0.5 * logvar.numpy())
    assert abs(away.mean()) < 0.4
    assert 0.7 < away.std() < 1.3


def test_a_limit_draws_images_with_their_factors(tiny_run: Run) -> None:
    codes = encode(tiny_run.model(), tiny_run.unseen(), 7)
    assert codes.mean.shape == (7, 4)
    assert codes.data.factors is not None
    assert len(codes.data.factors) == 7


def test_one_of_each_class_in_order(squares: Dataset) -> None:
    rows = one_of_each(squares, 6, seed=3)
    assert squares.factor("grey")[rows].tolist() == [0, 1, 2, 0, 1, 2]
    assert len(set(rows.tolist())) == 6
    assert len(one_of_each(squares, 10_000, seed=0)) == len(squares)


def test_of_unknown_classes_come_last(squares: Dataset) -> None:
    factors = np.asarray(squares.factors, float)
    factors[factors[:, 0] == 1, 0] = np.nan
    data = replace(squares, factors=factors)
    found = data.factor("grey")[one_of_each(data, 9, seed=0)]
    np.testing.assert_array_equal(found, [0, 2, np.nan] * 3)


def test_without_classes_images_are_drawn_at_random(squares: Dataset) -> None:
    bare = Dataset("bare", squares.images)
    rows = one_of_each(bare, 5, seed=1)
    assert len(set(rows.tolist())) == 5
    assert rows.tolist() == one_of_each(bare, 5, seed=1).tolist()


def test_an_image_that_is_not_there_is_refused(squares: Dataset) -> None:
    with pytest.raises(UnbraidError, match="has 300 held-out images: expected 0 to 299"):
        unseen_image(squares, 300)
