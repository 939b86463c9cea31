"""The decoder's own transposed convolution against torch's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from unbraid.nn.nets import Upsample

# (inputs, outputs, height, width, kernel): each route, and kernels odd in one direction only
SHAPES = [
    (32, 16, 8, 8, (4, 4)),
    (16, 8, 4, 4, (3, 3)),
    (16, 8, 7, 4, (3, 4)),
    (32, 1, 14, 14, (4, 4)),
    (8, 1, 5, 6, (3, 3)),
    (32, 3, 8, 5, (4, 3)),
    (8, 4, 4, 4, (4, 4)),
]


def results(layer: nn.Module, maps: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """Return the output and the gradients to the input, the weight and the bias."""
    maps = maps.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        images = layer(maps).float()
    layer.zero_grad()
    images.backward(torch.randn(images.shape, generator=torch.Generator().manual_seed(1)))
    assert maps.grad is not None
    return [images.detach(), maps.grad, layer.weight.grad, layer.bias.grad]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_torch(
    shape: tuple[int, int, int, int, tuple[int, int]],
    dtype: torch.dtype,
    tolerance: float,
    layout: torch.memory_format,
) -> None:
    inputs, outputs, height, width, kernel = shape
    torch.manual_seed(0)
    ours = Upsample(inputs, outputs, kernel).to(memory_format=layout)
    theirs = nn.ConvTranspose2d(inputs, outputs, kernel, stride=2, padding=1)
    theirs.load_state_dict(ours.state_dict())
    maps = torch.randn(3, inputs, height, width).contiguous(memory_format=layout)
    expected = results(theirs, maps, torch.float32)
    for found, exact in zip(results(ours, maps, dtype), expected, strict=True):
        assert found.shape == exact.shape
        assert (found - exact).abs().max() <= tolerance * exact.abs().max()


@pytest.mark.parametrize("shape", [(2, 5, (4, 4)), (2, 5, (3, 4)), (3, 1, (4, 3))])
def test_gradients_of_gradients(shape: tuple[int, int, tuple[int, int]]) -> None:
    layer = Upsample(*shape).double()
    maps = torch.randn(2, shape[0], 2, 3, dtype=torch.double, requires_grad=True)

    def output(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        parameters = {"weight": weight, "bias": bias}
        return torch.func.functional_call(layer, parameters, (maps,))

    arguments = (maps, layer.weight.detach().requires_grad_(), layer.bias.detach().requires_grad_())
    assert torch.autograd.gradcheck(output, arguments)
    assert torch.autograd.gradgradcheck(output, arguments)


def test_works_under_vmap() -> None:
    layer = Upsample(4, 1, (4, 4))
    codes = torch.randn(3, 4, 4, 4)
    one_by_one = torch.stack([torch.func.jacrev(lambda m: layer(m[None]).sum())(c) for c in codes])
    together = torch.func.vmap(torch.func.jacrev(lambda m: layer(m[None]).sum()))(codes)
    assert torch.allclose(one_by_one, together, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_plain_route_of_transforms_is_equal(
    shape: tuple[int, int, int, int, tuple[int, int]],
) -> None:
    inputs, outputs, height, width, kernel = shape
    layer = Upsample(inputs, outputs, kernel)
    maps = torch.randn(3, inputs, height, width)
    scripted = torch.jit.script(layer)
    for plain in (torch.func.vmap(lambda m: layer(m[None])[0]), scripted):
        assert torch.allclose(plain(maps), layer(maps), atol=1e-5)
    tangent = torch.randn_like(maps)
    _, forward = torch.func.jvp(layer, (maps,), (tangent,))
    with torch.no_grad():  # the layer is linear but for its bias
        exact = layer(maps + tangent) - layer(maps)
    assert torch.allclose(forward, exact, atol=1e-4)
