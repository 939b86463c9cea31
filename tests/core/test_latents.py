"""Each kind of latent knows its samples, its columns, its steps and what metrics see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from scipy.stats import norm

from unbraid.core.errors import UnbraidError
from unbraid.core.latents import (
    Categorical,
    Gaussian,
    Latent,
    Layout,
    Point,
    Quantised,
    Uniform,
)
from unbraid.nn.distributions import prior_sample

UNEVEN = Quantised((-1.0, 0.0, 4.0))
MIXED = Layout([Categorical(3), UNEVEN, Gaussian(), Point()])


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(5)


@pytest.mark.parametrize("latent", [Categorical(4), UNEVEN])
def test_every_value_is_encoded_as_it_is_decoded(latent: Categorical | Quantised) -> None:
    index = np.arange(latent.levels)
    columns = latent.decode(index)
    assert columns.shape == (latent.levels, latent.width)
    assert latent.index(columns).tolist() == index.tolist()
    assert latent.discrete
    # what metrics see of a category is its index, of a quantised latent its value
    seen = index if latent.categorical else [-1.0, 0.0, 4.0]
    assert latent.encode(columns).tolist() == list(seen)


def test_a_quantised_latent_is_ordered_and_its_nearest_value_is_taken() -> None:
    columns = np.array([[-9.0], [-0.4], [1.9], [2.1], [9.0]])
    assert UNEVEN.index(columns).tolist() == [0, 1, 1, 2, 2]
    assert UNEVEN.encode(columns).tolist() == [-1, 0, 0, 4, 4]
    assert Quantised.evenly(4, 0, 3).values == (0, 1, 2, 3)


@pytest.mark.parametrize("values", [(1.0,), (1.0, 0.0)])
def test_values_that_are_not_levels_are_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(UnbraidError, match="expected at least two numbers in ascending order"):
        Quantised(values)


@pytest.mark.parametrize(
    ("latent", "columns"),
    [
        (Gaussian(), [[2.0], [2.5], [3.0]]),
        (Quantised.evenly(2), [[-1.0], [1.0], [1.0]]),
        (Categorical(3), np.eye(3)),
    ],
)
def test_a_traversal_goes_from_end_to_end(latent: Latent, columns: Sequence[object]) -> None:
    np.testing.assert_allclose(latent.path(np.array([0.0, 0.5, 1.0]), 2, 3), columns)


@pytest.mark.parametrize(
    ("latent", "cumulative"),
    [(Gaussian(), norm.cdf), (Point(), norm.cdf), (Uniform(), lambda z: (z + 1) / 2)],
)
def test_quantiles_are_the_middles_of_equally_probable_intervals(
    latent: Latent, cumulative: np.ufunc
) -> None:
    np.testing.assert_allclose(cumulative(latent.quantiles(4)), [0.125, 0.375, 0.625, 0.875])


def test_the_quantiles_of_a_quantised_latent_are_its_levels() -> None:
    assert UNEVEN.quantiles(6).tolist() == [-1, -1, 0, 0, 4, 4]


def test_a_layout_says_what_each_column_is() -> None:
    assert MIXED.width == 6
    assert MIXED.categories == (3,)
    assert MIXED.levels == (3,)
    assert (MIXED.numbers, MIXED.continuous) == (3, 2)
    assert MIXED.names == ("c0", "z0", "z1", "z2")
    assert MIXED.columns == (slice(0, 3), slice(3, 4), slice(4, 5), slice(5, 6))
    assert MIXED.prior == "mixed"
    assert MIXED.prior_text == "the uniform distribution over levels and N(0, I)"
    codes = np.array([[0.1, 0.2, 0.7, 3.9, 0.5, -0.5]])
    assert MIXED.encode(codes).tolist() == [[2, 4, 0.5, -0.5]]
    assert MIXED.snap(codes).tolist() == [[0.1, 0.2, 0.7, 4, 0.5, -0.5]]
    (block,), numbers = MIXED.split(torch.from_numpy(codes))
    assert block.tolist() == [[0.1, 0.2, 0.7]]
    assert numbers.tolist() == [[3.9, 0.5, -0.5]]


@pytest.mark.parametrize(
    "latents", [[Gaussian(), Categorical(2)], [Gaussian(), UNEVEN], [UNEVEN, Categorical(2)]]
)
def test_another_order_of_latents_is_refused(latents: list[Latent]) -> None:
    with pytest.raises(UnbraidError, match="expected categorical ones first, then quantised"):
        Layout(latents)


def test_values_that_were_learned_replace_those_of_quantised_latents_alone() -> None:
    learned = MIXED.with_values([np.array([3.0, 1.0, 2.0], np.float32)])
    assert learned.latents == (Categorical(3), Quantised((1.0, 2.0, 3.0)), Gaussian(), Point())


def test_samples_are_those_of_one_call_for_all_continuous_latents() -> None:
    """The same bits as before latents were objects: models trained then draw the same images."""
    categories = torch.nn.functional.one_hot(torch.randint(3, (50,), generator=(g := noise())), 3)
    expected = torch.cat([categories.float(), torch.randn((50, 2), generator=g)], 1)
    found = prior_sample(Layout([Categorical(3), Gaussian(), Gaussian()]), 50, noise())
    assert torch.equal(found, expected)
    uniform = torch.rand((50, 2), generator=noise()) * 2 - 1
    assert torch.equal(prior_sample(Layout([Uniform(), Uniform()]), 50, noise()), uniform)


def test_each_level_is_drawn_as_often() -> None:
    codes = prior_sample(Layout([UNEVEN]), 30_000, noise())
    values, counts = np.unique(codes.numpy(), return_counts=True)
    assert values.tolist() == [-1, 0, 4]
    np.testing.assert_allclose(counts / 30_000, 1 / 3, atol=0.01)  # 3.7 standard errors
