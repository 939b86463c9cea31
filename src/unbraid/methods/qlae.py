"""QLAE: an autoencoder whose latents each take one of a few values, under strong weight decay.

Hsu et al. 2023, "Disentanglement via Latent Quantization", equations 3 to 5. Each latent z_j has
values of its own, which are learned, and the nearest one is decoded:

    q_j = the value v nearest to z_j;   z^ = z + stop(q - z)
    loss = -log p(x|z^) + P/D sum_j [quantisation (stop(z_j) - q_j)^2
                                     + commitment (z_j - stop(q_j))^2]

stop passes no gradient, so values are moved by the first square alone. The paper averages over
P pixels (of all channels) and D latents where we add up: P/D makes its weights mean the same here.
The optimizer, AdamW with the weight decay of the paper, is given the loss divided by P, as its
clipping and epsilon do not scale along.

With ``quantiser="fsq"`` values are fixed (Mentzer et al. 2023, "Finite Scalar Quantization: VQ-VAE
Made Simple", section 3.1): z is bounded by tanh and rounded, and loss = -log p(x|z^).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from unbraid.core.latents import Layout, Quantised
from unbraid.methods._autoencoder import Autoencoder, AutoencoderConfig
from unbraid.methods._base import require
from unbraid.methods._step import Batch, Context, Phase, Terms
from unbraid.nn import nets

WIDTH = 0.5  # values begin evenly spaced from -WIDTH to WIDTH
CLIP = 1.0  # of each number of the gradient, of the loss as the paper averages it
MARGIN = 1e-3  # by which fsq's bound lies beyond the outermost values, as a part of it
MOST = 0.25  # of a step between values, that this may be: half of one is another value
FARTHEST = 0.8  # part of fsq's bound at which 0 lies at most


@dataclass(frozen=True)
class Config(AutoencoderConfig):
    """Options of QLAE.

    Args:
        net: ``style``, whose decoder is the paper's, or another one, see ``unbraid.nn.nets``.
        levels: values that each latent has.
        quantiser: ``codebook``, values that are learned, or ``fsq``, fixed ones.
        quantisation: weight of the distance that moves values to latents, as the paper counts it.
        commitment: weight of the distance that moves latents to values, as the paper counts it.
        weight_decay: of AdamW, of all weights but biases and values; the paper has 0.1, and 0.001
            for MPI3D.

    >>> Config().levels
    10
    """

    net: nets.Net = "style"
    levels: int = 10
    quantiser: Literal["codebook", "fsq"] = "codebook"
    quantisation: float = 0.01
    commitment: float = 0.01
    weight_decay: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.levels, 2, "levels")
        for name in ("quantisation", "commitment", "weight_decay"):
            require(getattr(self, name), 0, name)

    def without_effect(self) -> dict[str, str]:
        """Return the options that the other options leave without effect, each with the reason."""
        weights = ("quantisation", "commitment") if self.quantiser == "fsq" else ()
        told = dict.fromkeys(weights, "quantiser is fsq, whose values are fixed")
        return super().without_effect() | told


def fixed_values(levels: int) -> tuple[float, ...]:
    """Return the values that fsq rounds to, in ascending order.

    >>> fixed_values(5), fixed_values(4)
    ((-1.0, -0.5, 0.0, 0.5, 1.0), (-1.0, -0.5, 0.0, 0.5))
    """
    half = levels // 2
    return tuple(((np.arange(levels, dtype=np.float32) - half) / half).tolist())


def fsq(z: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """Return z bounded, and rounded to one of ``fixed_values``, both of its shape.

    >>> fsq(torch.tensor([-9.0, 0.0, 9.0]), 5)[1].tolist()
    [-1.0, 0.0, 1.0]
    """
    outermost, offset = (levels - 1) / 2, 0.0 if levels % 2 else 0.5
    reach = outermost + min(MARGIN * outermost, MOST)
    # at 0 it is 0; of two levels that is an end of tanh, where no gradient passes
    shift = math.atanh(min(offset / reach, FARTHEST))
    bounded = torch.tanh(z + shift) * reach - offset
    half = levels // 2
    return bounded / half, bounded.round() / half


class Model(Autoencoder):
    """QLAE; codes are the values of its latents."""

    config: Config

    def __init__(self, config: Config, image_shape: nets.ImageShape) -> None:
        layout = Layout([Quantised(fixed_values(config.levels))] * config.latent_dim)
        super().__init__(config, image_shape, config.latent_dim, layout)
        if config.quantiser == "codebook":
            values = torch.linspace(-WIDTH, WIDTH, config.levels)
            self.codebook = nn.Parameter(values.repeat(config.latent_dim, 1))  # (D, levels)

    @property
    def layout(self) -> Layout:
        """The latents, with the values they have now."""
        if self.config.quantiser == "fsq":
            return super().layout
        return super().layout.with_values(self.codebook.detach().cpu().numpy())

    def phases(self) -> dict[str, Phase]:
        """Return one phase: AdamW, which decays all weights but biases and values of latents."""
        undecayed = ("bias", "codebook", "pixel_logvar")
        decayed = [p for name, p in self.named_parameters() if not name.endswith(undecayed)]
        return {
            "model": Phase(
                list(self.parameters()),
                optimizer="adamw",
                weight_decay=self.config.weight_decay,
                decayed=decayed,
                clip_value=CLIP,
                loss_scale=1 / math.prod(self.image_shape),
            )
        }

    def quantised(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the latents as continuous numbers, bounded for fsq, and their values, (B, D)."""
        z = Tensor.float(self.encoder(images))
        if self.config.quantiser == "fsq":
            return fsq(z, self.config.levels)
        index = (z[:, :, None] - self.codebook).abs().argmin(2)  # (B, D)
        return z, self.codebook.T.gather(0, index)

    def codes(self, images: Tensor) -> Tensor:
        """Return the value of each latent, (B, D)."""
        return self.quantised(images)[1]

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return ``reconstruction``, the unweighted squares, and how many ``levels`` are used.

        The squares, ``quantisation`` and ``commitment``, are summed over latents.
        """
        z, values = self.quantised(batch.images)
        straight = z + (values - z).detach()  # z^
        reconstruction = -self.log_likelihood(straight, batch.images).mean()
        found = {"loss": reconstruction, "reconstruction": reconstruction}
        if self.config.quantiser == "codebook":
            quantisation = (z.detach() - values).square().sum(1).mean()
            commitment = (z - values.detach()).square().sum(1).mean()
            scale = math.prod(self.image_shape) / self.config.latent_dim
            weighed = self.config.quantisation * quantisation + self.config.commitment * commitment
            found["loss"] = reconstruction + scale * weighed
            found |= {"quantisation": quantisation, "commitment": commitment}
        return {**found, "levels": self.levels_used(values.detach())}

    def levels_used(self, values: Tensor) -> Tensor:
        """Return how many different values each latent of a batch (B, D) has, on average."""
        changes = values.sort(0).values.diff(dim=0) != 0
        return 1 + changes.float().sum(0).mean()
