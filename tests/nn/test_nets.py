"""Networks for any image of at least 16 by 16 pixels, and signals that keep their size in them."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch import nn

from unbraid.core import hardware
from unbraid.nn import nets

SHAPES = [
    (random.Random(n).randint(1, 4), random.Random(n + 1).randint(16, 70), 16 + 7 * n)
    for n in range(8)
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("net", ["conv", "mlp"])
def test_any_shape(net: nets.Net, shape: nets.ImageShape) -> None:
    images = torch.rand(2, *shape)
    codes = nets.encoder(net, shape, 5)(images)
    assert codes.shape == (2, 5)
    assert nets.decoder(net, shape, 5)(codes).shape == images.shape


def layers(net: nn.Sequential) -> list[Any]:
    found: list[Any] = []
    for layer in net:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            found.append((layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride))
        elif isinstance(layer, nn.Linear):
            found.append((layer.in_features, layer.out_features))
    return found


def test_conv_is_the_network_of_locatello_2019_at_64_pixels() -> None:
    four, two = (4, 4), (2, 2)
    assert layers(nets.conv_encoder((1, 64, 64), 20)) == [
        (1, 32, four, two),
        (32, 32, four, two),
        (32, 64, four, two),
        (64, 64, four, two),
        (1024, 256),
        (256, 20),
    ]
    assert layers(nets.conv_decoder((1, 64, 64), 10)) == [
        (10, 256),
        (256, 1024),
        (64, 64, four, two),
        (64, 32, four, two),
        (32, 32, four, two),
        (32, 1, four, two),
    ]


@pytest.mark.parametrize("net", ["conv", "mlp"])
def test_signals_keep_their_size_at_the_start(net: nets.Net) -> None:
    torch.manual_seed(0)
    shape = (3, 64, 64)
    codes = nets.encoder(net, shape, 10)(torch.randn(64, *shape))
    assert 0.3 < codes.std() < 3
    pixels = nets.decoder(net, shape, 10)(torch.randn(64, 10))
    assert 0.3 < pixels.std() < 3


@pytest.mark.parametrize("padding", ["zeros", "border"])
def test_samples_and_their_derivatives_agree_both_ways(padding: str) -> None:
    noise = torch.Generator().manual_seed(0)
    images = torch.rand((3, 2, 5, 7), generator=noise)
    grid = 2.6 * torch.rand((3, 4, 6, 2), generator=noise) - 1.3  # some lie outside

    def at(images: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        return nets.sample(images, grid, padding)

    with torch.autograd.forward_ad.dual_level():
        written_out = at(images, grid)
    torch.testing.assert_close(written_out, at(images, grid))
    for argument in (0, 1):
        forward = torch.func.jacfwd(at, argnums=argument)(images, grid)
        torch.testing.assert_close(torch.func.jacrev(at, argnums=argument)(images, grid), forward)


def test_bytes_become_floats_on_the_unit_interval() -> None:
    pixels = nets.as_pixels(torch.tensor([0, 51, 255], dtype=torch.uint8))
    torch.testing.assert_close(pixels, torch.tensor([0, 0.2, 1]))
    floats = torch.rand(3)
    assert nets.as_pixels(floats) is floats


def test_precision_names() -> None:
    cpu = hardware.device("cpu")
    assert hardware.precision("f32", cpu) == torch.float32
    assert hardware.precision("bf16", cpu) == torch.bfloat16
    expected = torch.bfloat16 if hardware.has_bf16(cpu) else torch.float32
    assert hardware.precision("auto", cpu) == expected
    with hardware.autocast(cpu, torch.bfloat16):
        assert nets.encoder("mlp", (1, 16, 16), 2)(torch.rand(1, 1, 16, 16)).dtype == torch.bfloat16
    with hardware.autocast(cpu, torch.float32):
        assert nets.encoder("mlp", (1, 16, 16), 2)(torch.rand(1, 1, 16, 16)).dtype == torch.float32
