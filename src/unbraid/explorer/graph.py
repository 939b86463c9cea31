"""Functions of a model as graphs that a page can run: ``torch.export``, lowered to few operators.

A graph is for one row: an image or a code with a batch of 1. It is a dictionary of plain values, to
be written as JSON, and refers to the bytes of ``weights``, which all graphs of a model share:

- ``inputs``: shapes. Their values have the numbers 0, 1, ...;
- ``constants``: ``[offset, half, shape]`` in ``weights``, or ``[number]``; numbered next;
- ``nodes``: ``[operator, numbers of its inputs, shape, attributes...]``; numbered next;
- ``outputs``: numbers of values.

``static/net.js`` runs it; ``lowering.py`` says what the operators are.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from unbraid.core.errors import UnbraidError
from unbraid.explorer.lowering import Plan, UnknownOperator, lowered
from unbraid.methods import HasPosterior, Method, TakesFactors, name_of

Function = Callable[..., Any]
LARGEST_HALF = 65504.0  # of float16
SMALL = 1024  # numbers; what has fewer stays in float32


@dataclass
class Weights:
    """Bytes of constants, each stored once."""

    float32: bool = False
    parts: list[bytes] = field(default_factory=list)
    places: dict[tuple[Any, ...], list[Any]] = field(default_factory=dict)
    size: int = 0

    def place(self, values: Tensor, is_weight: bool) -> list[Any]:
        """Store a constant; return ``[offset, half, shape]``, or ``[number]`` of a scalar.

        Args:
            values: of any type; numbers that float32 does not hold are refused by the lowering.
            is_weight: whether it is the matrix of a linear layer or a convolution, which is stored
                in float16 unless ``float32`` is set.
        """
        numbers = values.detach().cpu().float().contiguous().numpy()
        if numbers.ndim == 0:
            return [float(numbers)] if np.isfinite(numbers) else [repr(float(numbers))]
        half = is_weight and not self.float32 and numbers.size >= SMALL
        half = half and bool(np.abs(numbers).max() <= LARGEST_HALF)
        data = numbers.astype("<f2" if half else "<f4").tobytes()
        key = (half, numbers.shape, blake2b(data).digest())
        if key not in self.places:
            data += b"\0" * (-len(data) % 4)
            self.places[key] = [self.size, int(half), list(numbers.shape)]
            self.parts.append(data)
            self.size += len(data)
        return self.places[key]

    def __bytes__(self) -> bytes:
        return b"".join(self.parts)


@dataclass(frozen=True)
class Exported:
    """Graphs of a model's functions, by name, and the weights that they share."""

    functions: dict[str, dict[str, Any]]
    weights: bytes


class _Part(nn.Module):
    """A function of a model as a module, so that the model's parameters are found."""

    def __init__(self, owner: nn.Module, function: Function) -> None:
        super().__init__()
        self.owner, self.function = owner, function

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(*inputs)


def functions(model: Method, seed: int = 0) -> dict[str, tuple[Function, tuple[Tensor, ...]]]:
    """Return the functions of a model that a page needs, each with random inputs to try it with.

    ============  ==========================================  =====================================
    name          inputs                                      outputs
    ============  ==========================================  =====================================
    ``encode``    images (1, C, H, W) on [0, 1]               codes (1, D); logvar (1, continuous)
                                                              of methods with a posterior
    ``decode``    codes (1, D)                                images (1, C, H, W) on [0, 1]
    ``columns``   factors (1, F) as stored                    code columns (1, K)
    ``factors``   codes (1, D)                                factors (1, F)
    ``style``     standard normal numbers (1, S + 1), and     style (1, S), not rejected
                  factors
    ``restyle``   style (1, S), factors before and after      style (1, S)
    ============  ==========================================  =====================================

    The last four are of methods that take factors: they draw ``decode`` of columns and style.
    """
    noise = torch.Generator().manual_seed(seed)
    images = torch.rand(1, *model.image_shape, generator=noise)
    codes = model.prior_sample(1, noise).float()

    def encode(x: Tensor) -> Any:
        if not isinstance(model, HasPosterior):
            return model.encode(x)
        return model.encode(x), model.encode_posterior(x)[1]

    found: dict[str, tuple[Function, tuple[Tensor, ...]]] = {
        "encode": (encode, (images,)),
        "decode": (model.decode, (codes,)),
    }
    if isinstance(model, TakesFactors):
        taking = cast(TakesFactors, model)
        rows = taking.factors_of(codes).float()
        base = torch.randn(1, taking.style_dim + 1, generator=noise)
        found |= {
            "columns": (taking.factor_codes, (rows,)),
            "factors": (taking.factors_of, (codes,)),
            "style": (taking.first_style, (base, rows)),
            "restyle": (taking.restyle, (base[:, 1:].contiguous(), rows, rows.clone())),
        }
    return found


def export(model: Method, *, float32: bool = False) -> Exported:
    """Return a model's functions as graphs, see ``functions``.

    Args:
        model: any method's.
        float32: keep weights in float32; by default the matrices of layers are in float16.

    Raises:
        UnbraidError: a function uses an operator that the page has not, or cannot be exported.

    >>> from unbraid.methods import build, configure
    >>> found = export(build(configure("ae", latent_dim=2), (1, 28, 28)))
    >>> sorted(found.functions)
    ['decode', 'encode']
    """
    if model.device.type != "cpu":
        model = copy.deepcopy(model).cpu()
    return packed(plans(functions(model), model, name_of(model.config)), float32=float32)


def plans(
    named: Mapping[str, tuple[Function, tuple[Tensor, ...]]], owner: nn.Module, name: str
) -> dict[str, Plan]:
    """Return functions of tensors in the operators of a page.

    Args:
        named: functions that return a tensor or several, each with float32 inputs to try it with;
            the graphs are for their shapes.
        owner: the module whose parameters they use, on the CPU.
        name: of the model, for messages.

    Raises:
        UnbraidError: one uses an operator that the page has not, or cannot be exported.
    """
    found = {}
    for key, (function, inputs) in named.items():
        program = traced(function, inputs, owner, f"{key} of {name}")
        try:
            found[key] = lowered(program)
        except UnknownOperator as error:
            raise UnbraidError(
                f"{key} of {name} uses the operator {error}, which a page cannot run: write it "
                "with others, such as those of torch.nn's layers."
            ) from error
    return found


def traced(
    function: Function, inputs: Sequence[Tensor], owner: nn.Module, name: str
) -> torch.export.ExportedProgram:
    """Return a function as torch exports it, in evaluation mode."""
    training = owner.training
    owner.eval()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, of its insides
            part = _Part(owner, function)
            found: Any = torch.export.export(part, tuple(inputs), strict=False)
            program: torch.export.ExportedProgram = found
            return program
    except Exception as error:
        line = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise UnbraidError(
            f"{name} cannot be exported by torch.export ({line[0]}): it must be made of torch's "
            "operators and must not look at values."
        ) from error
    finally:
        owner.train(training)


def packed(plans: Mapping[str, Plan], *, float32: bool = False) -> Exported:
    """Return lowered functions as graphs, with their weights in float16 or float32."""
    weights = Weights(float32)
    graphs = {
        name: {
            "inputs": plan.inputs,
            "constants": [weights.place(values, is_weight) for values, is_weight in plan.constants],
            "nodes": plan.nodes,
            "outputs": plan.outputs,
        }
        for name, plan in plans.items()
    }
    return Exported(graphs, bytes(weights))
