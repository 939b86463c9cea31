"""The information that two views of an image share about its category, and the views."""

from __future__ import annotations

import math

import pytest
import torch

from unbraid.methods._invariance import shared_information, warp

SURE = torch.eye(4).repeat(8, 1)


def test_views_that_agree_surely_share_log_k() -> None:
    assert float(shared_information(SURE, SURE)) == pytest.approx(math.log(4), abs=1e-4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SURE, torch.full_like(SURE, 0.25)),  # nothing is known of the copy
        (SURE[:1].expand(32, -1), SURE[:1].expand(32, -1)),  # one category for everything
        (SURE, SURE[torch.arange(32) // 8 * 0 + torch.arange(32) // 4 % 4]),  # unrelated
    ],
)
def test_views_that_say_nothing_of_each_other_share_none(
    one: torch.Tensor, other: torch.Tensor
) -> None:
    assert float(shared_information(one, other)) == pytest.approx(0, abs=1e-4)


def test_it_is_the_mutual_information_of_the_symmetric_joint() -> None:
    noise = torch.Generator().manual_seed(0)
    one, other = (torch.rand(50, 3, generator=noise).softmax(1).double() for _ in range(2))
    joint = sum(torch.outer(a, b) for a, b in zip(one, other, strict=True)) / 50
    joint = (joint + joint.T) / 2
    margin = joint.sum(0)
    expected = sum(
        joint[i, j] * torch.log(joint[i, j] / (margin[i] * margin[j]))
        for i in range(3)
        for j in range(3)
    )
    assert float(shared_information(one, other)) == pytest.approx(float(expected), abs=1e-9)


def test_a_warp_moves_ink_a_little_and_stays_in_range() -> None:
    images = torch.zeros(200, 2, 28, 28)
    images[:, :, 12:16, 12:16] = 1
    moved = warp(images, torch.Generator().manual_seed(0))
    assert moved.shape == images.shape
    assert 0 <= float(moved.min()) <= float(moved.max()) <= 1
    assert (moved != images).flatten(1).any(1).all()
    x = torch.arange(28.0)
    columns = moved.sum((1, 2))
    centre = (columns * x).sum(1) / columns.sum(1)
    assert float((centre - 13.5).abs().max()) < 0.08 * 28 * 1.5
    assert float(centre.std()) > 0.5
    area = moved.sum((2, 3))[:, 0] / 16
    assert 0.6 < float(area.min()) < float(area.max()) < 1.6


def test_the_first_ones_may_stay_upright() -> None:
    images = torch.zeros(50, 1, 28, 28)
    images[:, :, 4:24, 13:15] = 1  # an upright bar
    moved = warp(images, torch.Generator().manual_seed(0), upright=25)
    x = torch.arange(28.0)
    rows = (moved[:, 0] * x).sum(2) / moved[:, 0].sum(2)  # where the bar is in each row

    def lean(rows: torch.Tensor) -> torch.Tensor:
        return (rows[:, 18] - rows[:, 9]).abs()

    assert float(lean(rows[:25]).max()) < 1e-3
    assert float(lean(rows[25:]).max()) > 1


@pytest.mark.parametrize("shape", [(32, 64), (64, 32)])
def test_a_turn_is_one_in_images_that_are_not_square_too(shape: tuple[int, int]) -> None:
    """In halves of each side a turn of 15 degrees would be one of 8 or of 28."""

    def lean(height: int, width: int) -> torch.Tensor:
        """Return by how many degrees bars lie off after their warps."""
        images = torch.zeros(100, 1, height, width)
        images[:, :, height // 2 - 1 : height // 2 + 1, width // 2 - 10 : width // 2 + 10] = 1
        moved = warp(images, torch.Generator().manual_seed(0))[:, 0]
        down, right = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        share = moved / moved.sum((1, 2), keepdim=True)
        x, y = (place - (share * place).sum((1, 2))[:, None, None] for place in (right, down))
        xx, yy, xy = ((share * part).sum((1, 2)) for part in (x * x, y * y, x * y))
        return torch.rad2deg(torch.atan2(2 * xy, xx - yy) / 2)

    square, found = lean(32, 32), lean(*shape)
    assert float(square.abs().max()) > 10
    assert float((found - square).abs().max()) < 1


def test_warps_come_from_the_given_noise() -> None:
    images = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    first, again, other = (warp(images, torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
