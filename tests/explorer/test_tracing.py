"""Modules that a function calls often are traced once, unless that changes what it computes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.methods.test_all import model_of
from unbraid.explorer import graph
from unbraid.explorer.tracing import REPEATED, Tracer


class Step(nn.Module):
    """A residual network."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))

    def forward(self, values: Tensor, time: Tensor) -> Tensor:
        return values + self.layers(values) * time


class Counting(Step):
    """A network that computes something else each time."""

    calls = 0

    def forward(self, values: Tensor, time: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(values, time) / self.calls


class Path(nn.Module):
    """A path of five steps along a network."""

    def __init__(self, step: nn.Module) -> None:
        super().__init__()
        self.step = step

    def forward(self, values: Tensor) -> Tensor:
        for time in range(5):
            values = self.step(values, values[:, :1] + time)
        return values


def calls_in(tracer: Tracer, path: Path) -> int:
    program = tracer.traced(path, [torch.ones(1, 3)], "path")
    return sum(node.target == REPEATED for node in program.graph.nodes)


def test_a_network_that_is_followed_in_steps_is_traced_once_and_written_out() -> None:
    torch.manual_seed(0)
    path = Path(Step())
    tracer = Tracer(path)
    assert calls_in(tracer, path) == 5
    assert calls_in(tracer, path) == 5
    assert len(tracer.programs) == 1  # the innermost ones are within it
    assert "forward" not in vars(path.step)
    plan = graph.plans({"path": (path, (torch.ones(1, 3),))}, path, "mine")["path"]
    assert [node[0] for node in plan.nodes].count("linear") == 10
    assert len([each for each, is_weight in plan.constants if is_weight]) == 2  # shared


def test_a_network_that_keeps_count_is_not_but_what_it_calls_is() -> None:
    path = Path(Counting())
    tracer = Tracer(path)
    nodes = tracer.traced(path, [torch.ones(1, 3)], "path").graph.nodes
    assert len({node.args[1] for node in nodes if "aten.div" in str(node.target)}) == 5
    assert sum(node.target == REPEATED for node in nodes) == 5
    assert len(tracer.programs) == 1


def test_a_network_of_which_inputs_differ_in_shape_is_not() -> None:
    step = Step()

    def growing(values: Tensor) -> Tensor:
        for rows in range(1, 6):
            values = values + step(values.expand(rows, 3), values[:, :1]).sum(0, keepdim=True)
        return values

    tracer = Tracer(step)
    tracer.traced(growing, [torch.ones(1, 3)], "growing")
    assert tracer.programs == []


def test_the_path_of_a_guided_flow_is_traced_by_its_single_calls() -> None:
    """Outside of exports both velocities are evaluated at once, with twice the rows."""
    model = model_of("conditional-flow", net="conv", layers=1, path_steps=4).eval()
    function, inputs = graph.functions(model)["decode"]
    tracer = Tracer(model)
    program = tracer.traced(function, inputs, "decode")
    calls = sum(node.target == REPEATED for node in program.graph.nodes)
    assert calls == 4 * 2 * 2  # steps, ends of each and velocities at each
    assert len(tracer.programs) == 1
