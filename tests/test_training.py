"""The training loop: repeats bit for bit, keeps held-out images out, stops on what is broken."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.methods import Batch, Context, MethodConfig, Phase, Terms, configure, vae
from unbraid.training import (
    Fleet,
    Interrupted,
    Loop,
    Progress,
    Recorder,
    TrainingConfig,
    new_model,
    split_rows,
    train,
)

SMALL = configure("vae", latent_dim=3, net="mlp")
# One of each kind: dense and convolutional, sampled KL, batch normalisation and two optimizers,
# labels.
KINDS = [
    configure("vae", latent_dim=3, net="mlp", likelihood="gaussian-learned"),
    configure("beta-tcvae", latent_dim=3),
    configure("infogan", channels=8, hidden=32, noise=4),
    configure("s2-vae", latent_dim=3, net="mlp", labels=40),
]


class Log(Recorder):
    """Keeps all it hears, and stops at a step if asked to."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.stop_at = stop_at
        self.steps: list[int] = []
        self.threads: set[int] = set()
        self.records: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.order: list[str] = []
        self.saved: tuple[dict[str, Tensor], Progress] | None = None

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        self.steps.append(progress.step)
        self.threads.add(torch.get_num_threads())

    def epoch(self, record: dict[str, Any]) -> None:
        self.records.append(record)
        self.order.append("record")

    def checkpoint(self, tensors: dict[str, Tensor], progress: Progress) -> None:
        # as a file holds it: copies, and the progress as text
        copies = {name: value.clone().contiguous() for name, value in tensors.items()}
        self.saved = copies, Progress(**json.loads(json.dumps(vars(progress))))
        self.order.append("checkpoint")

    def warn(self, sentence: str) -> None:
        self.warnings.append(sentence)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def stop_requested(self) -> bool:
        return bool(self.steps) and self.steps[-1] == self.stop_at


def loop_of(
    method: MethodConfig, data: Dataset, recorder: Recorder | None = None, **options: Any
) -> Loop:
    config = TrainingConfig(**{"epochs": 2, "batch_size": 32, **options})
    return Loop(new_model(method, data, config.seed), data, config, recorder or Recorder())


def weights(loop: Loop) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in loop.run().state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def without_speed(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in r.items() if k != "images_per_second"} for r in records]


def test_a_training_that_is_usually_too_short_says_so(
    squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vae.Model, "usual_steps", 3)
    loop_of(SMALL, squares, log := Log(), epochs=0, steps=2).run()
    assert log.notes == ["2 steps are few for vae, which usually needs 3 or more: try --steps 3."]
    notes, (log, other) = log.notes, (Log(), Log())
    Fleet([loop_of(SMALL, squares, each, epochs=0, steps=2) for each in (log, other)]).run()
    assert log.notes == notes
    loop_of(SMALL, squares, log := Log(), epochs=0, steps=3).run()
    assert log.notes == []


# -- seeds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["f32", "bf16"])
@pytest.mark.parametrize("method", KINDS, ids=lambda method: type(method).__module__)
def test_the_same_seed_gives_the_same_bits(
    squares: Dataset, method: MethodConfig, precision: str
) -> None:
    first = weights(loop_of(method, squares, precision=precision, epochs=1))
    torch.rand(3)  # what else draws random numbers has no part in it
    assert same(first, weights(loop_of(method, squares, precision=precision, epochs=1)))
    other = weights(loop_of(method, squares, precision=precision, epochs=1, seed=1))
    assert not same(first, other)


def test_the_same_seed_gives_the_same_bits_on_two_threads(squares: Dataset) -> None:
    method = configure("beta-vae", latent_dim=3)
    first = weights(loop_of(method, squares, threads=2, epochs=1, batch_size=128))
    assert same(first, weights(loop_of(method, squares, threads=2, epochs=1, batch_size=128)))


def test_training_leaves_torchs_own_generator_alone(squares: Dataset) -> None:
    before = torch.get_rng_state()
    loop_of(SMALL, squares, epochs=1).run()
    assert torch.equal(before, torch.get_rng_state())


def test_threads_are_set_for_the_training_and_put_back(squares: Dataset) -> None:
    log, before = Log(), torch.get_num_threads()
    loop_of(SMALL, squares, log, threads=before + 1, epochs=1).run()
    assert log.threads == {before + 1}
    assert torch.get_num_threads() == before


# -- checkpoints ----------------------------------------------------------------------------------


@pytest.mark.parametrize("stop_at", [1, 8, 13])  # 8 steps an epoch: within and at its end
@pytest.mark.parametrize("precision", ["f32", "bf16"])
@pytest.mark.parametrize("method", KINDS, ids=lambda method: type(method).__module__)
def test_a_resumed_training_ends_in_the_same_bits(
    squares: Dataset, method: MethodConfig, precision: str, stop_at: int
) -> None:
    whole, first, second = Log(), Log(stop_at), Log()
    expected = weights(loop_of(method, squares, whole, precision=precision))
    with pytest.raises(Interrupted):
        loop_of(method, squares, first, precision=precision).run()
    assert first.saved is not None
    resumed = loop_of(method, squares, second, precision=precision)
    resumed.restore(*first.saved)
    assert same(expected, weights(resumed))
    assert first.steps + second.steps == whole.steps == list(range(1, 17))
    assert without_speed(first.records + second.records) == without_speed(whole.records)


def test_a_checkpoint_holds_what_it_says(squares: Dataset) -> None:
    log = Log()
    loop = loop_of(SMALL, squares, log, epochs=1)
    loop.run()
    assert log.saved is not None
    tensors, progress = log.saved
    assert (progress.step, progress.epoch, progress.sums) == (8, 1, {})
    assert same({f"model.{k}": v for k, v in loop.model.state_dict().items()}, tensors)


def test_the_record_of_an_epoch_comes_before_its_checkpoint(squares: Dataset) -> None:
    log = Log()
    loop_of(SMALL, squares, log).run()
    assert log.order == ["record", "checkpoint"] * 2


def test_checkpoints_within_an_epoch_are_as_frequent_as_asked(squares: Dataset) -> None:
    log = Log()
    loop_of(SMALL, squares, log, checkpoint_every=0.0, epochs=1).run()
    assert log.order == ["checkpoint"] * 7 + ["record", "checkpoint"]


# -- held-out images ------------------------------------------------------------------------------


def test_held_out_images_are_never_trained_on(
    squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[list[int]] = []
    step = Loop.step
    monkeypatch.setattr(
        Loop, "step", lambda loop, rows: (taken.append(rows.tolist()), step(loop, rows))
    )
    log = Log()
    loop = loop_of(SMALL, squares, log, epochs=3, batch_size=50, validation=0.2)
    loop.run()
    assert (len(loop.rows), len(loop.held_out)) == (240, 60)
    assert len(taken) == 3 * 4
    for epoch in range(3):
        rows = [row for batch in taken[4 * epoch : 4 * epoch + 4] for row in batch]
        assert len(set(rows)) == 200
        assert not set(rows) & set(loop.held_out.tolist())
    assert taken[0] != taken[4]  # each epoch has an order of its own
    assert all("validation_loss" in record for record in log.records)


def test_the_same_images_are_held_out_for_every_seed(squares: Dataset) -> None:
    held_out = [loop_of(SMALL, squares, seed=seed).held_out for seed in (0, 1)]
    assert torch.equal(*held_out)


@pytest.mark.parametrize(
    ("total", "share", "expected"),
    [(300, 0.1, 30), (300, 0.0, 0), (70_000, 0.1, 5000), (15, 0.1, 0), (20, 0.1, 2), (3, 0.9, 2)],
)
def test_split_is_a_partition(total: int, share: float, expected: int) -> None:
    data = Dataset("blank", np.zeros((total, 1, 1, 1), np.uint8))
    kept, held_out = split_rows(data, share)
    assert len(held_out) == expected
    assert torch.equal(torch.cat([kept, held_out]).sort().values, torch.arange(total))


@pytest.mark.parametrize("count", [12, 20])
def test_few_images_train_too(squares: Dataset, count: int) -> None:
    few = squares.take(np.arange(count))
    train("beta-tcvae", few, epochs=1, batch_size=4)


def test_validation_changes_nothing(squares: Dataset) -> None:
    loop = loop_of(KINDS[2], squares)  # its batch normalisation would take notice
    loop.step(loop.rows[:32])
    before = {name: value.clone() for name, value in loop.tensors().items()}
    first = loop.validate()
    assert same(before, loop.tensors())
    assert loop.model.training
    assert first == loop.validate()


def test_without_validation_there_is_none(squares: Dataset) -> None:
    log = Log()
    loop_of(SMALL, squares, log, validation=0.0, epochs=1).run()
    assert not [key for key in log.records[0] if key.startswith("validation")]


# -- terms ----------------------------------------------------------------------------------------


def test_records_hold_the_mean_terms_of_an_epoch(
    squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses: list[float] = []

    class Listening(Log):
        def step(self, progress: Progress, terms: dict[str, float], speed: float) -> None:
            losses.append(terms["loss"])
            assert terms["loss"] == pytest.approx(terms["reconstruction"] + terms["kl"], rel=1e-5)

    log = Listening()
    loop_of(SMALL, squares, log).run()
    assert [(r["epoch"], r["step"]) for r in log.records] == [(1, 8), (2, 16)]
    for record, part in zip(log.records, (losses[:8], losses[8:]), strict=True):
        assert record["train_loss"] == pytest.approx(np.mean(part))
        assert record["images_per_second"] > 0
        assert record["validation_active_units"] in range(4)


def test_validation_of_data_in_order_is_that_of_mixed_data(
    squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of one class alone would have other terms, and the last rows are not left out."""
    seen: list[list[int]] = []
    loop = loop_of(SMALL, squares, validation=0.5, batch_size=40)
    take = loop.batches.take
    monkeypatch.setattr(
        loop.batches, "take", lambda rows: (seen.append(rows.tolist()), take(rows))[1]
    )
    loop.validate()
    assert [len(rows) for rows in seen] == [40, 40, 40, 30]
    assert sorted(row for rows in seen for row in rows) == loop.held_out.tolist()
    assert all({row // 100 for row in rows} == {0, 1, 2} for rows in seen)
    other = loop_of(SMALL, squares, validation=0.5, batch_size=40, seed=1)
    take_other, first, seen = other.batches.take, seen, []
    monkeypatch.setattr(
        other.batches, "take", lambda rows: (seen.append(rows.tolist()), take_other(rows))[1]
    )
    other.validate()
    assert seen == first  # every seed is held against the same batches


def test_each_of_several_phases_has_terms_of_its_own(squares: Dataset) -> None:
    log = Log()
    loop_of(KINDS[2], squares, log, epochs=1).run()
    terms = ["discriminator.loss", "discriminator", "generator.loss", "generator"]
    terms += [f"{phase}.categorical_mi" for phase in ("discriminator", "generator")]
    for prefix in ("train", "validation"):
        assert {f"{prefix}_{term}" for term in terms} <= log.records[0].keys()
        assert f"{prefix}_loss" not in log.records[0]
    record = log.records[0]
    told = (
        record["train_discriminator.categorical_mi"] + record["train_discriminator.continuous_mi"]
    )
    expected = record["train_discriminator"] - told
    assert record["train_discriminator.loss"] == pytest.approx(expected, rel=1e-4)


class Alternating(vae.Model):
    """Two phases, the second of which begins within the second epoch; records what it is told."""

    selection = "late.loss"

    def phases(self) -> dict[str, Phase]:
        """Return the encoder's, then the decoder's."""
        self.heard: dict[str, list[float]] = {"early": [], "late": []}
        parts = (self.encoder, (0.0, 0.55)), (self.decoder, (0.55, 1.0))
        return {
            name: Phase(list(part.parameters()), span=span)
            for name, (part, span) in zip(("early", "late"), parts, strict=True)
        }

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return the VAE's terms, the late phase's a thousand nats higher."""
        found = super().terms(batch, context)
        found["loss"] = found["loss"] + 1000 * (context.phase == "late")
        if context.epoch < math.inf:
            self.heard[context.phase].append(float(found["loss"].detach()))
        return found


def alternating(data: Dataset, recorder: Recorder, **options: Any) -> Loop:
    torch.manual_seed(0)
    assert isinstance(SMALL, vae.Config)
    model = Alternating(SMALL, data.image_shape)
    return Loop(model, data, TrainingConfig(epochs=2, batch_size=32, **options), recorder)


def test_a_phase_that_begins_within_an_epoch_is_averaged_over_its_own_steps(
    squares: Dataset,
) -> None:
    log = Log()
    loop = alternating(squares, log)
    loop.run()
    assert isinstance(loop.model, Alternating)
    early, late = loop.model.heard["early"], loop.model.heard["late"]
    assert (len(early), len(late)) == (9, 7)  # of 8 steps an epoch
    first, second = log.records
    assert "train_late.loss" not in first
    assert first["train_early.loss"] == pytest.approx(np.mean(early[:8]), rel=1e-6)
    assert second["train_early.loss"] == pytest.approx(early[8], rel=1e-6)
    assert second["train_late.loss"] == pytest.approx(np.mean(late), rel=1e-6)
    # nor does validation mix them
    for record in log.records:
        away = record["validation_late.loss"] - record["validation_early.loss"]
        assert away == pytest.approx(1000, abs=20)
        assert "validation_loss" not in record


@pytest.mark.parametrize("stop_at", [10, 12])
def test_the_means_of_phases_survive_a_resume(squares: Dataset, stop_at: int) -> None:
    whole, first, second = Log(), Log(stop_at), Log()
    alternating(squares, whole).run()
    with pytest.raises(Interrupted):
        alternating(squares, first).run()
    assert first.saved is not None
    resumed = alternating(squares, second)
    resumed.restore(*first.saved)
    resumed.run()
    assert without_speed(first.records + second.records) == without_speed(whole.records)


def test_a_checkpoint_of_an_earlier_version_tells_no_counts(squares: Dataset) -> None:
    whole, first, second = Log(), Log(11), Log()
    loop_of(SMALL, squares, whole).run()
    with pytest.raises(Interrupted):
        loop_of(SMALL, squares, first).run()
    assert first.saved is not None
    tensors, progress = first.saved
    resumed = loop_of(SMALL, squares, second)
    resumed.restore(tensors, dataclasses.replace(progress, counts={}))
    resumed.run()
    assert without_speed(second.records) == without_speed(whole.records[1:])


def test_what_ranks_seeds_must_be_of_one_phase(squares: Dataset) -> None:
    class Mixed(Alternating):
        selection = "loss"

    assert isinstance(SMALL, vae.Config)
    model = Mixed(SMALL, squares.image_shape)
    with pytest.raises(UnbraidError, match="phases early, late, and its selection is 'loss': name"):
        Loop(model, squares, TrainingConfig(batch_size=32), Recorder())


# -- sampling -------------------------------------------------------------------------------------


def rows_of(data: Dataset, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[list[int]]:
    taken: list[list[int]] = []
    step = Loop.step
    with monkeypatch.context() as patch:
        patch.setattr(
            Loop, "step", lambda loop, rows: (taken.append(rows.tolist()), step(loop, rows))
        )
        loop_of(SMALL, data, **options).run()
    return taken


def test_iid_draws_each_steps_images_with_replacement_from_those_to_train_on(
    squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"sampling": "iid", "epochs": 0, "steps": 60, "batch_size": 50}
    taken = rows_of(squares, monkeypatch, **options)
    assert [len(rows) for rows in taken] == [50] * 60
    counts = np.bincount(np.ravel(taken), minlength=300)
    trained, held_out = split_rows(squares, 0.1)
    assert not counts[held_out.numpy()].any()
    assert any(len(set(rows)) < 50 for rows in taken)
    found = counts[trained.numpy()]  # 3000 draws of 270: Poisson of mean and variance 11.1
    assert found.mean() == pytest.approx(3000 / 270)
    assert found.var() == pytest.approx(3000 / 270, rel=0.35)
    assert taken == rows_of(squares, monkeypatch, **options)
    assert taken != rows_of(squares, monkeypatch, **options, seed=1)


@pytest.mark.parametrize("stop_at", [1, 8, 13])
def test_iid_sampling_resumes_bit_for_bit(squares: Dataset, stop_at: int) -> None:
    whole, first, second = Log(), Log(stop_at), Log()
    options: dict[str, Any] = {"sampling": "iid", "epochs": 0, "steps": 20}
    expected = weights(loop_of(SMALL, squares, whole, **options))
    with pytest.raises(Interrupted):
        loop_of(SMALL, squares, first, **options).run()
    assert first.saved is not None
    resumed = loop_of(SMALL, squares, second, **options)
    resumed.restore(*first.saved)
    assert same(expected, weights(resumed))
    assert first.steps + second.steps == whole.steps == list(range(1, 21))
    assert without_speed(first.records + second.records) == without_speed(whole.records)


def test_warm_up_raises_the_weight_of_the_kl() -> None:
    model = vae.Model(configure("beta-vae", beta=8.0, warmup=4.0), (1, 16, 16))
    assert isinstance(model.config, vae.Config)
    found = [
        model.kl_weight(Context(torch.Generator(), epoch, 100))
        for epoch in (0, 1, 2, 4, 9, math.inf)
    ]
    assert found == [0, 0.25, 0.5, 1, 1, 1]
    falling = vae.Model(configure("vae", warmup=4.0, warmup_start=16.0), (1, 16, 16))
    found = [
        falling.kl_weight(Context(torch.Generator(), epoch, 100))
        for epoch in (0, 1, 2, 3, 4, math.inf)
    ]
    assert found == [16, 8, 4, 2, 1, 1]


def test_posterior_collapse_is_warned_of_at_the_end(squares: Dataset) -> None:
    log = Log()
    crushed = configure("beta-vae", latent_dim=3, net="mlp", beta=1e4)
    loop_of(crushed, squares, log, epochs=3, lr=1e-2).run()
    assert [sentence.split(":")[0] for sentence in log.warnings] == ["posterior collapse"]
    assert log.records[-1]["validation_active_units"] == 0
    with pytest.warns(UserWarning, match="posterior collapse: no latent"):
        train(crushed, squares, epochs=3, batch_size=32, lr=1e-2)


def test_no_collapse_no_warning(squares: Dataset) -> None:
    log = Log()
    loop_of(configure("vae", latent_dim=3, net="mlp"), squares, log, epochs=4).run()
    assert not log.warnings


# -- what is broken -------------------------------------------------------------------------------


def break_at(monkeypatch: pytest.MonkeyPatch, step: int, *, term: str = "kl") -> None:
    """Let a term of the VAE be NaN at a step; ``gradient`` breaks the gradient instead."""
    terms = vae.Model.terms

    def broken(model: vae.Model, batch: Batch, context: Context) -> dict[str, Tensor]:
        found = terms(model, batch, context)
        if context.epoch * 8 == step - 1:
            if term == "gradient":
                found["loss"].register_hook(lambda gradient: gradient * math.nan)
            else:
                found[term] = found[term] * math.nan
        return found

    monkeypatch.setattr(vae.Model, "terms", broken)


@pytest.mark.parametrize("term", ["kl", "reconstruction", "loss"])
def test_a_term_that_is_not_finite_stops_training(
    squares: Dataset, monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    break_at(monkeypatch, 11, term=term)
    log = Log()
    sentence = rf"{term} is not finite at epoch 2, batch 3 \(last good step saved: 8\): try a lower"
    with pytest.raises(UnbraidError, match=sentence):
        loop_of(SMALL, squares, log, epochs=3).run()
    assert log.saved is not None
    tensors, progress = log.saved
    assert progress.step == 8
    assert all(torch.isfinite(value).all() for value in tensors.values())
    assert len(log.records) == 1


@pytest.mark.parametrize(
    ("step", "options"),
    [
        (3, {}),
        (8, {}),  # an epoch's last
        (3, {"checkpoint_every": 0.0}),  # saved before the next step shows it
        (8, {"validation": 0.0, "batch_size": 37}),  # nor does validation show it
    ],
)
def test_weights_that_are_not_finite_are_never_saved(
    squares: Dataset, monkeypatch: pytest.MonkeyPatch, step: int, options: dict[str, Any]
) -> None:
    break_at(monkeypatch, step, term="gradient")
    log = Log()
    with pytest.raises(UnbraidError, match=r"training stopped: .* is not finite at epoch 1, batch"):
        loop_of(SMALL, squares, log, **options).run()
    assert log.saved is None or log.saved[1].step < step
    assert not log.records


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"batch_size": 271}, r"271, but squares has 270 images to train on \(30 more are held"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": -3}, "epochs is -3"),
        ({"epochs": 1.5}, "'epochs' of training is 1.5, expected a value of type int"),
        ({"lr": 0.0}, "lr is 0, expected a finite number above 0"),
        ({"lr": math.nan}, "lr is nan"),
        ({"lr": math.inf}, "lr is inf"),
        ({"seed": -1}, "seed is -1"),
        ({"validation": 1.0}, r"validation is 1, expected a share in \[0, 1\)"),
        ({"validation": math.nan}, "validation is nan"),
        ({"precision": "bf61"}, r"'bf61' \(did you mean 'bf16'\?\)"),
        ({"device": "gpu"}, "'gpu'"),
        ({"sampling": "idd"}, r"'idd' \(did you mean 'iid'\?\), expected one of 'epochs', 'iid'"),
        ({"checkpoint_every": -1.0}, "checkpoint_every is -1"),
        ({"threads": -1}, "threads is -1"),
        ({"threads": 10**12}, "threads is 1000000000000, expected at most 2,147,483,647"),
        ({"steps": 10**400}, "steps is 10+, expected at most"),
        ({"epoch": 3}, r"unknown option 'epoch' of training \(did you mean 'epochs'\?\)"),
    ],
)
def test_bad_options_get_a_sentence(
    squares: Dataset, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        train(SMALL, squares, **options)
    if "epoch" not in options and "batch_size" not in options:
        with pytest.raises(UnbraidError, match=sentence):
            TrainingConfig(**options)


def test_a_device_that_is_not_there_gets_a_sentence(squares: Dataset) -> None:
    for device, there in (
        ("cuda", torch.cuda.is_available()),
        ("mps", torch.backends.mps.is_available()),
    ):
        if not there:
            with pytest.raises(UnbraidError, match=f"device '{device}' is not available here"):
                train(SMALL, squares, device=device)


def test_images_that_are_no_bytes_get_a_sentence(squares: Dataset) -> None:
    floats: Any = squares.images[:] / 255
    with pytest.raises(UnbraidError, match="type float64, expected uint8"):
        train(SMALL, Dataset("mine", floats), epochs=1)


def test_images_laid_out_otherwise_train_to_the_same_bits(squares: Dataset) -> None:
    flipped = squares.images[:, :, ::-1]
    whole = Dataset("mine", np.ascontiguousarray(flipped))
    first = train(SMALL, whole, epochs=1).state_dict()
    assert same(first, train(SMALL, Dataset("mine", flipped), epochs=1).state_dict())


def test_images_made_on_demand_train_to_the_same_bits(squares: Dataset) -> None:
    class OnDemand:
        shape = squares.images.shape

        def __len__(self) -> int:
            return len(squares)

        def __getitem__(self, rows: Any, /) -> Any:
            return squares.images[rows]

    first = train(SMALL, squares, epochs=1).state_dict()
    assert same(first, train(SMALL, Dataset("mine", OnDemand()), epochs=1).state_dict())


def test_images_that_are_all_the_same_are_refused() -> None:
    data = Dataset("blank", np.full((300, 1, 16, 16), 7, np.uint8))
    with pytest.raises(UnbraidError, match="the 300 images of blank are all the same"):
        train(SMALL, data, epochs=1)
    data.images[299] = 8  # the very last one differs
    train(SMALL, data, epochs=1)
