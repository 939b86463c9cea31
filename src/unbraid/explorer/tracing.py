"""Functions of a model as torch exports them, in which a layer that is called often is traced once.

``torch.export`` writes every call of a layer out, and takes milliseconds for each operator: a path
that follows a network in 48 steps took half a minute. A module that is called ``OFTEN`` with inputs
of one shape is exported by itself, and stands in the programs of the functions as one operator,
``unbraid::repeated``, in whose place its own operators are written later (``lowering.py``).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from unbraid.core.errors import UnbraidError
from unbraid.nn import nets

OFTEN = 4  # calls from which on a module is traced by itself
MODULES = 4  # modules in one, itself included, below which that gains nothing


@torch.library.custom_op(
    "unbraid::repeated",
    mutates_args=(),
    schema="(int index, Tensor[] inputs, int[] shape) -> Tensor",
)
def repeated(index: int, inputs: list[Tensor], shape: list[int]) -> Tensor:
    """Stand for a call of the program with this index; it is traced, and never run."""
    raise NotImplementedError


@repeated.register_fake
def _(index: int, inputs: list[Tensor], shape: list[int]) -> Tensor:
    return inputs[0].new_empty(shape)


REPEATED: Any = torch.ops.unbraid.repeated.default  # as it stands in programs


class Part(nn.Module):
    """A function of a model as a module, so that the model's parameters are found."""

    def __init__(self, owner: nn.Module, function: Callable[..., Any]) -> None:
        super().__init__()
        self.owner, self.function = owner, function

    def forward(self, *inputs: Tensor) -> Any:
        """Return what the function returns."""
        return self.function(*inputs)


@dataclass
class _Calls:
    """Calls of a module in one run of a function: how many, and the first one's values."""

    inputs: tuple[Tensor, ...]
    output: Tensor | None = None
    count: int = 0
    within: set[nn.Module] = field(default_factory=set)  # modules that made one
    alike: bool = True  # whether all have tensors of the same shapes, and leave them as they were


@dataclass
class Tracer:
    """Traces functions of a model.

    Args:
        owner: the module whose parameters they use, on the CPU.
        programs: of the modules that are traced by themselves, in the order of their indices.
    """

    owner: nn.Module
    programs: list[torch.export.ExportedProgram] = field(default_factory=list)
    known: dict[Any, int] = field(default_factory=dict)

    def traced(
        self, function: Callable[..., Any], inputs: Sequence[Tensor], name: str
    ) -> torch.export.ExportedProgram:
        """Return a function as torch exports it, in evaluation mode.

        Raises:
            UnbraidError: torch cannot export it; ``name`` says which.
        """
        training = self.owner.training
        self.owner.eval()
        try:
            with torch.no_grad(), warnings.catch_warnings(), ExitStack() as stack:
                warnings.simplefilter("ignore")  # torch's own, of its insides
                for module, calls in self._repeated(function, inputs).items():
                    stack.enter_context(_replaced(module, self._call(module, calls)))
                return _exported(Part(self.owner, function), inputs)
        except Exception as error:
            raise refused(f"{name} cannot be exported by torch.export", error) from error
        finally:
            self.owner.train(training)

    def _call(self, module: nn.Module, calls: _Calls) -> Callable[..., Tensor]:
        """Return what a module computes as a call of its program."""
        key = (module, *(each.shape for each in calls.inputs))
        if key not in self.known:
            self.known[key] = len(self.programs)
            self.programs.append(_exported(module, calls.inputs))
        assert calls.output is not None
        shape = list(calls.output.shape)
        return lambda *inputs: repeated(self.known[key], list(inputs), shape)

    def _repeated(
        self, function: Callable[..., Any], inputs: Sequence[Tensor]
    ) -> dict[nn.Module, _Calls]:
        """Return the modules that a function calls often, and their calls."""
        found: dict[nn.Module, _Calls] = {}
        running: list[nn.Module] = []
        with ExitStack() as stack:
            for module in self.owner.modules():
                if sum(1 for _ in module.modules()) >= MODULES:
                    stack.enter_context(_watched(module, found, running))
            stack.enter_context(nets.as_exported())  # the calls that an export will meet
            function(*inputs)
        often = {
            module: calls
            for module, calls in found.items()
            if calls.count >= OFTEN and calls.alike and _repeats(module, calls)
        }
        return {each: calls for each, calls in often.items() if not calls.within & often.keys()}


def refused(what: str, error: Exception) -> UnbraidError:
    """Return the sentence for a function that torch cannot export, with the error's first line."""
    line = str(error).strip().splitlines()[:1] or [type(error).__name__]
    return UnbraidError(
        f"{what} ({line[0]}): it must be made of torch's operators and must not depend on values."
    )


def _exported(module: nn.Module, inputs: Sequence[Tensor]) -> torch.export.ExportedProgram:
    with _without_stack_traces():
        program: Any = torch.export.export(module, tuple(inputs), strict=False)
    found: torch.export.ExportedProgram = program
    return found


@contextmanager
def _without_stack_traces() -> Iterator[None]:
    """Turn off torch's stack trace of each operator, where there is a setting: it is slow."""
    settings: Any = torch.fx.config
    before = getattr(settings, "do_not_emit_stack_traces", None)
    if before is not None:
        settings.do_not_emit_stack_traces = True
    try:
        yield
    finally:
        if before is not None:
            settings.do_not_emit_stack_traces = before


@contextmanager
def _watched(
    module: nn.Module, found: dict[nn.Module, _Calls], running: list[nn.Module]
) -> Iterator[None]:
    """Note the calls of a module; ``running`` are the modules that are being called."""

    def before(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        plain = not kwargs and all(isinstance(each, Tensor) for each in args)
        calls = found.setdefault(module, _Calls(_copied(args)))
        calls.within.update(running)
        running.append(module)
        shapes = [each.shape for each in args if isinstance(each, Tensor)]
        calls.alike &= plain and shapes == [each.shape for each in calls.inputs]
        calls.alike &= all(each.dtype == torch.float32 for each in calls.inputs)

    def after(_: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        running.pop()
        calls = found[module]
        calls.count += 1
        calls.alike &= isinstance(output, Tensor) and output.dtype == torch.float32
        if calls.alike and calls.output is None:
            calls.output = output.clone()
            calls.alike &= all(
                torch.equal(one, other) for one, other in zip(args, calls.inputs, strict=True)
            )

    handles = [
        module.register_forward_pre_hook(before, with_kwargs=True),
        module.register_forward_hook(after),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _copied(args: tuple[Any, ...]) -> tuple[Tensor, ...]:
    return tuple(each.clone() for each in args if isinstance(each, Tensor))


def _repeats(module: nn.Module, calls: _Calls) -> bool:
    """Whether a module gives the same for its first inputs again, whatever it was given since."""
    return calls.output is not None and torch.equal(module(*calls.inputs), calls.output)


@contextmanager
def _replaced(module: nn.Module, forward: Callable[..., Tensor]) -> Iterator[None]:
    """Have a module compute by another function."""
    own = vars(module).get("forward")
    module.forward = forward
    try:
        yield
    finally:
        if own is None:
            del module.forward
        else:
            module.forward = own
