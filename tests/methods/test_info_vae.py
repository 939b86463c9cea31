"""InfoVAE and WAE-MMD: the discrepancy has its closed form, without bias, and is weighed right."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.methods import Batch, Context, build, configure, info_vae
from unbraid.methods._discrepancy import SCALES, Kernel, kernel_of, mmd

PIXELS = torch.rand(16, 1, 16, 16, generator=torch.Generator().manual_seed(0))
DIM, BATCH = 4, 32


def batches(count: int, shift: float = 0.0, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    noise = torch.Generator().manual_seed(seed)
    drawn = torch.randn((count, 2, BATCH, DIM), generator=noise)
    drawn[:, 0, :, 0] += shift
    return [(pair[0], pair[1]) for pair in drawn]


def gaussian_mmd(shift: float) -> float:
    """Return MMD^2 of N(m, I) and N(0, I) by the rbf kernel: E exp(-|u|^2 / c) is known."""
    width = 2.0 * DIM

    def expected(distance: float) -> float:  # of the difference of two draws, variance 2
        narrow = math.pow(1 + 4 / width, -DIM / 2)
        return narrow * math.exp(-(distance**2) / (width + 4))

    return 2 * expected(0) - 2 * expected(shift)


@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0])
def test_closed_form_under_gaussians(shift: float) -> None:
    found = torch.stack([mmd(x, y, "rbf") for x, y in batches(1000, shift)])
    error = float(found.std()) / math.sqrt(len(found))
    assert float(found.mean()) == pytest.approx(gaussian_mmd(shift), abs=3 * error)


@pytest.mark.parametrize("kernel", ["imq", "rbf"])
def test_samples_of_one_distribution_differ_by_nothing_on_average(kernel: Kernel) -> None:
    """With each row's pair with itself counted, as in tutorials, the mean is far above 0."""

    def with_self(x: Tensor, y: Tensor) -> Tensor:
        def mean(a: Tensor, b: Tensor) -> Tensor:
            return kernel_of((a[:, None] - b[None]).square().sum(2), DIM, kernel).mean()

        return mean(x, x) + mean(y, y) - 2 * mean(x, y)

    drawn = batches(1000)
    unbiased = torch.stack([mmd(x, y, kernel) for x, y in drawn])
    biased = torch.stack([with_self(x, y) for x, y in drawn])
    for found, right in ((unbiased, True), (biased, False)):
        error = float(found.std()) / math.sqrt(len(found))
        assert (abs(float(found.mean())) < 3 * error) is right


def test_by_hand() -> None:
    """Two rows each: not divided by their number again, nor by the width twice."""
    x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [2.0]])
    k = [math.exp(-(d**2) / 2) for d in range(3)]
    expected = k[1] + k[2] - 2 * (k[0] + k[2] + k[1] + k[1]) / 4
    assert float(mmd(x, y, "rbf")) == pytest.approx(expected)
    widths = [2 * s for s in SCALES]
    q = [sum(w / (w + d**2) for w in widths) for d in range(3)]
    expected = q[1] + q[2] - 2 * (q[0] + q[2] + q[1] + q[1]) / 4
    assert float(mmd(x, y, "imq")) == pytest.approx(expected, rel=1e-5)


def test_the_widths_of_inverse_multiquadrics_grow_with_the_latents() -> None:
    """c_s = 2 D s of D latents, as the mean squared distance of draws from the prior is 2 D."""
    x, y = torch.zeros(2, 3), torch.full((2, 3), 2.0)  # 12 apart, squared
    across = sum(6 * s / (6 * s + 12) for s in SCALES)
    assert float(mmd(x, y, "imq")) == pytest.approx(2 * len(SCALES) - 2 * across, rel=1e-5)


def test_a_gradient_of_equal_codes_is_finite() -> None:
    codes = torch.zeros(4, DIM, requires_grad=True)
    mmd(codes, torch.randn(4, DIM)).backward()  # type: ignore[no-untyped-call]
    assert codes.grad is not None
    assert torch.isfinite(codes.grad).all()


@torch.no_grad()
def terms_of(name: str, **options: Any) -> dict[str, Tensor]:
    torch.manual_seed(0)
    model = build(configure(name, latent_dim=3, net="mlp", **options), (1, 16, 16)).eval()
    return model.terms(Batch(PIXELS), Context(torch.Generator().manual_seed(7), 0.0, total=5000))


@pytest.mark.parametrize(("alpha", "scale"), [(0.0, 10.0), (1.0, 5.0), (0.5, 20.0)])
def test_equation_6(alpha: float, scale: float) -> None:
    found = terms_of("info-vae", alpha=alpha, scale=scale)
    expected = found["reconstruction"] + (1 - alpha) * found["kl"]
    expected = expected + (alpha + scale - 1) * found["discrepancy"]
    torch.testing.assert_close(found["loss"], expected)


def test_the_vae_and_the_wae_are_its_cases() -> None:
    assert float(terms_of("info-vae", alpha=0.0, scale=1.0)["loss"]) == pytest.approx(
        float(terms_of("vae")["loss"])
    )
    found = terms_of("wae-mmd", scale=7.0)
    torch.testing.assert_close(found["loss"], found["reconstruction"] + 7 * found["discrepancy"])


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UnbraidError, match="alpha is 2, expected 0 to 1"):
        info_vae.Config(alpha=2.0)
    with pytest.raises(UnbraidError, match="sum is less than 1"):
        info_vae.Config(alpha=0.5, scale=0.2)
    with pytest.raises(UnbraidError, match="at least 2 images a batch, found 1"):
        mmd(torch.zeros(1, 2), torch.zeros(5, 2))
