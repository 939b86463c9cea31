"""Queries of an exported program's graph: inputs, constants, needed nodes, in-place operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.fx import Node

from unbraid.explorer.values import Value


def input_nodes(program: torch.export.ExportedProgram) -> list[Node]:
    """Return the placeholders of a program's inputs."""
    names = program.graph_signature.user_inputs
    return [node for node in program.graph.nodes if node.name in names]


def given_values(program: torch.export.ExportedProgram, inputs: Sequence[Value]) -> dict[Node, Any]:
    """Return the values of a program's placeholders: inputs, parameters and constants."""
    signature = program.graph_signature
    stored = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    values: dict[Node, Any] = dict(zip(input_nodes(program), inputs, strict=True))
    places: Any = (program.state_dict, program.constants)
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in stored:
            name = stored[node.name]
            values[node] = next(place[name] for place in places if name in place).detach()
    return values


def needed_nodes(graph: torch.fx.Graph) -> set[Node]:
    """Return the nodes that outputs depend on: checks of values are left out."""
    nodes = list(graph.nodes)
    needed = {nodes[-1]}
    for node in reversed(nodes):
        if node in needed:
            needed.update(node.all_input_nodes)
    return needed


def writes(node: Node) -> bool:
    """Whether a node changes what another one gave."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and any(
        each.alias_info is not None and each.alias_info.is_write for each in schema.arguments
    )


def is_alone(node: Any) -> bool:
    """Whether nobody else reads what lies where a node's numbers do."""
    if len(node.users) != 1 or node.op != "call_function":
        return False
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        return False
    shares = any(each.alias_info is not None for each in schema.returns)
    return not shares or all(is_alone(each) for each in node.all_input_nodes)
