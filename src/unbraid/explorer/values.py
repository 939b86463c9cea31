"""Values of a program that is being lowered: computed by the page, or constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node


class UnknownOperator(Exception):
    """An operator that the page has not; its text is the name."""


@dataclass(frozen=True)
class Ref:
    """A value that the page computes."""

    number: int
    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(torch.Size(self.shape).numel())


Value = Tensor | Ref


@dataclass
class Plan:
    """A lowered program; constants come with whether they are a layer's weights."""

    inputs: list[list[int]]
    constants: list[tuple[Tensor, bool]]
    nodes: list[list[Any]]
    outputs: list[int]


@dataclass(frozen=True)
class Call:
    """A call of an ATen operator: of which node, with which arguments, and these by name."""

    node: Node
    name: str
    args: Any
    kwargs: Any
    given: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.given[name]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the first result."""
        value = self.node.meta["val"]
        return tuple((value[0] if isinstance(value, list | tuple) else value).shape)

    @property
    def dtype(self) -> torch.dtype:
        """Of the first result."""
        value = self.node.meta["val"]
        found: torch.dtype = (value[0] if isinstance(value, list | tuple) else value).dtype
        return found


def as_value(given: Any) -> Value:
    """Return a plain number as a constant; values pass."""
    return given if isinstance(given, Tensor | Ref) else torch.tensor(float(given))


def common(*shapes: Any) -> tuple[int, ...]:
    """Return the shape that shapes are broadcast to."""
    found: Any = torch.broadcast_shapes(*shapes)  # type: ignore[no-untyped-call]
    return tuple(found)


def strides(shape: Any, target: Any) -> list[int]:
    """Return the steps through numbers of a shape that is broadcast to a target.

    >>> strides((3, 1), (2, 3, 4))
    [0, 1, 0]
    """
    steps, step = [], 1
    for n, wanted in zip(reversed(tuple(shape)), reversed(tuple(target)), strict=False):
        steps.append(step if n == wanted and n != 1 else 0)
        step *= n
    return [0] * (len(tuple(target)) - len(steps)) + steps[::-1]
