"""The judge: reads digit, size, place, angle and stroke width off an image, to check others by.

It saw renderings of ``digits`` alone, of handwriting that no generator or reader gets
(``glyphs=(40_000, 60_000)`` of the train split), and has an architecture of its own: residual
blocks behind a strided stem, and the ink's own moments beside them. **Nothing is ever trained on
what it says.** ``benchmarks/judge.py`` makes its weights and measures its errors.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unbraid.errors import UnbraidError
from unbraid.files import read_json

FACTORS = ("digit", "size", "x", "y", "angle", "thickness")  # columns of what read returns
GLYPHS = (40_000, 60_000)  # rows of MNIST's train split whose handwriting it was trained on
SIDE = 32  # of the images it looks at
FOLDER = Path(__file__).parent.parent / "pretrained/judge"

# The middle and half the width of each continuous factor's default range, in FACTORS' order.
MIDDLE = (32.0, 0.0, 0.0, 0.0, 3.75)
HALF = (8.0, 9.0, 9.0, 45.0, 1.75)

FARTHEST = 2.0  # half-widths from the middle that it says at most, whatever mush it is shown

_CHANNELS = ((32, 1), (64, 2), (64, 1), (96, 2))  # of each block, and its stride
_HIDDEN = 64
_ROWS = 500  # images looked at together


class Block(nn.Module):
    """Two convolutions beside a shortcut, each after its normalisation (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (B, outputs, H / stride, W / stride)."""
        inner = self.conv1(F.relu(self.norm1(maps)))
        both: Tensor = self.shortcut(maps) + self.conv2(F.relu(self.norm2(inner)))
        return both


class Net(nn.Module):
    """The judge's network: images (B, 1, 32, 32) on [0, 1] to logits (B, 10) and factors (B, 5).

    The factors are in half-widths of their default range from its middle.
    """

    def __init__(self) -> None:
        super().__init__()
        channels = _CHANNELS[0][0]
        self.stem = nn.Conv2d(1, channels, 5, 2, 2)
        blocks = []
        for outputs, stride in _CHANNELS:
            blocks.append(Block(channels, outputs, stride))
            channels = outputs
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(channels)
        seen = channels * (SIDE // 8) ** 2
        self.digit = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(seen, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, 10)
        )
        self.factors = nn.Sequential(nn.Linear(seen + 7, _HIDDEN), nn.ReLU())
        self.out = nn.Linear(_HIDDEN + 7, len(FACTORS) - 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (B, 10) and factors (B, 5)."""
        maps = F.relu(self.norm(self.blocks(self.stem(images)))).flatten(1).float()
        with torch.autocast(images.device.type, enabled=False):  # places need more than 8 bits
            ink = moments(images.float())
            hidden = self.factors(torch.cat([maps, ink], 1))
            return self.digit(maps), self.out(torch.cat([hidden, ink], 1))


def moments(images: Tensor) -> Tensor:
    """Return the ink's log mass, centroid, spreads and log extent, (B, 7), all about 1 or less.

    An image without any ink counts as one with a hundredth of a pixel of it.
    """
    side = images.shape[-1]
    at = (torch.arange(side, dtype=torch.float32, device=images.device) + 0.5) / (side / 2) - 1
    rows, columns = images.sum((1, 3)), images.sum((1, 2))  # ink by row and by column, (B, side)
    mass = columns.sum(1, keepdim=True).clamp(min=0.01)
    x, y = (columns @ at)[:, None] / mass, -(rows @ at)[:, None] / mass
    xx = (columns @ at.square())[:, None] / mass - x.square()
    yy = (rows @ at.square())[:, None] / mass - y.square()
    xy = torch.einsum("bij,i,j->b", images[:, 0], -at, at)[:, None] / mass - x * y
    extent = (xx + yy).clamp(min=1e-4).log() / 2 + 1
    return torch.cat([(mass / 100).log(), 3 * x, 3 * y, 10 * xx, 10 * yy, 10 * xy, extent], 1)


def shrink(images: Any) -> Tensor:
    """Return images as floats on [0, 1] at 32 by 32, larger ones averaged down.

    Args:
        images: (N, 1, 32, 32) or (N, 1, 64, 64), uint8 or floats on [0, 1].

    Raises:
        UnbraidError: images of another shape.

    >>> shrink(np.full((2, 1, 64, 64), 255, np.uint8)).shape
    torch.Size([2, 1, 32, 32])
    """
    tensor = torch.as_tensor(np.asarray(images))
    if tuple(tensor.shape[1:]) not in ((1, SIDE, SIDE), (1, 2 * SIDE, 2 * SIDE)):
        raise UnbraidError(
            f"the judge was given images of shape {tuple(tensor.shape)}, expected (N, 1, 32, 32) "
            "or (N, 1, 64, 64): it reads digits drawn on those canvases."
        )
    pixels = tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor.float()
    return F.avg_pool2d(pixels, tensor.shape[-1] // SIDE)


class Judge:
    """Reads the factors of ``digits`` off images.

    Args:
        net: its network, trained.

    >>> from unbraid.datasets.digits import Renderer
    >>> renderer = Renderer("test", canvas=32)
    >>> asked = np.array([[7, 30, -6, 5, 30, 4.0]])
    >>> found = Judge.load().read(renderer.draw(asked, renderer.choose(asked)))
    >>> bool((abs(found - asked) < (0.5, 3, 2, 2, 15, 0.5)).all())
    True
    """

    def __init__(self, net: Net) -> None:
        self.net = net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def load(cls) -> Judge:
        """Return the judge that ships with the package.

        Raises:
            UnbraidError: its weights are missing or damaged.
        """
        return _shipped()

    @torch.no_grad()
    def look(self, images: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return each class's probability (N, 10) and the factors (N, 6), see ``read``."""
        pixels = shrink(images)
        found = [self.net(part) for part in torch.split(pixels, _ROWS)] if len(pixels) else []
        if not found:
            return np.zeros((0, 10)), np.zeros((0, len(FACTORS)))
        logits, scaled = (torch.cat(part).double() for part in zip(*found, strict=True))
        continuous = scaled.clamp(-FARTHEST, FARTHEST) * torch.tensor(HALF) + torch.tensor(MIDDLE)
        factors = torch.cat([logits.argmax(1, keepdim=True).double(), continuous], 1)
        return logits.softmax(1).numpy(), factors.numpy()

    def read(self, images: Any) -> NDArray[np.float64]:
        """Return what is on the images, float64 (N, 6).

        Args:
            images: (N, 1, 32, 32) or (N, 1, 64, 64), uint8 or floats on [0, 1].

        Returns:
            digit (0 to 9), size, x, y, angle and thickness, lengths in pixels of a 64-pixel
            canvas, as ``digits`` stores them, from a range twice as wide as the default one.
        """
        return self.look(images)[1]

    def probabilities(self, images: Any) -> NDArray[np.float64]:
        """Return the probability of each digit, (N, 10); images as in ``read``."""
        return self.look(images)[0]

    @property
    def known_errors(self) -> dict[str, Any]:
        """How far it errs on renderings of handwriting it never saw."""
        found: dict[str, Any] = read_json(FOLDER / "result.json")
        return found


@cache
def _shipped() -> Judge:
    path = FOLDER / "model.safetensors"
    net = Net()
    try:
        net.load_state_dict(safetensors.torch.load_file(path))  # stored in float16
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise UnbraidError(
            f"the judge's weights {path} cannot be read ({reason}): install unbraid again, "
            "or make them with benchmarks/judge.py."
        ) from error
    return Judge(net)
