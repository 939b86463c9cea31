"""Networks for any image of at least 16 by 16 pixels, and signals that keep their size in them."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch import nn

from unbraid.core import hardware
from unbraid.nn import nets
from unbraid.nn.nets import conv, conv_2019, residual, style

SHAPES = [
    (random.Random(n).randint(1, 4), random.Random(n + 1).randint(16, 70), 16 + 7 * n)
    for n in range(8)
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("net", nets.KINDS)
def test_any_shape(net: nets.Net, shape: nets.ImageShape) -> None:
    images = torch.rand(2, *shape)
    codes = nets.encoder(net, shape, 3, 2)(images)
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
    assert layers(conv.encoder((1, 64, 64), 20)) == [
        (1, 32, four, two),
        (32, 32, four, two),
        (32, 64, four, two),
        (64, 64, four, two),
        (1024, 256),
        (256, 20),
    ]
    assert layers(conv.decoder((1, 64, 64), 10)) == [
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


def test_conv_2019_has_the_layers_of_the_studys_code_at_64_pixels() -> None:
    """2 by 2 taps in the encoder's last convolutions, where the paper's table says 4 by 4."""
    four, two = (4, 4), (2, 2)
    encoder, decoder = conv_2019.encoder((1, 64, 64), 10, 10), conv_2019.decoder((1, 64, 64), 10)
    assert layers(encoder) == [
        (1, 32, four, two),
        (32, 32, four, two),
        (32, 64, two, two),
        (64, 64, two, two),
        (1024, 256),
        (256, 20),
    ]
    assert layers(decoder) == layers(conv.decoder((1, 64, 64), 10))
    assert parameters(encoder) == 309_204
    assert parameters(decoder) == 381_313


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_conv_2019_begins_as_glorot_and_bengio_say_each_head_for_itself() -> None:
    torch.manual_seed(0)
    encoder, decoder = conv_2019.encoder((1, 64, 64), 400, 3), conv_2019.decoder((1, 64, 64), 10)
    for net in (encoder, decoder):
        for name, weight in net.state_dict().items():
            if name.endswith("bias"):
                assert not weight.any()
                continue
            taps = weight[0, 0].numel()
            parts = torch.split(weight, [400, 3]) if len(weight) == 403 else [weight]
            for part in parts:
                most = (6 / (taps * sum(part.shape[:2]))) ** 0.5
                assert 0.95 * most < part.abs().max() <= most
                assert float(part.var()) == pytest.approx(most**2 / 3, rel=0.1)


def test_style_scales_and_shifts_normalised_maps() -> None:
    """Against the formula: the norm after the rectifier, scale and shift never negative."""
    torch.manual_seed(0)
    layer = style.Styled(nn.Conv2d(3, 4, 3, padding=1, bias=False), 4)
    maps, code = torch.randn(2, 3, 5, 5), torch.randn(2, style.DENSE)
    found = layer(maps, code)
    raw = nn.functional.leaky_relu(layer.layer(maps), 0.2)
    normal = (raw - raw.mean((2, 3), keepdim=True)) / (
        raw.var((2, 3), correction=0, keepdim=True) + 1e-6
    ).sqrt()
    given = nn.functional.linear(code, layer.condition.weight, layer.condition.bias).clamp(min=0)
    expected = normal * given[:, :4, None, None] + given[:, 4:, None, None]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_style_has_the_published_layers_at_64_pixels() -> None:
    widths = [3] + [each for width in (32, 64, 128, 256) for each in 3 * [width]]
    taps = 4 * [9, 9, 16]
    weights = sum(a * b * t for a, b, t in zip(widths, widths[1:], taps, strict=False))
    norms = 2 * sum(widths[1:])
    dense = (4096 + 1) * 256 + 257 * 256 + 257 * 12
    assert parameters(style.encoder((3, 64, 64), 12)) == weights + norms + dense
    widths = [256] + [each for width in (256, 128, 64, 32) for each in 3 * [width]]
    weights = sum(a * b * t for a, b, t in zip(widths, widths[1:], taps, strict=False))
    dense = 13 * 256 + 257 * 256 + sum(257 * 2 * width for width in widths[1:])
    assert parameters(style.decoder((3, 64, 64), 12)) == 4096 + weights + dense + 32 * 3 * 9


def test_a_residual_block_adds_to_what_it_gets() -> None:
    torch.manual_seed(0)
    block, maps = residual.Block(4, 4, styled=True), torch.randn(2, 4, 5, 5)
    code = torch.randn(2, residual.STYLE)
    found = maps
    for layer, condition in zip(block.layers, block.conditions, strict=True):
        raw = layer(found)
        normal = (raw - raw.mean((2, 3), keepdim=True)) / (
            raw.var((2, 3), correction=0, keepdim=True) + 1e-5
        ).sqrt()
        scale, shift = condition(code)[:, :, None, None].split(4, 1)
        found = nn.functional.gelu(normal * (1 + scale) + shift, approximate="tanh")
    torch.testing.assert_close(block(maps, code), maps + found, atol=1e-5, rtol=1e-4)


def test_residual_has_the_published_size_at_64_pixels() -> None:
    def block(inputs: int, outputs: int, given: int) -> int:
        extra = 0 if inputs == outputs else (inputs + 1) * outputs
        return (9 * inputs + 9 * outputs + 2) * outputs + 2 * given * outputs + extra

    maps = (32, 64, 128, 256, 512)
    stages = sum(
        block(3 if each == 32 else each, each, 2) + block(each, each, 2) for each in maps[:-1]
    )
    halves = sum((4 * each + 1) * 2 * each for each in maps[:-1])
    dense = 513 * 512 + 2 * 512 + 513 * 12
    assert parameters(residual.encoder((3, 64, 64), 12)) == stages + halves + dense
    maps = (512, 256, 128, 64)
    stages = sum(2 * block(each, each, 2 * 257) for each in maps)
    doubles = sum((9 * a + 1) * b for a, b in zip(maps, (256, 128, 64, 3), strict=True))
    dense = 13 * 256 + 257 * 256 + 4 * 256
    assert parameters(residual.decoder((3, 64, 64), 12)) == 512 * 16 + stages + doubles + dense


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


@pytest.mark.parametrize("net", ["style", "residual"])
def test_it_takes_any_number_of_rows_and_exports(net: nets.Net) -> None:
    shape, rows = (1, 17, 16), torch.export.Dim("rows")
    images, codes = torch.rand(3, *shape), torch.rand(3, 2)
    for part, given in (
        (nets.encoder(net, shape, 2), images),
        (nets.decoder(net, shape, 2), codes),
    ):
        exported = torch.export.export(part, (given,), dynamic_shapes=({0: rows},)).module()
        more = torch.cat([given, given[:2]])
        torch.testing.assert_close(exported(more), part(more))
        assert len(part(given[:0])) == 0


@pytest.mark.parametrize("net", nets.KINDS)
def test_hidden_layers_are_those_below_the_images_size(net: nets.Net) -> None:
    decoder = nets.decoder(net, (3, 64, 64), 5)
    shapes = [tuple(each.shape[1:]) for each in nets.hidden(decoder, torch.randn(2, 5))]
    maps: dict[str, list[Any]] = {
        "conv": [(64, 8, 8), (32, 16, 16), (32, 32, 32)],
        "style": [(256, 8, 8), (128, 16, 16), (64, 32, 32)],
        "residual": [(256, 8, 8), (128, 16, 16), (64, 32, 32)],
    }
    dense: dict[str, list[Any]] = {"conv": [(256,), (1024,)], "mlp": [(512,), (512,)]}
    maps["conv-2019"], dense["conv-2019"] = maps["conv"], dense["conv"]
    assert shapes == dense.get(net, [(256,)]) + maps.get(net, [])
