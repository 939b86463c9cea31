"""HFS: distances by hand, gradients to both ends, and the faults of the public code."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from unbraid.methods import Batch, Context, build, configure, hfs
from unbraid.methods.dip_vae_i import covariance, penalties
from unbraid.methods.hfs import drawn_pairs, hausdorff, shrinkage

PIXELS = torch.rand(16, 1, 16, 16, generator=torch.Generator().manual_seed(0))
BOTH = torch.tensor([[0, 1]])
CORNER = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 2.0]])  # without (3, 2)


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def brute(codes: Tensor, pairs: Tensor) -> float:
    """Return the sum of squared Hausdorff distances, every distance written out."""
    total = 0.0
    for a, b in pairs.tolist():
        points = torch.cartesian_prod(codes[:, a], codes[:, b])
        there = codes[:, [a, b]]
        total += float((points[:, None] - there[None]).square().sum(2).min(1).values.max())
    return total


def test_by_hand() -> None:
    """The missing corner (3, 2) is nearest to (3, 0): 2 squared."""
    assert float(hausdorff(CORNER, BOTH, 0, noise())) == 4.0
    whole = torch.cat([CORNER, torch.tensor([[3.0, 2.0]])])
    assert float(hausdorff(whole, BOTH, 0, noise())) == 0.0


def test_it_is_the_hausdorff_distance_summed_over_pairs() -> None:
    codes = torch.randn(20, 4, generator=noise())
    pairs = drawn_pairs(4, 25, noise())
    assert len(pairs) == 6
    assert float(hausdorff(codes, pairs, 0, noise())) == pytest.approx(brute(codes, pairs))
    few = float(hausdorff(codes, pairs, 30, noise()))  # of fewer points, a lower bound
    assert 0 < few <= brute(codes, pairs) + 1e-6


def test_correlated_codes_of_full_support_cost_nothing() -> None:
    """What tells it from methods that want the latents independent."""
    grid = torch.cartesian_prod(torch.arange(3.0), torch.arange(3.0))
    codes = torch.cat([grid, grid[[0, 4, 8]].repeat(10, 1)])
    assert float(penalties(covariance(codes))[0]) > 0.5
    assert float(hausdorff(codes, BOTH, 0, noise())) == 0.0


def test_the_point_gets_the_gradient_too() -> None:
    """Codes that the point is made of are not constants: public notes say that this diverges."""
    codes = CORNER.clone().requires_grad_()
    hausdorff(codes, BOTH, 0, noise()).backward()  # type: ignore[no-untyped-call]
    expected = torch.tensor([[0.0, 0.0], [0.0, -4.0], [0.0, 4.0]])
    torch.testing.assert_close(codes.grad, expected)


def test_pairs_are_different_ones_and_no_more_than_asked_for() -> None:
    pairs = drawn_pairs(10, 25, noise())
    assert pairs.shape == (25, 2)
    assert len({tuple(pair) for pair in pairs.tolist()}) == 25
    assert (pairs[:, 0] < pairs[:, 1]).all()


def test_the_spread_is_of_each_latent_over_the_batch() -> None:
    """The public code takes it over the latents of each image."""
    codes = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    assert float(shrinkage(codes)) == pytest.approx(1, abs=2e-3)  # of the second latent alone
    assert float(shrinkage(codes + 7)) == pytest.approx(1, abs=2e-3)


@torch.no_grad()
@pytest.mark.parametrize("points", [0, 10])
def test_the_loss_weighs_all_terms(points: int) -> None:
    torch.manual_seed(0)
    options: dict[str, Any] = {"gamma": 7.0, "beta": 3.0, "spread": 2.0, "points": points}
    model = build(configure("hfs", latent_dim=3, net="mlp", **options), (1, 16, 16)).eval()
    assert isinstance(model, hfs.Model)
    context = Context(torch.Generator().manual_seed(7), 0.0, total=5000)
    found = model.terms(Batch(PIXELS), context)
    expected = found["reconstruction"] + 3 * found["kl"]
    expected = expected + 7 * found["hausdorff"] + 2 * found["shrinkage"]
    torch.testing.assert_close(found["loss"], expected)
    assert found["hausdorff"] > 0


def test_training_fills_the_support() -> None:
    """Gradient steps on codes alone bring the distance down, and leave them correlated."""
    codes = torch.randn(64, 2, generator=noise())
    codes[:, 1] = 0.95 * codes[:, 0] + 0.3 * codes[:, 1]
    codes.requires_grad_()
    optimizer = torch.optim.Adam([codes], lr=0.02)
    start = float(hausdorff(codes.detach(), BOTH, 0, noise()))
    for _ in range(300):
        loss = hausdorff(codes, BOTH, 0, noise()) + shrinkage(codes)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        assert float(hausdorff(codes, BOTH, 0, noise())) < start / 4
        assert float(torch.corrcoef(codes.T)[0, 1]) > 0.3
