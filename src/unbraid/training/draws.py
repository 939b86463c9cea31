"""Random draws of a step, recorded once and then drawn ahead for every member of a fleet.

A fleet computes the step of many models at once, but each model's noise comes from a generator of
its own, so that it is that of a training by itself. No generator can be used inside ``torch.vmap``.
So the draws of one model's step are recorded (which function, which shape), made ahead for each
member by its generator, and handed out in the same order inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

FRESH = (torch.randn, torch.rand, torch.randint, torch.randperm)
IN_PLACE = (Tensor.exponential_, Tensor.normal_, Tensor.uniform_, Tensor.bernoulli_)


class Draw(NamedTuple):
    """One call that draws: the function, its arguments, and the shape and type of what it drew."""

    function: Callable[..., Tensor]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    like: Tensor | None  # what an in-place draw fills: its shape, on the meta device

    def make(self, noise: torch.Generator) -> Tensor:
        """Draw from a generator."""
        if self.like is None:
            return self.function(*self.args, **self.kwargs, generator=noise)
        empty = torch.empty_like(self.like, device=noise.device)
        return self.function(empty, *self.args, **self.kwargs, generator=noise)

    def same(self, other: Draw) -> bool:
        """Whether another call draws the same kind of numbers in the same shape."""
        shapes = [None if each.like is None else each.like.shape for each in (self, other)]
        return self[:3] == other[:3] and shapes[0] == shapes[1]


class OtherDraws(Exception):
    """A step draws other numbers than the recorded one did."""


def _draw(
    function: Callable[..., Tensor], args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Draw, Any] | None:
    """Return what a call of torch draws and its generator, None of a call that draws nothing."""
    if function not in FRESH and function not in IN_PLACE:
        return None
    rest = {name: value for name, value in kwargs.items() if name != "generator"}
    shape = tuple(tuple(each) if isinstance(each, list | torch.Size) else each for each in args)
    if function in FRESH:
        return Draw(function, shape, rest, None), kwargs.get("generator")
    like = torch.empty(args[0].shape, dtype=args[0].dtype, device="meta")
    return Draw(function, shape[1:], rest, like), kwargs.get("generator")


class Recorded(TorchFunctionMode):
    """Lists the draws inside its block.

    Args:
        noise: the only generator that may be drawn from.
    """

    def __init__(self, noise: torch.Generator) -> None:
        super().__init__()
        self.noise = noise
        self.draws: list[Draw] = []
        self.foreign = False  # whether something drew from another generator

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call a function of torch, and note it if it draws."""
        if (found := _draw(func, args, kwargs or {})) is not None:
            self.draws.append(found[0])
            self.foreign |= found[1] is not self.noise
        return func(*args, **(kwargs or {}))


class Replayed(TorchFunctionMode):
    """Hands out numbers that were drawn ahead, in place of drawing.

    Args:
        draws: the calls that are expected.
        values: what each gives.
    """

    def __init__(self, draws: Sequence[Draw], values: Sequence[Tensor]) -> None:
        super().__init__()
        self.left = list(zip(draws, values, strict=True))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call a function of torch, or hand out the next numbers if it draws.

        Raises:
            OtherDraws: it is not the draw that was recorded in this place.
        """
        found = _draw(func, args, kwargs or {})
        if found is None:
            return func(*args, **(kwargs or {}))
        if not self.left or not self.left[0][0].same(found[0]):
            raise OtherDraws
        draw, value = self.left.pop(0)
        return value if draw.like is None else args[0].copy_(value)
