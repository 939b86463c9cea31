"""Labels in training: who keeps them, what a step is told, and that a run knows its factors."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset
from unbraid.methods import Context, LabelledConfig, build, configure
from unbraid.methods._labelled import scaled
from unbraid.methods.s2_vae import Model
from unbraid.runs import Run, RunConfig, load, train_run
from unbraid.training import (
    Batches,
    Labels,
    Loop,
    Recorder,
    Supervision,
    TrainingConfig,
    labelled_rows,
    new_model,
    train,
)

ROWS = torch.arange(0, 300, 2)  # as if the odd ones were held out


def config(**options: Any) -> LabelledConfig:
    found = configure("s2-vae", latent_dim=3, net="mlp", **options)
    assert isinstance(found, LabelledConfig)
    return found


class Both(Model):
    """Needs the factors of the batch, too."""

    needs = frozenset({"factors", "labelled"})


def supervision_of(data: Dataset, seed: int = 0, **options: Any) -> Supervision:
    model = Both(config(**options), data.image_shape, data.specs)  # type: ignore[arg-type]
    batches = Batches(data.images, torch.device("cpu"))
    return Supervision(data, ROWS, model, batches, 32, seed)


def sorted_rows(values: Tensor) -> Tensor:
    return torch.tensor(sorted(values.tolist()))


def labels_in(found: Supervision) -> Labels:
    assert found.labels is not None
    return found.labels


def test_fewer_labels_are_among_the_more_and_the_seed_chooses() -> None:
    factors = np.zeros((300, 2))
    some = labelled_rows(factors, ROWS, 100, seed=0)
    few = labelled_rows(factors, ROWS, 10, seed=0)
    assert (len(some), len(few)) == (100, 10)
    assert set(few.tolist()) < set(some.tolist()) < set(ROWS.tolist())
    assert torch.equal(few, labelled_rows(factors, ROWS, 10, seed=0))
    assert not torch.equal(few, labelled_rows(factors, ROWS, 10, seed=1))
    assert torch.equal(labelled_rows(factors, ROWS, 0, seed=0), ROWS)


def test_labels_that_are_nan_are_none() -> None:
    factors = np.zeros((300, 2))
    factors[:100] = np.nan
    factors[100:200, 0] = np.nan  # the other factor is known
    assert torch.equal(labelled_rows(factors, ROWS, 0, 0), ROWS[ROWS >= 100])
    with pytest.raises(UnbraidError, match="labels is 101, but 100 of the 150 images to train on"):
        labelled_rows(factors, ROWS, 101, 0)
    with pytest.raises(UnbraidError, match="labels is 0, but 0 of the 150"):
        labelled_rows(factors * np.nan, ROWS, 0, 0)


def test_a_step_is_told_of_the_labels_that_were_kept(squares: Dataset) -> None:
    supervision = supervision_of(squares, labels=40, label_factors=("row", "grey"))
    rows = ROWS[:64]
    told = supervision.batch(rows, 7)
    assert told.factors is not None
    assert told.factors.dtype == torch.float32
    kept = torch.isin(rows, labels_in(supervision).rows)
    assert torch.equal(~torch.isnan(told.factors[:, 0]), kept)
    assert torch.isnan(told.factors[:, 2]).all()  # column was not named
    truth = torch.tensor(squares.factors)[rows].float()
    assert torch.equal(told.factors[kept, :2], truth[kept, :2])
    assert told.pairs is None


def test_each_step_draws_labelled_images_by_key(squares: Dataset) -> None:
    def drawn(seed: int, step: int) -> tuple[Tensor, Tensor]:
        found = supervision_of(squares, seed, labels=40).batch(ROWS[:32], step).labelled
        assert found is not None
        return found

    shown, factors = drawn(0, 3)
    assert (len(shown), len(factors)) == (32, 32)
    rows = (factors @ torch.tensor([100.0, 10.0, 1.0])).long()  # a factor of which is in its row
    labels = labels_in(supervision_of(squares, labels=40))
    assert set(rows.tolist()) <= set(labels.rows.tolist())
    assert len(set(rows.tolist())) == 32
    assert torch.equal(shown, labels.batches.take(rows))
    assert torch.equal(factors, drawn(0, 3)[1])
    for other in ((0, 4), (1, 3)):
        assert not torch.equal(factors, drawn(*other)[1])
    few = supervision_of(squares, labels=5).batch(ROWS[:32], 0)
    assert few.labelled is not None
    assert len(few.labelled[1]) == 5


def test_where_all_are_labelled_the_batch_is_its_own(squares: Dataset) -> None:
    told = supervision_of(squares).batch(ROWS[:32], 0)
    assert told.labelled is not None
    assert told.labelled[0] is told.images
    assert told.labelled[1] is told.factors


def test_a_batch_holds_what_is_declared_and_nothing_else(squares: Dataset) -> None:
    batches = Batches(squares.images, torch.device("cpu"))
    for name, holds in (("vae", set()), ("s2-vae", {"labelled"}), ("conditional-vae", None)):
        model = build(configure(name), squares.image_shape, squares.specs)
        found = Supervision(squares, ROWS, model, batches, 32, 0)
        for batch in (found.batch(ROWS[:32], 0), found.held_out(ROWS[:32], 0)):
            fields = ("factors", "labelled", "pairs")
            there = {field for field in fields if getattr(batch, field) is not None}
            assert there == model.needs
            assert holds is None or there == holds


def test_labels_of_held_out_images_serve_validation_only_where_all_are_given(
    squares: Dataset,
) -> None:
    odd = torch.arange(1, 65, 2)
    shown = supervision_of(squares).held_out(odd, 0)
    assert shown.labelled is not None
    assert torch.equal(shown.labelled[1], torch.tensor(squares.factors)[odd].float())
    shown = supervision_of(squares, labels=10).held_out(odd, 0)
    assert shown.labelled is None
    assert shown.factors is not None
    assert torch.isnan(shown.factors).all()

    other = squares.factors.copy()  # type: ignore[union-attr]
    options = TrainingConfig(epochs=1, batch_size=32)
    loops = []
    for _ in range(2):
        data = dataclasses.replace(squares, factors=other.copy())
        loops.append(Loop(new_model(config(), data, 0), data, options, Recorder()))
        other[loops[0].held_out.numpy(), 0] = 2 - other[loops[0].held_out.numpy(), 0]
    first, second = (loop.run().state_dict() for loop in loops)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    one, two = (loop.validate()["few_labels"] for loop in loops)
    assert one != two


def test_labels_that_were_not_kept_have_no_part(squares: Dataset) -> None:
    assert squares.factors is not None
    kept = labelled_rows(squares.factors, torch.arange(300), 20, seed=0).numpy()
    hidden = np.full(squares.factors.shape, np.nan)
    hidden[kept] = squares.factors[kept]
    options: dict[str, Any] = {"epochs": 1, "batch_size": 32, "validation": 0.0}
    first = train(config(labels=20), squares, **options).state_dict()
    other = dataclasses.replace(squares, factors=hidden)
    second = train(config(labels=0), other, **options).state_dict()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_what_is_measured_from_images_needs_no_label(squares: Dataset) -> None:
    assert squares.factors is not None
    specs = (*squares.specs[:-1], dataclasses.replace(squares.specs[-1], measured="shapes"))
    given, rows = dataclasses.replace(squares, specs=specs), torch.arange(32)
    kept = labelled_rows(squares.factors, ROWS, 20, seed=0)
    expected = torch.tensor(squares.factors).float()
    batch = supervision_of(given, labels=20).batch(rows, 0)
    assert batch.factors is not None
    assert torch.equal(batch.factors[:, -1], expected[rows, -1])
    for column in batch.factors.T[:-1]:
        assert torch.equal(torch.isnan(column), ~torch.isin(rows, kept))
    # the labelled images come first, all 20 of them, and then the others
    assert batch.labelled is not None
    known = batch.labelled[1]
    assert len(known) == 20 + 32
    assert torch.equal(sorted_rows(known[:20]), sorted_rows(expected[kept]))
    name = specs[-1].name
    with pytest.raises(UnbraidError, match="0 of the 150 images to train on have labels"):
        supervision_of(given, labels=20, label_factors=(name,))
    every = supervision_of(given, labels=0, label_factors=(name,)).batch(rows, 0)
    assert every.labelled is not None
    assert torch.equal(every.labelled[1][:, -1], expected[rows, -1])


def test_a_run_loads_without_its_data(squares_npz: Path, squares: Dataset, tmp_path: Path) -> None:
    gone = tmp_path / "gone.npz"
    gone.write_bytes(squares_npz.read_bytes())
    method = config(labels=20, label_factors=("row",))
    training = TrainingConfig(epochs=1, batch_size=32)
    run = RunConfig(method, "npz", {"path": str(gone), "full": True}, training)
    train_run(run, tmp_path / "run")
    train_run(run, tmp_path / "run", resume=True)  # it is recognised as the same
    gone.unlink()
    found = load(tmp_path / "run")
    assert isinstance(found, Model)
    assert found.specs == squares.specs
    assert Run(tmp_path / "run").config == run


def test_a_run_that_does_not_tell_its_factors_still_loads(tiny_run: Run, tmp_path: Path) -> None:
    assert [spec.name for spec in tiny_run.specs] == ["grey", "row", "column"]
    stored = dict(tiny_run.json)
    del stored["factors"]
    (tmp_path / "config.json").write_text(json.dumps(stored))
    assert Run(tmp_path).specs == ()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"labels": -1}, "labels is -1"),
        ({"label_seed": -1}, "label_seed is -1"),
        ({"label_factors": (3,)}, r"label_factors is \(3,\), expected names"),
    ],
)
def test_bad_options_get_a_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        config(**options)


def test_one_name_is_a_name() -> None:
    assert config(label_factors="row").label_factors == ("row",)


def test_scaled_labels_fill_the_unit_interval(squares: Dataset) -> None:
    assert squares.factors is not None
    found = scaled(torch.tensor(squares.factors).float(), squares.specs)
    assert found.amin(0).tolist() == [0, 0, 0]
    assert found.amax(0).tolist() == [1, 1, 1]


def test_images_that_are_only_measured_do_not_weaken_the_loss_of_categories(
    squares: Dataset,
) -> None:
    """With few labels, measured images follow in the batch, and know no category."""
    found = []
    for measured in ("", "shapes"):
        place = FactorSpec("place", "continuous", range=(0.0, 9.0), measured=measured)
        data = dataclasses.replace(squares, specs=(*squares.specs[:-1], place))
        model = new_model(configure("conditional-flow", labels=20), data, 0)
        loop = Loop(model, data, TrainingConfig(epochs=1, batch_size=64), Recorder())
        batch = loop.supervision.batch(torch.arange(64), 0)
        context = Context(torch.Generator().manual_seed(0), 0.0, 300, "reader")
        found.append((len(batch.labelled[1]), model.eval().terms(batch, context)))  # type: ignore[index]
    (few, alone), (more, beside) = found
    assert (few, more) == (20, 84)
    # the frames that are looked through are drawn for other numbers of images
    assert float(beside["category"]) == pytest.approx(float(alone["category"]), rel=0.05)
