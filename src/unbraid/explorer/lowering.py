"""An exported program in the few operators that ``static/net.js`` has.

Whatever only moves numbers (view, permute, slice, pad ...) is run once on the numbers' places, and
becomes one operator of strides or of places. What is constant is computed here where that makes it
no larger.

Operators, with their attributes after the shape of the result; sizes are in numbers:

- ``view offset``: the input's own numbers from an offset on;
- ``strided offset strides``: numbers in steps, one step for each dimension of the result;
- ``take inner fill``: runs of ``inner`` numbers at places, the second input; ``fill`` where < 0;
- ``cat outer inners``: of each input, a run of its ``inner`` numbers, ``outer`` times;
- ``map name numbers``: a function of each number;
- ``zip name strides strides``: of each pair, with the steps of both inputs for each dimension;
- ``where strides strides strides``: the second or the third input, by the first;
- ``reduce name outer inner``: of each of ``outer`` runs of ``inner`` numbers;
- ``softmax``, ``logsoftmax``, ``cumsum`` and ``normalise epsilon``, with ``outer inner``;
- ``affine outer count inner``: times the second input, plus the third, one pair a channel;
- ``linear m k n``: x (m, k) times w (n, k) transposed, plus a bias, if there is a third input;
- ``matmul batch m k n``: (batch, m, k) times (batch, k, n);
- ``conv`` and ``deconv``: with stride, padding and dilation of both directions, and groups;
- ``grid mode padding align``: as torch's ``grid_sample``;
- ``pool size stride padding dilation``: the maximum of windows.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

from unbraid.core.errors import UnbraidError
from unbraid.explorer.programs import given_values, input_nodes, is_alone, needed_nodes, writes
from unbraid.explorer.tracing import REPEATED
from unbraid.explorer.values import (
    Call,
    Plan,
    Ref,
    UnknownOperator,
    Value,
    as_value,
    common,
    strides,
)

FOLDED = 64  # numbers; a constant that is larger, and larger than what it is made of, is computed
# in the page
SMALLEST = 16  # numbers of a constant that is the same as another with the same numbers
PRODUCTS = ("addmm", "mm", "bmm", "convolution", "linear", "conv2d", "conv_transpose2d")
EXACT = 2**24  # integers up to which float32 holds all


@dataclass
class _Operation:
    """One operator of the page: its name, its inputs (constants or numbers of values) and more."""

    name: str
    inputs: list[Any]
    shape: list[int]
    attributes: list[Any]


@dataclass
class Lowering:
    """Lowers one exported program.

    Args:
        program: of tensors of fixed shapes, decomposed or not.
        repeated: programs of modules that it calls by their index, see ``tracing.py``.
    """

    program: torch.export.ExportedProgram
    repeated: Sequence[torch.export.ExportedProgram] = ()
    operations: list[_Operation] = field(default_factory=list)
    seen: dict[Any, Ref] = field(default_factory=dict)
    constants: list[tuple[Tensor, bool]] = field(default_factory=list)
    interned: dict[Any, int] = field(default_factory=dict)
    first: int = 0  # number of the first operation: how many inputs there are

    def plan(self) -> Plan:
        """Return the program in the page's operators.

        Raises:
            UnknownOperator: it needs one that is not among them.
        """
        likes = [node.meta["val"] for node in input_nodes(self.program)]
        inputs = [Ref(at, tuple(like.shape), like.dtype) for at, like in enumerate(likes)]
        values = given_values(self.program, inputs)
        self.first = len(inputs)
        outputs = self._run(self.program.graph, values)
        refs = [each if isinstance(each, Ref) else self.view(each) for each in outputs]
        return self._numbered([list(ref.shape) for ref in inputs], refs)

    def _run(self, graph: torch.fx.Graph, values: dict[Node, Any]) -> list[Value]:
        """Return what a graph returns, given the values of its placeholders."""
        from unbraid.explorer.operators import OPERATORS

        needed = needed_nodes(graph)
        outputs: list[Value] = []
        for node in graph.nodes:
            if node.op == "output":
                outputs = [values[each] for each in torch.utils._pytree.tree_leaves(node.args[0])]
            elif node.op == "get_attr":
                values[node] = getattr(graph.owning_module, str(node.target))
            elif node.op == "call_function":
                if writes(node) and not (node in needed and is_alone(node.args[0])):
                    raise UnknownOperator(f"{node.target} on numbers that are read elsewhere")
                if node in needed:
                    values[node] = self._lowered(node, values, OPERATORS)
        return outputs

    def _lowered(self, node: Node, values: dict[Node, Any], operators: dict[str, Any]) -> Any:
        given: Any = torch.fx.node.map_arg((node.args, node.kwargs), lambda each: values[each])
        args, kwargs = given
        if node.target is operator.getitem:
            return args[0][args[1]]
        target: Any = node.target
        if isinstance(target, torch._ops.HigherOrderOperator):
            return self._region(target, args)
        if target == REPEATED:
            program = self.repeated[args[0]]
            return self._run(program.graph, given_values(program, args[1]))[0]
        name = target._schema.name.removeprefix("aten::")
        if writes(node):
            name = name.removesuffix("_")
        leaves = torch.utils._pytree.tree_leaves((args, kwargs))
        if torch.Tag.nondeterministic_seeded in target.tags:
            raise UnknownOperator(f"aten.{name}, which draws random numbers")
        fixed = not any(isinstance(leaf, Ref) for leaf in leaves)
        if fixed and (name not in operators or self._folds(node, leaves)):
            return target(*args, **kwargs)
        if name not in operators:
            raise UnknownOperator(f"aten.{name}")
        known = target._schema.arguments
        named = {each.name: each.default_value for each in known if each.has_default_value()}
        named |= {each.name: value for each, value in zip(known, args, strict=False)} | kwargs
        named = {each.name: named[each.name] for each in known if each.name in named}
        return operators[name](self, Call(node, name, args, kwargs, named))

    def _region(self, target: torch._ops.HigherOrderOperator, args: Any) -> list[Value]:
        """Return what a region without autocast returns."""
        if str(target) != "wrap_with_autocast" or args[2]:
            raise UnknownOperator(str(target))
        graph = args[4].graph
        places = [node for node in graph.nodes if node.op == "placeholder"]
        return self._run(graph, dict(zip(places, args[5:], strict=True)))

    @staticmethod
    def _folds(node: Node, leaves: list[Any]) -> bool:
        """Whether a constant that is made of others is stored in their place."""
        made = sum(each.numel() for each in torch.utils._pytree.tree_leaves(node.meta["val"]))
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        if made <= FOLDED or not tensors:
            return True
        target: Any = node.target
        is_product = target._schema.name in (f"aten::{name}" for name in PRODUCTS)
        return not is_product and made <= max(leaf.numel() for leaf in tensors)

    # -- what operators are made of ------------------------------------------------------------

    def emit(
        self, name: str, inputs: list[Value], shape: Any, *attributes: Any, dtype: Any = None
    ) -> Ref:
        """Add an operation, unless there is the same already; return its value."""
        numbers = [each.number if isinstance(each, Ref) else self.constant(each) for each in inputs]
        return self.emitted(name, numbers, shape, *attributes, dtype=dtype or torch.float32)

    def emitted(
        self, name: str, numbers: list[Any], shape: Any, *attributes: Any, dtype: torch.dtype
    ) -> Ref:
        """Add an operation on values by their numbers (constants are tuples), see ``emit``."""
        key = (name, tuple(numbers), tuple(shape), repr(attributes))
        if key not in self.seen:
            number = self.first + len(self.operations)
            self.operations.append(_Operation(name, numbers, list(shape), list(attributes)))
            self.seen[key] = Ref(number, tuple(shape), dtype)
        return self.seen[key]

    def constant(self, values: Tensor, is_weight: bool = False) -> tuple[str, int]:
        """Return a reference to a constant, the same one for the same values."""
        values = values.detach().float() if values.dtype == torch.bool else values.detach()
        if not values.is_floating_point() and values.numel() and values.abs().max() > EXACT:
            raise UnbraidError(
                f"an integer of {int(values.abs().max())} is used, expected at most {EXACT}, which "
                "a page holds exactly."
            )
        key: Any = (
            values.data_ptr(),
            tuple(values.shape),
            values.stride(),
            values.dtype,
            is_weight,
        )
        if values.numel() <= SMALLEST:  # told by its numbers
            key = (str(values.dtype), tuple(values.shape), repr(values.tolist()), False, is_weight)
        if key not in self.interned:
            self.interned[key] = len(self.constants)
            self.constants.append((values, is_weight))
        return ("constant", self.interned[key])

    def moved(self, value: Value, places: Tensor, fill: float = 0.0) -> Value:
        """Return the numbers of a value at places, -1 being ``fill``, in the places' shape."""
        if isinstance(value, Tensor) and places.numel() <= max(FOLDED, value.numel()):
            flat = torch.cat([value.reshape(-1), value.new_full((1,), fill)])
            return flat[places.reshape(-1)].reshape(places.shape)
        shape, size = tuple(places.shape), places.numel()
        if size and not bool((places < 0).any()):
            offset = int(places.reshape(-1)[0])
            if torch.equal(places.reshape(-1), torch.arange(offset, offset + size)):
                if shape == value.shape:
                    return value
                return self.emit("view", [value], shape, offset, dtype=value.dtype)
            strides = [
                int(places.select(d, 1).reshape(-1)[0]) - offset if n > 1 else 0
                for d, n in enumerate(shape)
            ]
            grid = torch.full((), offset)
            for stride, n in zip(strides, shape, strict=True):
                grid = grid[..., None] + torch.arange(n) * stride
            if torch.equal(grid, places):
                return self.emit("strided", [value], shape, offset, strides, dtype=value.dtype)
        return self.emit("take", [value, places], shape, 1, fill, dtype=value.dtype)

    def view(self, value: Value, shape: Any = None) -> Ref:
        """Return a value in another shape."""
        shape = tuple(value.shape if shape is None else shape)
        if isinstance(value, Ref) and value.shape == shape:
            return value
        return self.emit("view", [value], shape, 0, dtype=value.dtype)

    def permuted(self, value: Value, order: list[int]) -> Value:
        """Return a value with its dimensions in another order."""
        if isinstance(value, Tensor):
            return value.permute(order)
        return self.moved(value, torch.arange(value.size).view(value.shape).permute(order))

    def rows(self, value: Value, dims: list[int]) -> tuple[Value, int, int]:
        """Return a value with the dimensions last, the size of the others and theirs."""
        rank = len(value.shape)
        last = sorted(dim % max(rank, 1) for dim in dims) if dims else list(range(rank))
        others = [dim for dim in range(rank) if dim not in last]
        if others + last != list(range(rank)):
            value = self.permuted(value, others + last)
        sizes = [int(each) for each in value.shape]
        outer = torch.Size(sizes[: len(others)]).numel()
        return value, outer, torch.Size(sizes[len(others) :]).numel()

    def map(self, name: str, value: Value, *numbers: float, dtype: Any = None) -> Ref:
        """Return a function of each number."""
        return self.emit("map", [value], value.shape, name, *numbers, dtype=dtype)

    def zip(self, name: str, one: Any, other: Any, dtype: Any = None) -> Ref:
        """Return a function of pairs of numbers, broadcast; either may be a plain number."""
        one, other = (as_value(each) for each in (one, other))
        shape = common(one.shape, other.shape)
        steps = [strides(each.shape, shape) for each in (one, other)]
        return self.emit("zip", [one, other], shape, name, *steps, dtype=dtype)

    def _numbered(self, inputs: list[list[int]], outputs: list[Ref]) -> Plan:
        """Return the plan, without what no output needs; constants come before nodes."""
        needed = {ref.number for ref in outputs}
        for at in range(len(self.operations) - 1, -1, -1):
            if self.first + at in needed:
                needed.update(n for n in self.operations[at].inputs if isinstance(n, int))
        kept = [at for at in range(len(self.operations)) if self.first + at in needed]
        used = {n[1] for at in kept for n in self.operations[at].inputs if isinstance(n, tuple)}
        constants = sorted(used)
        numbers: dict[Any, int] = {number: number for number in range(self.first)}
        for at, index in enumerate(constants):
            numbers["constant", index] = self.first + at
        for at, index in enumerate(kept):
            numbers[self.first + index] = self.first + len(constants) + at
        nodes = [
            [op.name, [numbers[each] for each in op.inputs], op.shape, *op.attributes]
            for op in (self.operations[at] for at in kept)
        ]
        chosen = [self.constants[index] for index in constants]
        return Plan(inputs, chosen, nodes, [numbers[ref.number] for ref in outputs])


def lowered(
    program: torch.export.ExportedProgram, repeated: Sequence[torch.export.ExportedProgram] = ()
) -> Plan:
    """Return a program in the page's operators, decomposed only where that is needed: it is slow.

    Args:
        program: of tensors of fixed shapes.
        repeated: programs of modules that it calls by their index.

    Raises:
        UnknownOperator: it needs one that is not among them.
    """
    try:
        return Lowering(program, repeated).plan()
    except UnknownOperator:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, of its insides
            program = program.run_decompositions()
            called = {node.args[0] for node in program.graph.nodes if node.target == REPEATED}
            parts = [
                each.run_decompositions() if at in called else each
                for at, each in enumerate(repeated)
            ]
        return Lowering(program, parts).plan()


Handler = Callable[[Lowering, Call], Any]
