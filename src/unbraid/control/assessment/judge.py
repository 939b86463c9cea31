"""The judge of ``digits``: reads digit, size, position, angle and stroke width of an image.

It was trained on renderings of ``digits`` only, from handwriting that no other model is trained on
(``glyphs=(40_000, 60_000)`` of the train split). Its network shares no code with the methods:
residual blocks after a strided stem, and image moments. **No model is trained on its output.**
``benchmarks/judge.py`` trains it and measures its errors.
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

from unbraid.control.assessment.judge_network import ResidualBlock, central_moments
from unbraid.core.errors import UnbraidError
from unbraid.core.files import read_json

FACTORS = ("digit", "size", "x", "y", "angle", "thickness")  # columns that read returns
GLYPHS = (40_000, 60_000)  # rows of MNIST's train split that it was trained on
SIDE = 32  # pixels of its input
FOLDER = Path(__file__).parents[2] / "pretrained/judge"

# Middle and half width of the default range of each continuous factor, in FACTORS' order.
MIDDLE = (32.0, 0.0, 0.0, 0.0, 3.75)
HALF = (8.0, 9.0, 9.0, 45.0, 1.75)

MAX_DEVIATION = 2.0  # half-widths from the middle; larger outputs are clipped

_CHANNELS = ((32, 1), (64, 2), (64, 1), (96, 2))  # and stride of each block
_HIDDEN = 64
_BATCH = 500  # images


class Net(nn.Module):
    """The judge's network: images (B, 1, 32, 32) on [0, 1] to logits (B, 10) and factors (B, 5).

    Factors are relative to the middle of their default range, in half-widths.
    """

    def __init__(self) -> None:
        super().__init__()
        channels = _CHANNELS[0][0]
        self.stem = nn.Conv2d(1, channels, 5, 2, 2)
        blocks = []
        for outputs, stride in _CHANNELS:
            blocks.append(ResidualBlock(channels, outputs, stride))
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
        with torch.autocast(
            images.device.type, enabled=False
        ):  # positions need more precision than bf16
            ink = moments(images.float())
            hidden = self.factors(torch.cat([maps, ink], 1))
            return self.digit(maps), self.out(torch.cat([hidden, ink], 1))


def moments(images: Tensor) -> Tensor:
    """Return log mass, centroid, variances, covariance and log extent of the ink, (B, 7).

    They are scaled to about 1. The mass of an empty image is set to 0.01 pixels.
    """
    ink = images[:, 0]
    mass = ink.sum(1).sum(1, keepdim=True).clamp(min=0.01)
    x, y, xx, yy, xy = central_moments(ink, mass)
    extent = (xx + yy).clamp(min=1e-4).log() / 2 + 1
    return torch.cat([(mass / 100).log(), 3 * x, 3 * y, 10 * xx, 10 * yy, 10 * xy, extent], 1)


def to_input(images: Any) -> Tensor:
    """Return images as floats on [0, 1] of 32 by 32 pixels, larger ones averaged over 2 by 2.

    Args:
        images: (N, 1, 32, 32) or (N, 1, 64, 64), uint8 or floats on [0, 1].

    Raises:
        UnbraidError: images of another shape.

    >>> to_input(np.full((2, 1, 64, 64), 255, np.uint8)).shape
    torch.Size([2, 1, 32, 32])
    """
    tensor = torch.as_tensor(np.ascontiguousarray(images))
    if tuple(tensor.shape[1:]) not in ((1, SIDE, SIDE), (1, 2 * SIDE, 2 * SIDE)):
        raise UnbraidError(
            f"the judge was given images of shape {tuple(tensor.shape)}, expected (N, 1, 32, 32) "
            "or (N, 1, 64, 64): it reads digits on canvases of these sizes."
        )
    pixels = tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor.float()
    return F.avg_pool2d(pixels, tensor.shape[-1] // SIDE)


class Judge:
    """Reads the factors of ``digits`` from images.

    Args:
        net: the trained network.

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
        """Return the judge that is installed with the package.

        Raises:
            UnbraidError: its weights are missing or damaged.
        """
        return _shipped()

    @torch.no_grad()
    def predict(self, images: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return class probabilities (N, 10) and factors (N, 6), see ``read``."""
        pixels = to_input(images)
        found = [self.net(part) for part in torch.split(pixels, _BATCH)] if len(pixels) else []
        if not found:
            return np.zeros((0, 10)), np.zeros((0, len(FACTORS)))
        logits, scaled = (torch.cat(part).double() for part in zip(*found, strict=True))
        continuous = scaled.clamp(-MAX_DEVIATION, MAX_DEVIATION) * torch.tensor(
            HALF
        ) + torch.tensor(MIDDLE)
        factors = torch.cat([logits.argmax(1, keepdim=True).double(), continuous], 1)
        return logits.softmax(1).numpy(), factors.numpy()

    def read(self, images: Any) -> NDArray[np.float64]:
        """Return the factors of images, float64 (N, 6).

        Args:
            images: (N, 1, 32, 32) or (N, 1, 64, 64), uint8 or floats on [0, 1].

        Returns:
            digit (0 to 9), size, x, y, angle and thickness, lengths in pixels of a 64-pixel
            canvas, as ``digits`` stores them, clipped to twice the width of the default range.
        """
        return self.predict(images)[1]

    def probabilities(self, images: Any) -> NDArray[np.float64]:
        """Return the probability of each digit, (N, 10); images as in ``read``."""
        return self.predict(images)[0]

    @property
    def known_errors(self) -> dict[str, Any]:
        """Its errors on renderings of the test split's handwriting."""
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
            "or train it with benchmarks/judge.py."
        ) from error
    return Judge(net)
