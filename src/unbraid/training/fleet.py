"""Fleets: models of one method that differ in their seed, trained at once in one process.

A small model leaves most of a GPU idle. The weights of K models are stacked along a first axis, and
each step is one call of ``torch.vmap`` over it: products become batched products, convolutions
grouped ones. What is random in a member is drawn by its own generator (``draws.py``), so that
member k takes the steps of a training of its seed by itself, to rounding.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.func import functional_call

from unbraid.core import hardware, memory
from unbraid.core.errors import UnbraidError, one_line
from unbraid.methods import Batch, Context, Method, Terms, name_of
from unbraid.training.batches import NOISE, reseed
from unbraid.training.captured import (
    Captured,
    Fields,
    Seen,
    as_recorded,
    batch_of,
    fields_of,
)
from unbraid.training.draws import Draw, OtherDraws, Recorded, Replayed
from unbraid.training.loop import GPU_CHECK_EVERY, Loop
from unbraid.training.optimizers import Optimizers
from unbraid.training.recorder import Diverged, Interrupted
from unbraid.training.terms import check_terms


class _Terms(nn.Module):
    """A model whose forward pass is its objective, which is what ``functional_call`` calls."""

    def __init__(self, model: Method) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, context: Context) -> Terms:
        return self.model.terms(batch, context)


class Fleet:
    """Trainings that differ in their seed, stepped together.

    Args:
        loops: one a member, at the same step. Each keeps its data order, noise, records and
            checkpoints, which are those of a training by itself.

    Raises:
        UnbraidError: members that differ in more than their seed.
    """

    def __init__(self, loops: Sequence[Loop]) -> None:
        self.loops = list(loops)
        self.failed: dict[int, Diverged] = {}  # by place in ``loops``
        self.members = list(range(len(loops)))  # those that still train
        first = self.first = loops[0]
        for loop in loops:
            loop.captured = None  # the fleet has its own
        for loop in loops:
            same = replace(loop.config, seed=first.config.seed) == first.config
            if not same or loop.model.config != first.model.config:
                raise UnbraidError("the members of a fleet may differ in their seed alone.")
            if loop.progress.step != first.progress.step:
                raise UnbraidError(
                    f"the members of a fleet are at different steps, {first.progress.step:,} and "
                    f"{loop.progress.step:,}: train them one by one."
                )
        self.draws: dict[str, list[Draw]] = {}  # of each phase's step
        self.pending: list[tuple[int, Seen]] = []
        self.refused = ""  # why steps are not recorded
        self._stack()

    # -- stacked weights --------------------------------------------------------------------

    def _stack(self) -> None:
        """Stack the members' weights, optimizer states and moving averages."""
        self.captured: Captured | None = None  # it holds the weights of before
        found = [self.loops[k].tensors() for k in self.members]
        self.model = copy.deepcopy(self.first.model)
        for value in (*self.model.parameters(), *self.model.buffers()):
            value.data = value.detach().expand(len(found), *value.shape).clone()
        self.optimizers = Optimizers(
            self.model,
            self.model.phases(),
            self.first.config.lr,
            self.first.device,
            members=len(found),
        )
        self.optimizers.restore(
            {
                name: value if _is_count(name) else torch.stack([each[name] for each in found])
                for name, value in found[0].items()
            }
        )
        self.skeleton = _Terms(self.first.model)
        self.captured = self.capturing() if self.first.records else None

    def capturing(self) -> Captured | None:
        """Return what records and replays the fleet's steps; None if it is not to."""
        if not self.first.config.capture:
            return None
        self.first.records = True
        return Captured(self.optimizers, self._objective, self._drawn)

    def _unstack(self) -> None:
        """Give every member its weights, optimizer state and moving averages back."""
        tensors = self.optimizers.tensors()
        for place, k in enumerate(self.members):
            loop = self.loops[k]
            saved = loop.saved_step
            own = {
                name: value if _is_count(name) else value[place] for name, value in tensors.items()
            }
            loop.restore(own, loop.progress)
            loop.saved_step = saved

    # -- steps ------------------------------------------------------------------------------

    @property
    def leader(self) -> Loop:
        """A member that still trains: all of them stand at its step."""
        return self.loops[self.members[0]]

    def run(self) -> list[Method | Diverged]:
        """Train to the end; return each member's model, or why its training stopped.

        Raises:
            Interrupted: a member's recorder asked to stop; checkpoints have been saved.
            UnbraidError: the method's step cannot be computed for many models at once.
        """
        self.last_save = time.monotonic()
        for loop in self.loops:
            loop.begin()
        try:
            with hardware.threads(self.first.config.threads):
                self._run()
        finally:
            self.captured = None  # it refers to this fleet, and holds memory of the GPU
        return [
            self.failed[k] if k in self.failed else _ended(loop)
            for k, loop in enumerate(self.loops)
        ]

    def _run(self) -> None:
        """Step all members to the end."""
        while self.members and self.leader.progress.step < self.leader.progress.steps:
            count = len(self.members)
            orders = [self.loops[k].epoch_batches() for k in self.members]
            for rows in zip(*orders, strict=True):
                self.step(rows)
                self._save_if_due()
                if len(self.members) != count:
                    break  # one diverged: the others go on from this step

    def step(self, rows: Sequence[Tensor]) -> None:
        """Take one optimizer step of every member on each phase.

        Args:
            rows: of the data set, each member's batch.
        """
        start = time.perf_counter()
        progress = self.leader.progress
        context, shares = self.leader.standing()
        fields = self._fields(rows, progress.step)
        self._reseed(progress.step)
        seen = None
        if self.captured is not None:
            seen = self.captured.step(fields, context, shares)
            if self.captured.refused:
                self.refused, self.captured = self.captured.refused, None
                self._reseed(progress.step)
        if seen is None:
            seen = self._eager(fields, context, shares)
        spent = (time.perf_counter() - start) / len(self.members)
        for k in self.members:
            self.loops[k].progress.step += 1
            self.loops[k].progress.seconds += spent
        self.pending.append((progress.step, seen))
        if len(self.pending) >= (1 if self.first.device.type == "cpu" else GPU_CHECK_EVERY):
            self.flush()

    def _eager(self, fields: Fields, context: Context, shares: Mapping[str, float]) -> Seen:
        """Take a step, one operation at a time."""
        before: list[Draw] = []  # of the phases before this one
        seen: Seen = {}
        if self.first.records:
            context = as_recorded(context)
        for phase, share in shares.items():
            optimizer = self.optimizers[phase]
            optimizer.zero_grad()
            terms = self._terms(fields, context._replace(phase=phase), before)
            optimizer.step(terms["loss"].sum(), share)
            before += self.draws[phase]
            seen |= {(phase, name): value.detach() for name, value in terms.items()}
        for phase in shares:
            self.optimizers[phase].average()
        return seen

    def flush(self) -> None:
        """Read the pending steps' terms, all at once, and hand each member its own."""
        pending, self.pending = self.pending, []
        members, failed = list(self.members), dict(self.failed)
        for step, seen in pending:
            read = torch.stack(list(seen.values())).tolist() if seen else []
            for place, k in enumerate(members):
                if k in self.failed:
                    continue
                own = {name: values[place] for name, values in zip(seen, read, strict=True)}
                try:
                    self.loops[k].take(step, own)
                except Diverged as error:
                    self.failed[k] = error
        if self.failed != failed:
            self._drop()

    def _drop(self) -> None:
        """Leave out the members that diverged."""
        self._unstack()
        self.members = [k for k in self.members if k not in self.failed]
        if self.members:
            self._stack()

    def _reseed(self, step: int) -> None:
        for k in self.members:
            reseed(self.loops[k].noise, self.loops[k].config.seed, NOISE, step)

    def _fields(self, rows: Sequence[Tensor], step: int) -> Fields:
        """Return the members' batches, stacked."""
        if not self.first.model.needs:  # taken in one go
            images = self.first.batches.take(torch.cat(list(rows)))
            return {"images": (images.reshape(len(rows), -1, *images.shape[1:]),)}
        batches = [
            self.loops[k].supervision.batch(own, step)
            for k, own in zip(self.members, rows, strict=True)
        ]
        members = [fields_of(batch) for batch in batches]
        return {
            name: tuple(torch.stack(same) for same in zip(*(m[name] for m in members), strict=True))
            for name in members[0]
        }

    def _terms(self, fields: Fields, context: Context, before: Sequence[Draw]) -> Terms:
        """Return a phase's terms, each (K,), of noise drawn ahead for every member."""
        if context.phase not in self.draws:
            self.draws[context.phase] = self._record(fields, context)
            self._rewind(self.leader.progress.step, before)
        try:
            return self._objective(fields, context, self._drawn(context.phase))
        except OtherDraws:  # the step's shape depends on where training stands
            del self.draws[context.phase]
            return self._terms(fields, context, before)
        except RuntimeError as error:
            if memory.ran_out(error):
                raise
            raise self._cannot(str(error)) from error

    def _drawn(self, phase: str) -> list[Tensor]:
        """Return the numbers that a phase draws, each stacked, (K, ...)."""
        draws = self.draws[phase]
        drawn = [[draw.make(self.loops[k].noise) for draw in draws] for k in self.members]
        return [torch.stack(same) for same in zip(*drawn, strict=True)]

    def _objective(self, fields: Fields, context: Context, values: Sequence[Tensor]) -> Terms:
        """Return a phase's terms, each (K,), of numbers drawn ahead for every member."""
        draws = self.draws[context.phase]
        named = (*self.model.named_parameters(), *self.model.named_buffers())
        weights = {f"model.{name}": value for name, value in named}

        def one(weights: dict[str, Tensor], fields: Fields, values: Sequence[Tensor]) -> Terms:
            with Replayed(draws, values) as mode:
                terms: Terms = functional_call(self.skeleton, weights, (batch_of(fields), context))
            if mode.left:
                raise OtherDraws
            return terms

        with hardware.autocast(self.first.device, self.first.precision):
            return torch.vmap(one)(weights, fields, tuple(values))

    def _record(self, fields: Fields, context: Context) -> list[Draw]:
        """Return the draws of one member's phase; it is run for them and to check its terms."""
        mine = {name: tuple(part[0] for part in parts) for name, parts in fields.items()}
        autocast = hardware.autocast(self.first.device, self.first.precision)
        mode = Recorded(self.first.noise)
        with autocast, mode:
            terms = self.skeleton(batch_of(mine), context)
        check_terms(terms, name_of(self.first.model.config))
        if mode.foreign:
            raise self._cannot("it draws from a generator of its own")
        return mode.draws

    def _rewind(self, step: int, before: Sequence[Draw]) -> None:
        """Have the generators stand where the phases before left them."""
        self._reseed(step)
        for k in self.members:
            for draw in before:
                draw.make(self.loops[k].noise)

    def _cannot(self, reason: str) -> UnbraidError:
        name = name_of(self.first.model.config)
        return UnbraidError(
            f"{name} cannot be trained as a fleet: {one_line(reason)[:200]}: train its seeds one "
            "by one."
        )

    # -- checkpoints and epochs ---------------------------------------------------------------

    def _save_if_due(self) -> None:
        """Save checkpoints where an epoch ends, when it is time, and before a stop.

        Raises:
            Interrupted: a recorder asked to stop.
        """
        if not self.members:
            return
        ends = self.leader.epoch_ends()
        due = time.monotonic() - self.last_save > self.first.config.checkpoint_every
        stop = any(self.loops[k].recorder.stop_requested() for k in self.members)
        if not (ends or due or stop):
            return
        self.flush()
        self._unstack()
        failed = dict(self.failed)
        for k in self.members:
            loop = self.loops[k]
            try:
                loop.finish_epoch() if ends else loop.save()
            except Diverged as error:
                self.failed[k] = error
        if self.failed != failed:
            self._drop()
        self.last_save = time.monotonic()
        if stop and self.members and self.leader.progress.step < self.leader.progress.steps:
            raise Interrupted


def _is_count(name: str) -> bool:
    """Whether a tensor of a checkpoint counts steps, which are the same for all members."""
    return name.startswith("averaged.") or (
        name.startswith("optimizer.") and name.endswith(".step")
    )


def _ended(loop: Loop) -> Method:
    """Return a finished member's model, with its moving averages where it keeps some."""
    loop.optimizers.swap()
    return loop.model.eval()
