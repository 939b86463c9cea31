"""Steps on a GPU recorded once, as a CUDA graph, and replayed with other images and noise.

A small model's step is some hundred kernels of a few microseconds each, and launching them takes
several times as long as computing them. A graph launches all of them at once. What differs between
steps is copied into the tensors that the graph reads: the batch, the numbers that the step draws,
how far training is, and learning rates.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from unbraid.core import memory
from unbraid.core.errors import one_line
from unbraid.methods import Batch, Context, Terms
from unbraid.training.draws import OtherDraws
from unbraid.training.optimizers import Optimizers

Fields = dict[str, tuple[Tensor, ...]]  # of a batch; of a fleet's, each stacked: (K, B, ...)
Seen = dict[tuple[str, str], Tensor]  # a step's terms by phase and name
Objective = Callable[[Fields, Context, Sequence[Tensor]], Terms]
Record = Callable[[Callable[[], None]], Callable[[], None]]

WARM = 3  # steps one kernel at a time, in which libraries set themselves up and moments are made
MOST = 8  # recordings of one training: a new one for other phases or shapes of batches


class Captured:
    """Records a training's steps and replays them.

    Args:
        optimizers: of the model's phases.
        objective: a phase's terms of a batch's fields, a context and the numbers that it draws. The
            context's epoch and step are scalar tensors.
        draw: draws a phase's numbers.
        record: makes the function that repeats another one's work.
    """

    def __init__(
        self,
        optimizers: Optimizers,
        objective: Objective,
        draw: Callable[[str], list[Tensor]],
        record: Record | None = None,
    ) -> None:
        self.optimizers, self.objective, self.draw = optimizers, objective, draw
        self.record = record or cuda_graph
        self.refused = ""  # why steps cannot be recorded
        self.warm: Counter[Any] = Counter()
        self.recorded: dict[Any, _Recording] = {}

    def step(self, fields: Fields, context: Context, shares: Mapping[str, float]) -> Seen | None:
        """Take a step and return its terms; None, and no step, where none is recorded.

        Args:
            fields: of the batch.
            context: where training stands.
            shares: of the learning rate, by the phases that this step is for.
        """
        shapes = tuple((name, *(part.shape for part in parts)) for name, parts in fields.items())
        key = (tuple(shares), shapes)
        if key not in self.recorded:
            self.warm[key] += 1
            if self.refused or self.warm[key] <= WARM or len(self.recorded) >= MOST:
                return None
        try:
            values = {phase: self.draw(phase) for phase in shares}
            if key not in self.recorded:
                made = _Recording(self.optimizers, fields, values, context.total)
                made.load(fields, values, context, shares)
                made.make(self.objective, context.noise, self.record)
                self.recorded[key] = made
        except (RuntimeError, TypeError, OtherDraws) as error:
            if memory.ran_out(error):
                raise
            self.refused = one_line(str(error)) or type(error).__name__
            return None
        return self.recorded[key].step(fields, values, context, shares)


class _Recording:
    """A step of some phases for batches of one shape, and the tensors that it reads."""

    def __init__(
        self,
        optimizers: Optimizers,
        fields: Fields,
        values: Mapping[str, Sequence[Tensor]],
        total: int,
    ) -> None:
        self.optimizers, self.total = optimizers, total
        self.fields = {k: tuple(torch.empty_like(each) for each in v) for k, v in fields.items()}
        self.values = {k: [torch.empty_like(each) for each in v] for k, v in values.items()}
        # epoch, step, then the phases' learning rates
        device = fields["images"][0].device
        self.scalars = torch.zeros(2 + len(values), device=device)
        self.names: list[tuple[str, str]] = []
        self.terms: Tensor | None = None
        self.replay: Callable[[], None] = lambda: None

    def load(
        self,
        fields: Fields,
        values: Mapping[str, Sequence[Tensor]],
        context: Context,
        shares: Mapping[str, float],
    ) -> None:
        """Copy what a step is of into the tensors that the recording reads."""
        for name, parts in self.fields.items():
            for part, given in zip(parts, fields[name], strict=True):
                part.copy_(given)
        for phase, numbers in self.values.items():
            for number, given in zip(numbers, values[phase], strict=True):
                number.copy_(given)
        rates = [self.optimizers[phase].lr * share for phase, share in shares.items()]
        self.scalars.copy_(torch.tensor([context.epoch, context.step, *rates]))

    def make(self, objective: Objective, noise: torch.Generator, record: Record) -> None:
        """Try the step without moving a weight, then record it."""
        # a scalar tensor computes as the number does; ``Context.done`` compares it
        epoch, step = cast(float, self.scalars[0]), cast(int, self.scalars[1])
        contexts = {phase: Context(noise, epoch, self.total, phase, step) for phase in self.values}

        def losses(phase: str) -> Terms:
            self.optimizers[phase].zero_grad()
            return objective(self.fields, contexts[phase], self.values[phase])

        def attempt() -> None:
            for phase in self.values:
                losses(phase)["loss"].sum().backward()  # type: ignore[no-untyped-call]

        def body() -> None:
            seen: list[Tensor] = []
            self.names = []
            for number, phase in enumerate(self.values):
                terms = losses(phase)
                with self.optimizers[phase].rate(self.scalars[2 + number]):
                    self.optimizers[phase].move(terms["loss"].sum())
                self.names += [(phase, name) for name in terms]
                seen += [value.detach() for value in terms.values()]
            self.terms = torch.stack(seen)

        model = self.optimizers.model
        before = [id(buffer) for buffer in model.buffers()]
        buffers = [buffer.clone() for buffer in model.buffers()]
        try:
            _without_waiting(attempt, self.scalars.device)
            if before != [id(buffer) for buffer in model.buffers()]:
                raise RuntimeError("its buffers are replaced, not changed in place")
        finally:
            for phase in self.values:
                self.optimizers[phase].zero_grad()
            for buffer, kept in zip(model.buffers(), buffers, strict=True):
                buffer.copy_(kept)
        self.replay = record(body)

    def step(
        self,
        fields: Fields,
        values: Mapping[str, Sequence[Tensor]],
        context: Context,
        shares: Mapping[str, float],
    ) -> Seen:
        """Replay the step for a batch, and return its terms."""
        self.load(fields, values, context, shares)
        self.replay()
        for phase in self.values:
            self.optimizers[phase].average()
        assert self.terms is not None
        return dict(zip(self.names, self.terms.clone(), strict=True))


def cuda_graph(body: Callable[[], None]) -> Callable[[], None]:
    """Record what a function has a GPU do, without doing it; return what does it."""
    graph = torch.cuda.CUDAGraph()
    # other threads may use the GPU meanwhile
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        body()
    return graph.replay


def _without_waiting(work: Callable[[], None], device: torch.device) -> None:
    """Do work as a recording would: on a stream of its own, an error where it reads a value."""
    if device.type != "cuda":
        work()
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():  # it is a prototype, and may overlook some
        warnings.simplefilter("ignore")
        torch.cuda.set_sync_debug_mode("error")
    try:
        with torch.cuda.stream(stream):
            work()
    finally:
        torch.cuda.set_sync_debug_mode(before)
        torch.cuda.current_stream(device).wait_stream(stream)


def as_recorded(context: Context) -> Context:
    """Return a context whose epoch and step are scalar tensors, in the precision of recordings."""
    epoch, step = torch.tensor([context.epoch, context.step], device=context.noise.device)
    return context._replace(epoch=cast(float, epoch), step=cast(int, step))


def fields_of(batch: Batch) -> Fields:
    """Return the parts of a batch that are there."""
    found: Fields = {}
    for name in ("images", "factors", "labelled", "pairs"):
        part = getattr(batch, name)
        if part is not None:
            found[name] = part if isinstance(part, tuple) else (part,)
    return found


def batch_of(fields: Fields) -> Batch:
    """Return the batch whose parts these are."""
    parts: dict[str, Any] = {
        name: part if name in ("labelled", "pairs") else part[0] for name, part in fields.items()
    }
    return Batch(**parts)
