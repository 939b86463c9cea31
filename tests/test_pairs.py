"""Pairs in training: partners of a step's images, drawn by key, for methods that need them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.methods import Batch, Context, Method, Terms, configure, vae
from unbraid.training import Batches, Loop, Recorder, Supervision, TrainingConfig


@dataclasses.dataclass(frozen=True)
class Squares(Dataset):
    """Squares of which some factors can be changed, in the order of their factors."""

    def pairs(
        self, rows: NDArray[np.int64], k: int | str, seed: int, among: Any = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Redraw k factors: the first k in an order drawn for each row."""
        assert isinstance(k, int)
        assert self.factors is not None
        rng = np.random.default_rng(seed)
        factors = np.array(self.factors[rows], np.int64)
        order = rng.permuted(np.tile(np.arange(3), (len(rows), 1)), axis=1)
        changed = order < k
        sizes = np.array([3, 10, 10])
        factors = np.where(
            changed, (factors + rng.integers(1, sizes, factors.shape)) % sizes, factors
        )
        return self.images[factors @ (100, 10, 1)], changed


class Paired(vae.Model):
    """Learns from pairs, and keeps what it was given."""

    needs = frozenset({"pairs"})
    pair_rule = 1

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return the VAE's terms of the partners."""
        self.given = batch
        assert batch.pairs is not None
        return super().terms(Batch(batch.pairs[0]), context)


@pytest.fixture
def paired(squares: Dataset) -> Squares:
    return Squares(squares.name, squares.images[:], squares.factors, squares.specs)


def model() -> Method:
    return Paired(configure("vae", latent_dim=3, net="mlp"), (1, 16, 16))  # type: ignore[arg-type]


def supervision_of(data: Dataset, seed: int = 0) -> Supervision:
    batches = Batches(data.images, torch.device("cpu"))
    return Supervision(data, torch.arange(300), model(), batches, 32, seed)


def test_partners_differ_in_the_factors_that_changed(paired: Squares) -> None:
    rows = torch.arange(0, 300, 10)
    found = supervision_of(paired).batch(rows, 5)
    assert found.factors is None
    assert found.labelled is None
    assert found.pairs is not None
    images, changed = found.pairs
    assert images.dtype == torch.float32
    assert images.shape == found.images.shape
    assert (changed.dtype, changed.shape) == (torch.bool, (30, 3))
    assert changed.sum(1).eq(1).all()
    flat = torch.from_numpy(paired.images[:].reshape(300, -1))
    partners = [
        int((flat == image).all(1).nonzero()) for image in (images * 255).round().byte().flatten(1)
    ]
    factors = torch.tensor(paired.factors)
    assert torch.equal(factors[partners] != factors[rows], changed)


def test_pairs_are_drawn_by_key(paired: Squares) -> None:
    rows = torch.arange(32)

    def drawn(seed: int, step: int) -> torch.Tensor:
        found = supervision_of(paired, seed).batch(rows, step).pairs
        assert found is not None
        return found[0]

    assert torch.equal(drawn(0, 3), drawn(0, 3))
    assert not torch.equal(drawn(0, 3), drawn(0, 4))
    assert not torch.equal(drawn(0, 3), drawn(1, 3))
    held_out = [supervision_of(paired, seed).held_out(rows, 1).pairs for seed in (0, 1)]
    assert torch.equal(held_out[0][0], held_out[1][0])  # type: ignore[index]


def test_a_training_with_pairs_repeats_and_resumes_bit_for_bit(paired: Squares) -> None:
    class Keeps(Recorder):
        saved: Any = None

        def checkpoint(self, tensors: Any, progress: Any) -> None:
            copies = {name: value.clone() for name, value in tensors.items()}
            self.saved = copies, dataclasses.replace(progress, sums=dict(progress.sums))

    def loop(keeper: Recorder, epochs: int) -> Loop:
        torch.manual_seed(0)
        options = TrainingConfig(epochs=epochs, batch_size=32)
        return Loop(model(), paired, options, keeper)

    whole = loop(Recorder(), 2).run().state_dict()
    keeper = Keeps()
    loop(keeper, 1).run()
    second = loop(Recorder(), 2)
    second.restore(*keeper.saved)
    resumed = second.run().state_dict()
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_partners_of_training_are_images_trained_on(squares: Dataset) -> None:
    """Each image holds its row, and whether it is one of validation."""
    images = np.zeros((300, 1, 16, 16), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = np.arange(300) % 250, np.arange(300) // 250
    data = Dataset("marked", images, squares.factors, squares.specs)
    loop = Loop(model(), data, TrainingConfig(epochs=1, batch_size=32), Recorder())
    images[loop.held_out.numpy(), 0, 0, 2] = 255
    assert len(loop.held_out)
    seen: list[torch.Tensor] = []
    for step in range(20):
        pairs = loop.supervision.batch(loop.rows[:32], step).pairs
        assert pairs is not None
        seen.append(pairs[0])
    assert (torch.cat(seen)[:, 0, 0, 2] == 0).all()
    pairs = loop.supervision.held_out(loop.held_out, 0).pairs
    assert pairs is not None  # in validation, any image of the split


def test_data_that_can_give_no_pairs_are_refused_in_a_sentence(paired: Squares) -> None:
    plain = Dataset("mine", paired.images[:])
    for data in (plain, dataclasses.replace(paired, factors=None, specs=())):
        with pytest.raises(UnbraidError, match="cannot give pairs of images that differ in some"):
            supervision_of(data)


def test_an_unknown_need_is_refused_in_a_sentence(paired: Squares) -> None:
    wrong = model()
    wrong.needs = frozenset({"pears"})  # type: ignore[assignment,misc]
    batches = Batches(paired.images, torch.device("cpu"))
    with pytest.raises(UnbraidError, match="needs pears, but a batch can hold factors, labelled"):
        Supervision(paired, torch.arange(300), wrong, batches, 32, 0)
