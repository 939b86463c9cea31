"""The only training loop: batches, steps, validation, checkpoints.

Everything random is a function of (seed, purpose, counter), never of what ran before, so a run
resumed from a checkpoint goes on to the very same weights as one that was never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from unbraid import methods
from unbraid.core import hardware
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.methods import Batch, Context, Method, MethodConfig, Terms
from unbraid.training.batches import (
    NOISE,
    Batches,
    check_images_differ,
    drawn,
    reseed,
    shuffled,
    split_rows,
)
from unbraid.training.captured import (
    Captured,
    Fields,
    Seen,
    as_recorded,
    batch_of,
    fields_of,
)
from unbraid.training.config import TrainingConfig
from unbraid.training.draws import Draw, OtherDraws, Recorded, Replayed
from unbraid.training.optimizers import Optimizers, check_selection
from unbraid.training.recorder import Diverged, Interrupted, Progress, Recorder
from unbraid.training.supervision import Supervision
from unbraid.training.terms import check_terms
from unbraid.training.validation import held_out_terms

GPU_CHECK_EVERY = 50  # steps between looks at the losses on a GPU, each of which waits for it


def few_steps(config: MethodConfig, steps: int, advice: str) -> str:
    """Return a sentence if a method usually needs more steps, else "".

    Args:
        config: of the method.
        steps: of the training.
        advice: how more are asked for, such as ``"--steps {}"``.
    """
    usual = methods.model_of(config).usual_steps
    if steps >= usual:
        return ""
    return (
        f"{steps:,} steps are few for {methods.name_of(config)}, which usually needs {usual:,} or "
        f"more: try {advice.format(usual)}."
    )


class Loop:
    """One training: a model, its optimizers and where they stand.

    Args:
        model: the model, trained in place.
        data: its images.
        config: options.
        recorder: told of steps, epochs and checkpoints.
        batches: the data's images on the device, where another loop holds them already.
    """

    def __init__(
        self,
        model: Method,
        data: Dataset,
        config: TrainingConfig,
        recorder: Recorder,
        batches: Batches | None = None,
    ) -> None:
        self.device = hardware.device(config.device)
        self.precision = hardware.precision(config.precision, self.device)
        hardware.keep_freed_memory()
        if self.device.type == "cuda":
            hardware.exact_on_gpu()
        self.config, self.recorder = config, recorder
        size = hardware.parameters(model)
        hardware.check_fits(size, f"training {size:,} parameters", self.device)
        self.model = hardware.place(model, self.device)
        self.rows, self.held_out = split_rows(data, config.validation)
        if config.batch_size > len(self.rows):
            raise UnbraidError(
                f"batch_size is {config.batch_size}, but {data.name} has {len(self.rows)} images "
                f"to train on ({len(self.held_out)} more are held out): choose a smaller batch."
            )
        if config.batch_size < model.least_batch:
            raise UnbraidError(
                f"batch_size is {config.batch_size}, but {methods.name_of(model.config)} "
                f"compares the images of a batch and needs at least {model.least_batch} in each: "
                "choose a larger batch."
            )
        if batches is None:
            check_images_differ(data)
        self.batches = batches or Batches(data.images, self.device)
        self.supervision = Supervision(
            data, self.rows, self.model, self.batches, config.batch_size, config.seed
        )
        self.phases = self.model.phases()
        check_selection(self.model, self.phases)
        self.optimizers = Optimizers(self.model, self.phases, config.lr, self.device)
        per_epoch = len(self.rows) // config.batch_size
        epochs = config.epochs or math.ceil(config.steps / per_epoch)
        self.progress = Progress(
            steps_per_epoch=per_epoch,
            epochs=epochs,
            limit=config.steps,
            precision=hardware.name_of(self.precision),
        )
        self.noise = torch.Generator(self.device)
        self.pending: list[tuple[int, Seen]] = []  # steps not yet looked at
        self.draws: dict[str, list[Draw]] = {}  # of each phase's step, if steps are recorded
        # on a GPU all steps compute with the numbers that recordings have, recorded or not
        self.records = self.device.type == "cuda" and config.capture
        self.captured = self.capturing() if self.records else None
        self.refused = ""  # why steps are not recorded
        self.saved_step = 0
        self.checked: set[str] = set()  # phases whose terms have been looked at

    # -- checkpoints ------------------------------------------------------------------------

    def tensors(self) -> dict[str, Tensor]:
        """Return all the tensors a checkpoint holds, by name."""
        return self.optimizers.tensors()

    def restore(self, tensors: dict[str, Tensor], progress: Progress) -> None:
        """Go back to a checkpoint; how far training goes stays as the config says.

        The precision is the checkpoint's, also where ``auto`` would be another one here.
        """
        self.optimizers.restore(tensors)
        self.captured = self.captured and self.capturing()  # it has the tensors of before
        end = self.progress
        if progress.precision not in ("", end.precision):
            self.precision = hardware.PRECISIONS[progress.precision]
            self.recorder.note(
                f"this training began in {progress.precision} and goes on in it, though "
                f"precision auto is {end.precision} on this machine"
            )
        # an earlier version's checkpoint tells no counts: its terms are of every step
        counts = progress.counts or dict.fromkeys(progress.sums, progress.step_of_epoch)
        self.progress = replace(
            progress,
            epochs=end.epochs,
            limit=end.limit,
            counts=counts,
            precision=progress.precision or end.precision,
        )
        self.saved_step = progress.step

    def save(self, record: dict[str, Any] | None = None) -> None:
        """Hand a checkpoint to the recorder, and before it an epoch's record if one ended.

        Raises:
            UnbraidError: something in them is not finite; nothing is handed over.
        """
        self.flush()
        tensors = self.tensors()
        for name, value in tensors.items():
            if not torch.isfinite(value).all():
                raise self.broken(name, self.progress.step)
        # A kill between the two leaves a record too many, which a resume drops. The other way
        # round it would leave one too few, which nothing could restore.
        if record:
            self.recorder.epoch(record)
        self.recorder.checkpoint(tensors, self.progress)
        self.saved_step = self.progress.step

    # -- steps ------------------------------------------------------------------------------

    def run(self) -> Method:
        """Train to the end and return the model.

        Raises:
            Interrupted: the recorder asked to stop; a checkpoint has been saved.
            UnbraidError: a term stopped being finite.
        """
        last_save = time.monotonic()
        self.begin()
        try:
            with hardware.threads(self.config.threads):
                while self.progress.step < self.progress.steps:
                    last_save = self._epoch(last_save)
        finally:
            self.captured = None  # it refers to this loop, and holds memory of the GPU
        self.optimizers.swap()  # for good
        return self.model.eval()

    def begin(self) -> None:
        """Tell the recorder that training begins, and what of it is probably not as meant."""
        self.recorder.start(self.progress)
        for sentence in self.model.config.given_without_effect():
            self.recorder.warn(sentence)
        if told := few_steps(self.model.config, self.progress.steps, "--steps {}"):
            self.recorder.note(told)

    def _epoch(self, last_save: float) -> float:
        """Train to the end of the epoch; return when a checkpoint was saved last, by the clock."""
        for rows in self.epoch_batches():
            self.step(rows)
            stop = self.recorder.stop_requested()
            due = time.monotonic() - last_save > self.config.checkpoint_every
            if (stop or due) and not self.epoch_ends():
                self.save()
                last_save = time.monotonic()
                if stop:
                    raise Interrupted
        self.finish_epoch()
        if self.recorder.stop_requested() and self.progress.step < self.progress.steps:
            raise Interrupted
        return time.monotonic()

    def epoch_batches(self) -> Iterator[Tensor]:
        """Yield what is left of this epoch's batches, each as rows of the data set."""
        size, seed = self.config.batch_size, self.config.seed
        iid = self.config.sampling == "iid"
        order = self.rows if iid else shuffled(self.rows, seed, self.progress.epoch)
        per_epoch = self.progress.steps_per_epoch
        for batch in range(self.progress.step % per_epoch, per_epoch):
            # looked up anew: a fleet that saves replaces the progress between two batches
            if self.progress.step == self.progress.steps:
                return
            if iid:
                yield drawn(order, size, seed, self.progress.step)
            else:
                yield order[batch * size : (batch + 1) * size]

    def epoch_ends(self) -> bool:
        """Whether the last step was the last of its epoch, or of the training."""
        progress = self.progress
        return progress.step % progress.steps_per_epoch == 0 or progress.step == progress.steps

    def step(self, rows: Tensor) -> None:
        """Take one optimizer step on each of the model's phases."""
        start = time.perf_counter()
        progress = self.progress
        reseed(self.noise, self.config.seed, NOISE, progress.step)
        context, shares = self.standing()
        batch = self.supervision.batch(rows, progress.step)
        seen = None
        if self.captured is not None:
            seen = self.captured.step(fields_of(batch), context, shares)
            if self.captured.refused:
                self.refused, self.captured = self.captured.refused, None
                reseed(self.noise, self.config.seed, NOISE, progress.step)
        if seen is None:
            seen = self._eager(batch, context, shares)
        progress.step += 1
        progress.seconds += time.perf_counter() - start
        self.pending.append((progress.step, seen))
        if len(self.pending) >= (1 if self.device.type == "cpu" else GPU_CHECK_EVERY):
            self.flush()

    def standing(self) -> tuple[Context, dict[str, float]]:
        """Return where training stands, and the shares of the rate of the phases of this step."""
        progress = self.progress
        epoch = progress.step / progress.steps_per_epoch
        context = Context(self.noise, epoch, total=len(self.rows), step=progress.step)
        shares = {name: p.lr_at(epoch, progress.length) for name, p in self.phases.items()}
        return context, {name: share for name, share in shares.items() if share}

    def _eager(self, batch: Batch, context: Context, shares: Mapping[str, float]) -> Seen:
        """Take a step, one operation at a time."""
        seen: Seen = {}
        if self.records:
            context = as_recorded(context)
        for phase, share in shares.items():
            optimizer = self.optimizers[phase]
            optimizer.zero_grad()
            recorded = Recorded(self.noise) if self.captured is not None else nullcontext()
            with hardware.autocast(self.device, self.precision), recorded:
                terms = self.model.terms(batch, context._replace(phase=phase))
            if phase not in self.checked:  # once, as it is the same for every step
                check_terms(terms, methods.name_of(self.model.config))
                self.checked.add(phase)
            if isinstance(recorded, Recorded):
                self.draws[phase] = recorded.draws
                if recorded.foreign:
                    self.refused, self.captured = "it draws from a generator of its own", None
            optimizer.step(terms["loss"], share)
            seen |= {(phase, name): value.detach() for name, value in terms.items()}
        for phase in shares:
            self.optimizers[phase].average()
        return seen

    def capturing(self) -> Captured | None:
        """Return what records and replays this training's steps; None if it is not to."""
        if not self.config.capture:
            return None
        self.records = True

        def objective(fields: Fields, context: Context, values: Sequence[Tensor]) -> Terms:
            replayed = Replayed(self.draws[context.phase], values)
            with hardware.autocast(self.device, self.precision), replayed:
                terms = self.model.terms(batch_of(fields), context)
            if replayed.left:
                raise OtherDraws
            return terms

        def draw(phase: str) -> list[Tensor]:
            return [each.make(self.noise) for each in self.draws[phase]]

        return Captured(self.optimizers, objective, draw)

    def flush(self) -> None:
        """Read the pending steps' terms, check that they are finite and add them up."""
        for step, seen in self.pending:
            # none where no phase has a step
            read = torch.stack(list(seen.values())).tolist() if seen else []
            self.take(step, dict(zip(seen, read, strict=True)))
        self.pending.clear()

    def take(self, step: int, read: Mapping[tuple[str, str], float]) -> None:
        """Take in a step's terms, by phase and name.

        Raises:
            Diverged: one is not finite, or beyond its phase's limit.
        """
        values: dict[str, float] = {}
        for (phase, name), value in read.items():
            limit = self.phases[phase].limit if name == phase else math.inf
            if not math.isfinite(value) or value > limit:
                raise self.broken(name, step, phase, value)
            values[self.key(phase, name)] = value
        for name, value in values.items():
            self.progress.add(name, value)
        rate = step * self.config.batch_size / max(self.progress.seconds, 1e-9)
        self.recorder.step(self.progress, values, rate)

    def key(self, phase: str, name: str) -> str:
        """Return what records call a phase's term: where there are several, "PHASE.TERM".

        The term that has the phase's own name goes by that alone.
        """
        return name if len(self.phases) == 1 or name == phase else f"{phase}.{name}"

    def broken(self, name: str, step: int, phase: str = "", value: float = math.nan) -> Diverged:
        """Return the sentence for a term or weight that is not finite, or a loss out of bounds."""
        epoch, batch = divmod(step - 1, self.progress.steps_per_epoch)
        if len(self.phases) > 1 and name in ("loss", phase):
            name = f"the {phase}'s loss"
        found = f"has grown to {value:.3g}" if math.isfinite(value) else "is not finite"
        advice = self.phases[phase].advice if phase else ""
        advice = advice or "try a lower lr, precision f32, or look for broken images"
        return Diverged(
            f"training stopped: {name} {found} at epoch {epoch + 1}, batch {batch + 1}"
            + (f" (last good step saved: {self.saved_step:,})" if self.saved_step else "")
            + f": {advice}.",
            step,
        )

    # -- epochs -----------------------------------------------------------------------------

    def finish_epoch(self) -> None:
        """Validate, report the epoch and save a checkpoint."""
        self.flush()
        progress = self.progress
        number = math.ceil(progress.step / progress.steps_per_epoch)
        steps = progress.step - (number - 1) * progress.steps_per_epoch
        record: dict[str, Any] = {"epoch": number, "step": progress.step}
        record |= {f"train_{name}": value for name, value in progress.means().items()}
        record |= {f"validation_{name}": value for name, value in self.validate().items()}
        rate = progress.step * self.config.batch_size / max(progress.seconds, 1e-9)
        record["images_per_second"] = round(rate, 1)
        for name, value in record.items():
            if not math.isfinite(value):
                raise self.broken(name, progress.step)
        if steps == progress.steps_per_epoch:  # else more steps may be asked for later
            progress.sums, progress.counts = {}, {}
        self.save(record)
        if record.get("validation_active_units") == 0 and progress.step == progress.steps:
            self.recorder.warn(
                "posterior collapse: no latent has information on the image (0 active units); "
                "try a lower beta, a warm-up, or more epochs."
            )

    def validate(self) -> dict[str, float]:
        """Return the held-out images' mean terms and the number of active latents."""
        return held_out_terms(self)
