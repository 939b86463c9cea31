"""The transformer of scikit-learn: its own checks, Pipelines, and the forms that X may have."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import unbraid
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.sklearn import Encoder, form_of

TINY: dict[str, Any] = {"options": {"latent_dim": 2, "net": "mlp"}, "epochs": 1, "batch_size": 32}
STEPS = {"precision": "f32", "device": "cpu"}
# Checks of scikit-learn that cannot hold, and why: none. What is skipped needs SCIPY_ARRAY_API.
EXPECTED: dict[str, str] = {}


def test_the_checks_of_scikit_learn() -> None:
    encoder = Encoder("vae", options=TINY["options"], epochs=1, training=STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(
            encoder, expected_failed_checks=EXPECTED, on_skip=None, on_fail="raise"
        )
    assert len(found) > 40
    left = {each["check_name"] for each in found if each["status"] != "passed"}
    assert left <= {*EXPECTED, "check_array_api_input"}


def test_every_form_of_x_gives_the_codes_of_the_library(squares: Dataset) -> None:
    images = np.asarray(squares.images)[::3]  # (100, 1, 16, 16), uint8
    model = unbraid.train(
        unbraid.configure("vae", **TINY["options"]),
        images,
        epochs=1,
        batch_size=32,
        validation=0.0,
        seed=4,
        **STEPS,
    )
    wanted = model.encode(images).double().numpy()
    for rows, shape in (
        (images.reshape(100, 256), (16, 16)),
        (images[:, 0], None),
        (images[:, 0, :, :, None], None),
        (images[:, 0] / 255, None),
        (images[:, 0].astype(int), None),  # 0 to 255 as the range of what is fitted
    ):
        encoder = Encoder("vae", shape=shape, random_state=4, training=STEPS, **TINY)
        codes = encoder.fit_transform(rows)
        np.testing.assert_allclose(codes, wanted, atol=1e-5)
        again = encoder.inverse_transform(codes)
        assert again.shape == rows.shape
        assert 0 <= again.min() < again.max() <= (1 if rows.max() == 1 else 255)
        assert encoder.get_feature_names_out().tolist() == ["encoder0", "encoder1"]


@pytest.mark.parametrize("shape", [(20,), (300,), (8, 8), (20, 12), (17, 18, 3)])
def test_rows_become_images_and_rows_again(shape: tuple[int, ...]) -> None:
    rows = np.random.default_rng(0).normal(size=(5, *shape))
    form = form_of(rows, None, None)
    images = form.images(rows)
    assert images.shape[0] == 5
    assert min(images.shape[2:]) >= 16
    assert images.min() == 0
    assert images.max() == 1
    np.testing.assert_allclose(form.rows(images), rows, atol=1e-5)
    narrow = form_of(rows, None, (-1.0, 1.0))
    np.testing.assert_allclose(narrow.rows(narrow.images(rows)), rows.clip(-1, 1), atol=1e-6)


def test_options_of_a_file_of_settings(squares: Dataset) -> None:
    rows = np.asarray(squares.images).reshape(300, -1)
    listed, given = [16, 16], (16, 16)
    one, other = (
        Encoder(shape=each, value_range=[0, 255], **TINY).fit(rows) for each in (listed, given)
    )
    np.testing.assert_array_equal(one.transform(rows), other.transform(rows))


def test_it_works_in_a_pipeline_and_a_search(squares: Dataset) -> None:
    images = np.asarray(squares.images).reshape(300, 256)
    grey = np.asarray(squares.factors)[:, 0]
    pipeline = make_pipeline(
        StandardScaler(),
        Encoder("ae", shape=(16, 16), training=STEPS, **TINY),
        LogisticRegression(),
    )
    grid = {"encoder__options": [{"latent_dim": 1, "net": "mlp"}, TINY["options"]]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(images, grey)
    best = clone(pipeline).set_params(**search.best_params_).fit(images, grey)
    np.testing.assert_array_equal(search.predict(images), best.predict(images))
    scaled = best[0].transform(images)
    restored = best[1].inverse_transform(best[1].transform(scaled))
    assert scaled.min() - 1e-6 <= restored.min() < restored.max() <= scaled.max() + 1e-6


def test_labels_are_for_the_methods_that_need_them(squares: Dataset) -> None:
    images, factors = np.asarray(squares.images)[:, 0], np.asarray(squares.factors)
    encoder = Encoder("s2-vae", training=STEPS, **TINY)
    assert encoder.fit(images, factors[:, :2]).model_.specs[1].name == "factor_1"
    with pytest.raises(UnbraidError, match="s2-vae learns from labels, but there are none"):
        encoder.fit(images)
    one, other = (
        Encoder("vae", training=STEPS, **TINY).fit(images, y).transform(images)
        for y in (factors, np.full(300, np.nan))
    )
    np.testing.assert_array_equal(one, other)


def test_what_cannot_be_fitted_is_refused(squares: Dataset) -> None:
    images = np.asarray(squares.images)[:, 0]
    for encoder, rows, error, said in (
        (Encoder(shape=(9, 9)), images.reshape(300, -1), UnbraidError, "shape is \\(9, 9\\)"),
        (Encoder(shape=(16, 8)), images, UnbraidError, "shape is \\(16, 8\\)"),
        (Encoder(shape=16), images, UnbraidError, "shape is 16, expected \\(H, W\\)"),
        (Encoder(value_range=(0, 1, 2)), images, UnbraidError, "value_range is \\(0, 1, 2\\)"),
        (Encoder(value_range=(1, 1)), images, UnbraidError, "value_range is \\(1, 1\\)"),
        (Encoder("vea"), images, UnbraidError, "unknown method 'vea' \\(did you mean"),
        (Encoder(options={"bta": 1}), images, UnbraidError, "unknown option 'bta'"),
        (Encoder(), images[:, None, None], ValueError, "X has 5 axes"),
        (Encoder(), images / np.nan, ValueError, "NaN"),
    ):
        with pytest.raises(error, match=said):
            encoder.fit(rows)
    config = unbraid.configure("vae", **TINY["options"])
    fitted = Encoder(config, training=STEPS, epochs=1).fit(images)
    with pytest.raises(ValueError, match="a row of X has the shape"):
        fitted.transform(np.zeros((3, 16, 17)))
    with pytest.raises(UnbraidError, match="give the options to"):
        Encoder(config, options={"latent_dim": 3}).fit(images)


def test_no_seed_draws_one(squares: Dataset) -> None:
    images = np.asarray(squares.images)[:40, 0]
    made = [
        Encoder("vae", random_state=state, training=STEPS, **TINY).fit(images).model_
        for state in (None, None, np.random.RandomState(1), np.random.RandomState(1))
    ]
    weights = [torch.cat([p.flatten() for p in model.parameters()]) for model in made]
    assert not torch.equal(weights[0], weights[1])
    assert torch.equal(weights[2], weights[3])


def test_zeros_and_ones_of_uint8_are_black_and_white_as_they_are_for_train() -> None:
    images = (np.random.default_rng(0).random((48, 16, 16)) > 0.5).astype(np.uint8)
    options: dict[str, Any] = {"epochs": 1, "batch_size": 16}
    encoder = Encoder("vae", options={"latent_dim": 2, "net": "mlp"}, **options).fit(images)
    model = unbraid.train("vae", images, latent_dim=2, net="mlp", validation=0.0, **options)
    codes = model.encode(images.astype(bool)).numpy()
    np.testing.assert_array_equal(encoder.transform(images).astype(np.float32), codes)
    assert (encoder.form_.low, encoder.form_.high) == (0.0, 1.0)
    assert encoder.inverse_transform(encoder.transform(images)).max() <= 1
