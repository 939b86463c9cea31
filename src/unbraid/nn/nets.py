"""Encoders and decoders for any image of at least 16 by 16 pixels with 1 to 4 channels.

``conv`` is the four-layer network of Locatello et al. 2019 (table 4, from Burgess et al. 2018) at
64 by 64, and the same pattern with fewer or more stride-2 layers at other sizes. ``mlp`` has two
hidden layers of 512.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import forward_ad

from unbraid.core.errors import UnbraidError

Net = Literal["conv", "mlp"]
ImageShape = tuple[int, int, int]  # (C, H, W)

HIDDEN = 512  # width of the mlp's layers
DENSE = 256  # width between the conv layers and the codes
STRIDED = [2, 2], [1, 1], [1, 1]  # stride, padding and dilation of every convolution


def check_image_shape(shape: ImageShape) -> ImageShape:
    """Return ``shape`` if networks can be built for it, else raise an UnbraidError."""
    channels, height, width = shape
    if not 1 <= channels <= 4:
        raise UnbraidError(
            f"images have {channels} channels, expected 1 to 4: convert them to grey or RGB."
        )
    if min(height, width) < 16:
        raise UnbraidError(
            f"images are {height} by {width} pixels, expected at least 16 by 16: "
            "enlarge or pad them."
        )
    return shape


def conv_plan(shape: ImageShape) -> list[ImageShape]:
    """Return the feature shapes from the image to the coarsest map, each half the one before.

    Odd sizes round up, so 28 becomes 14, 7, 4; layers are added until the shorter side is 4 or
    less. Channels are 32, 32, then 64.

    >>> conv_plan((1, 28, 28))
    [(1, 28, 28), (32, 14, 14), (32, 7, 7), (64, 4, 4)]
    """
    plan = [check_image_shape(shape)]
    _, height, width = shape
    while min(height, width) > 4:
        height, width = -(-height // 2), -(-width // 2)
        plan.append((32 if len(plan) < 3 else 64, height, width))
    return plan


def kernel(shape: ImageShape) -> tuple[int, int]:
    """Return the kernel that halves (or doubles to) ``shape`` exactly, with stride 2, padding 1."""
    _, height, width = shape
    return 4 - height % 2, 4 - width % 2


def is_transformed(*, other_than_vmap: bool = False) -> bool:
    """Whether torch exports, traces or compiles what runs now, or transforms it (vmap, jacfwd).

    Only torch's own operations are known then, and values cannot be looked at.
    """
    transforms = torch._C._functorch.get_interpreter_stack() or ()
    vmap = torch._C._functorch.TransformType.Vmap
    return (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        or any(each.key() != vmap or not other_than_vmap for each in transforms)
        or forward_ad._current_level >= 0
    )


class _Upsample(torch.autograd.Function):
    """A transposed convolution with stride 2 and padding 1 by the routines quickest on a CPU.

    The sums are torch's. But oneDNN takes five times as long for one output channel and, in
    bfloat16, ten times for odd kernels; and half of its backward pass goes to the bias.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        _, outputs, *kernel = weight.shape
        size = tuple(2 * s - 4 + taps for s, taps in zip(maps.shape[2:], kernel, strict=True))
        if outputs <= 4:  # one product gives the patches that the input pixels spread over
            patches = weight.flatten(1).T @ maps.flatten(2)  # (B, outputs * taps, h * w)
            patches = patches.to(torch.promote_types(patches.dtype, torch.float32))
            images = F.fold(patches, size, tuple(kernel), padding=1, stride=2)
            return images.add_(bias[:, None, None])
        if any(taps % 2 for taps in kernel):  # a convolution's input gradient is the same sum
            images = maps.new_empty(len(maps), outputs, *size)
            images = _convolution_backward(maps, images, weight, False, (True, False))[0]
            return images.add_(bias[:, None, None])
        return F.conv_transpose2d(maps, weight, bias, stride=2, padding=1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        maps, weight = ctx.saved_tensors
        bias = gradient.sum((0, 2, 3)).to(weight.dtype)
        gradient, needed = gradient.to(maps.dtype), ctx.needs_input_grad[:2]
        return *_convolution_backward(gradient, maps, weight, True, needed), bias


def _convolution_backward(
    gradient: Tensor, maps: Tensor, weight: Tensor, transposed: bool, needed: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    """Return a (transposed) convolution's gradients to its input and weight, where needed."""
    found = torch.ops.aten.convolution_backward(
        gradient, maps, weight, None, *STRIDED, transposed, [0, 0], 1, [*needed, False]
    )
    return found[0], found[1]


class Upsample(nn.ConvTranspose2d):
    """A transposed convolution with stride 2 and padding 1, maps (B, C, h, w) to twice the size."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int]) -> None:
        super().__init__(inputs, outputs, kernel, stride=2, padding=1)

    def forward(self, maps: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return the larger maps; ``output_size`` is torch's, and not needed."""
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            return F.conv_transpose2d(maps, self.weight, self.bias, stride=2, padding=1)
        return self._quickly(maps, output_size)

    @torch.jit.unused
    def _quickly(self, maps: Tensor, output_size: list[int] | None) -> Tensor:
        if maps.device.type != "cpu" or self.bias is None or is_transformed():
            return super().forward(maps, output_size)
        autocast = torch.is_autocast_enabled("cpu")
        dtype = torch.get_autocast_dtype("cpu") if autocast else maps.dtype
        parameters = self.weight.to(dtype), self.bias.to(dtype)
        return _Upsample.apply(maps.to(dtype), *parameters)  # type: ignore[no-any-return, no-untyped-call]


def conv_encoder(shape: ImageShape, outputs: int) -> nn.Sequential:
    """Build a convolutional encoder, images (B, C, H, W) to (B, outputs)."""
    plan = conv_plan(shape)
    layers: list[nn.Module] = []
    for before, after in pairwise(plan):
        layers += [
            nn.Conv2d(before[0], after[0], kernel(before), stride=2, padding=1),
            nn.ReLU(inplace=True),
        ]
    channels, height, width = plan[-1]
    # flattened before it is rectified: the gradient then has the layout of what is rectified
    layers[-1:] = [
        nn.Flatten(),
        nn.ReLU(inplace=True),
        nn.Linear(channels * height * width, DENSE),
        nn.ReLU(inplace=True),
        nn.Linear(DENSE, outputs),
    ]
    return nn.Sequential(*layers)


def conv_decoder(shape: ImageShape, inputs: int) -> nn.Sequential:
    """Build a convolutional decoder, codes (B, inputs) to pixel parameters (B, C, H, W)."""
    plan = conv_plan(shape)[::-1]
    channels, height, width = plan[0]
    layers: list[nn.Module] = [
        nn.Linear(inputs, DENSE),
        nn.ReLU(inplace=True),
        nn.Linear(DENSE, channels * height * width),
        nn.ReLU(inplace=True),
        nn.Unflatten(1, (channels, height, width)),
    ]
    for before, after in pairwise(plan):
        layers += [
            Upsample(before[0], after[0], kernel(after)),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers[:-1])  # pixel parameters are not rectified


def mlp_encoder(shape: ImageShape, outputs: int) -> nn.Sequential:
    """Build a fully connected encoder, images (B, C, H, W) to (B, outputs)."""
    channels, height, width = check_image_shape(shape)
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * height * width, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, outputs),
    )


def mlp_decoder(shape: ImageShape, inputs: int) -> nn.Sequential:
    """Build a fully connected decoder, codes (B, inputs) to pixel parameters (B, C, H, W)."""
    channels, height, width = check_image_shape(shape)
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, channels * height * width),
        nn.Unflatten(1, shape),
    )


def initialise(net: nn.Sequential) -> nn.Sequential:
    """Scale a network's weights so that signals keep their size through its rectified layers.

    He et al. 2015, equation 10, with zero biases; the last layer, not rectified, gets half the
    variance. Torch's own default shrinks signals at each layer, and a VAE then takes an epoch or
    two to find that its codes are of any use.
    """
    layers = [layer for layer in net if isinstance(layer, nn.Linear | nn.modules.conv._ConvNd)]
    for layer in layers:
        inputs = layer.weight[0].numel()
        if isinstance(layer, nn.ConvTranspose2d):  # weights are (in, out, h, w); a pixel sees 1/4
            inputs = layer.weight[:, 0].numel() // (layer.stride[0] * layer.stride[1])
        variance = (1 if layer is layers[-1] else 2) / inputs
        nn.init.normal_(layer.weight, std=variance**0.5)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return net


def encoder(net: Net, shape: ImageShape, outputs: int) -> nn.Sequential:
    """Build the encoder of the named kind.

    >>> encoder("conv", (1, 28, 28), 20)(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 20])
    """
    return initialise((conv_encoder if net == "conv" else mlp_encoder)(shape, outputs))


def decoder(net: Net, shape: ImageShape, inputs: int) -> nn.Sequential:
    """Build the decoder of the named kind.

    >>> decoder("conv", (3, 45, 64), 10)(torch.zeros(2, 10)).shape
    torch.Size([2, 3, 45, 64])
    """
    return initialise((conv_decoder if net == "conv" else mlp_decoder)(shape, inputs))


def sample(images: Tensor, grid: Tensor, padding: str = "zeros") -> Tensor:
    """Return images (B, C, H, W) at places (B, h, w, 2), bilinear, (B, C, h, w) float32.

    Torch's ``grid_sample`` without ``align_corners``, which has no derivative in forward mode; for
    that, the same sums are written out.

    Args:
        images: any.
        grid: right and down, -1 and 1 at the images' edges.
        padding: ``zeros`` or ``border``, what lies outside.
    """
    if forward_ad._current_level < 0:
        return F.grid_sample(images.float(), grid, padding_mode=padding, align_corners=False)
    height, width = images.shape[2:]
    flat, total = images.float().flatten(2), torch.zeros(())
    right = ((grid[..., 0] + 1) * width - 1).flatten(1) / 2
    down = ((grid[..., 1] + 1) * height - 1).flatten(1) / 2
    if padding == "border":
        right, down = right.clamp(0, width - 1), down.clamp(0, height - 1)
    for column in (right.floor(), right.floor() + 1):
        for row in (down.floor(), down.floor() + 1):
            share = (1 - (right - column).abs()) * (1 - (down - row).abs())
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            place = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
            places = place.long()[:, None].expand(-1, flat.shape[1], -1)
            total = total + (share * inside)[:, None] * flat.gather(2, places)
    return total.view(-1, flat.shape[1], *grid.shape[1:3])


class _Bias(nn.Linear):
    """A linear layer without inputs: its bias, 0 to begin with."""

    def reset_parameters(self) -> None:
        """Draw as many random numbers as torch does, so that later layers get the same ones."""
        nn.init.uniform_(self.bias, 0.0, 0.0)


def linear(inputs: int, outputs: int) -> nn.Linear:
    """Return torch's linear layer, or without inputs one that does not warn of it.

    >>> linear(0, 3)(torch.zeros(2, 0)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return nn.Linear(inputs, outputs) if inputs else _Bias(inputs, outputs)


def as_pixels(images: Tensor) -> Tensor:
    """Return uint8 images as float32 on [0, 1]; floats pass unchanged."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images
