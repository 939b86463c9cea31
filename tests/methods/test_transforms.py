"""Every method exported, traced and transformed: torch.export, torch.jit and torch.func."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.methods.test_all import NAMES, model_of
from unbraid.methods import Method

SHAPES = [(1, 28, 28), (3, 45, 33)]  # odd maps on the way, which have a routine of their own
WAYS = ("encode", "decode")
# A flow's steps are unrolled: one traces in a fifth of the time of all.
QUICK = {"conditional-flow": {"path_steps": 1, "layers": 1}}
VARIANTS: list[Any] = [
    *((name, QUICK.get(name, {})) for name in NAMES),
    ("infogan", {"spectral_norm": True}),
]


class Part(nn.Module):
    """One way through a model, as a module."""

    def __init__(self, model: Method, way: str) -> None:
        super().__init__()
        self.model, self.way = model, way

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = getattr(self.model, self.way)(inputs)
        return result


def part_of(
    name: str, way: str, shape: tuple[int, int, int] = (1, 28, 28), **options: Any
) -> tuple[Part, Tensor]:
    """Return a part and three rows of what it takes."""
    model = model_of(name, shape, **options)
    noise = torch.Generator().manual_seed(0)
    images = torch.rand(3, *shape, generator=noise)
    return Part(model, way).eval(), images if way == "encode" else model.prior_sample(3, noise)


def one_row(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda row: function(row[None])[0]


def close(found: Tensor, exact: Tensor) -> None:
    torch.testing.assert_close(found, exact, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_exports_for_any_number_of_rows(
    name: str, options: dict[str, Any], way: str, shape: tuple[int, int, int]
) -> None:
    part, rows = part_of(name, way, shape, **options)
    exported = torch.export.export(part, (rows,), dynamic_shapes=({0: torch.export.Dim("n")},))
    more = torch.cat([rows, rows[:2]])
    close(exported.module()(more), part(more))
    assert not any("unbraid" in str(node.target) for node in exported.graph.nodes)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_is_traced_and_saved(name: str, options: dict[str, Any], way: str) -> None:
    part, rows = part_of(name, way, **options)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own: a newer way is export; checks are of shapes
        torch.jit.save(torch.jit.trace(part, (rows,)), file)
        file.seek(0)
        loaded = torch.jit.load(file)
    more = torch.cat([rows, rows[:2]])
    close(loaded(more), part(more))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_is_mapped_over_rows(name: str, way: str) -> None:
    part, rows = part_of(name, way)
    found = torch.func.vmap(one_row(part))(rows)
    close(found, part(rows))
    assert not found.requires_grad


@pytest.mark.parametrize("name", NAMES)
def test_jacobians_of_decode_agree(name: str) -> None:
    part, rows = part_of(name, "decode")
    forward = torch.func.vmap(torch.func.jacfwd(one_row(part)))(rows)
    assert forward.shape == (3, 1, 28, 28, part.model.latent_dim)
    assert forward.any()
    close(torch.func.vmap(torch.func.jacrev(one_row(part)))(rows), forward)
    close(torch.func.jacrev(one_row(part))(rows[0]), forward[0])
    # the quick routine's own gradient says the same
    leaf = rows[:1].clone().requires_grad_()
    (backward,) = torch.autograd.grad(part.model.pixel_mean(leaf).sum(), leaf)
    close(backward[0], forward[0].sum((0, 1, 2)))


@pytest.mark.parametrize("name", NAMES)
def test_jacobian_of_encode_is_not_silently_zero(name: str) -> None:
    part, rows = part_of(name, "encode")
    forward = torch.func.jacfwd(one_row(part))(rows[0])
    steps = bool(part.model.layout.levels)  # quantised codes are the same all around
    assert bool(forward.any()) != steps
    close(torch.func.jacrev(one_row(part))(rows[0]), forward)


@pytest.mark.skipif(find_spec("onnx") is None, reason="onnx is not installed")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_exports_to_onnx(name: str, way: str) -> None:
    onnx = pytest.importorskip("onnx")
    part, rows = part_of(name, way)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(part, (rows,), file, dynamo=False)
    onnx.checker.check_model(onnx.load_from_string(file.getvalue()))
