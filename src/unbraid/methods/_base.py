"""What every method shares: its options, and encode, decode and sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unbraid import nets
from unbraid.distributions import bernoulli_log_likelihood, gaussian_log_likelihood
from unbraid.errors import UnbraidError

Terms = dict[str, Tensor]  # named scalars in nats per image; "loss" is what is minimised
Images = Tensor | NDArray[Any]

ROWS = 500  # images encoded or decoded at once


class Context(NamedTuple):
    """Where training stands when an objective is computed."""

    noise: torch.Generator  # the only source of randomness
    epoch: float  # epochs done, fractions included
    total: int  # N, the number of training images
    phase: str = "model"  # which of the model's phases the step is for


def require(value: float, least: float, name: str, *, above: bool = False) -> None:
    """Raise an UnbraidError unless ``value`` is finite and at least (or above) ``least``."""
    if not (value > least if above else value >= least) or value == float("inf"):
        bound = f"above {least:g}" if above else f"at least {least:g}"
        raise UnbraidError(f"{name} is {value:g}, expected a finite number {bound}.")


@dataclass(frozen=True)
class MethodConfig:
    """Options of every method.

    Args:
        latent_dim: number of latents D.
        net: ``conv`` or ``mlp``, see ``unbraid.nets``.
        likelihood: p(x|z) of a pixel: ``bernoulli``, ``gaussian`` of standard deviation
            ``sigma``, or ``gaussian-learned``, whose one variance is trained along (Rybkin et
            al. 2021, "Simple and Effective VAE Training with Calibrated Decoders").
        sigma: standard deviation of a pixel, on [0, 1]; where training starts if learned.
    """

    latent_dim: int = 10
    net: nets.Net = "conv"
    likelihood: Literal["bernoulli", "gaussian", "gaussian-learned"] = "bernoulli"
    sigma: float = 0.1

    def __post_init__(self) -> None:
        require(self.latent_dim, 1, "latent_dim")
        require(self.sigma, 0, "sigma", above=True)


class Method(nn.Module):
    """An encoder and a decoder with a latent code between them.

    Subclasses give ``terms``, the objective, and may override ``posterior`` and ``prior_sample``.

    Args:
        config: the method's options.
        image_shape: (C, H, W).
        encoder_outputs: numbers the encoder gives for each latent (2 for a mean and a logvar).
    """

    def __init__(
        self, config: MethodConfig, image_shape: nets.ImageShape, encoder_outputs: int = 1
    ) -> None:
        super().__init__()
        self.config = config
        self.image_shape = image_shape
        self.latent_dim = config.latent_dim
        self.encoder = nets.encoder(config.net, image_shape, encoder_outputs * config.latent_dim)
        self.decoder = nets.decoder(config.net, image_shape, config.latent_dim)
        if config.likelihood == "gaussian-learned":
            self.pixel_logvar = nn.Parameter(torch.tensor(2 * np.log(config.sigma)).float())

    def terms(self, images: Tensor, context: Context) -> Terms:
        """Return the objective's named terms for images (B, C, H, W) on [0, 1].

        Each is a scalar in nats per image, averaged over the batch; ``"loss"`` is minimised.
        """
        raise NotImplementedError

    def phases(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of each optimizer; each step runs the phases in this order.

        Most methods have one. One with several (a generator and a discriminator) overrides this
        and looks at ``context.phase`` in ``terms``.
        """
        return {"model": list(self.parameters())}

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return mean and logvar of q(z|x), each (B, D); None if codes are points."""
        return None

    def codes(self, images: Tensor) -> Tensor:
        """Return the code of each image, (B, D): the posterior's mean where there is one."""
        posterior = self.posterior(images)
        return Tensor.float(self.encoder(images)) if posterior is None else posterior[0]

    def log_likelihood(self, z: Tensor, images: Tensor) -> Tensor:
        """Return log p(x|z) of each image, shape (B,), nats."""
        pixels = self.decoder(z).float()
        if self.config.likelihood == "bernoulli":
            return bernoulli_log_likelihood(pixels, images)
        return gaussian_log_likelihood(pixels, images, self.pixel_log_variance())

    def pixel_log_variance(self) -> Tensor | float:
        """Return the log variance of a pixel under a Gaussian likelihood."""
        if self.config.likelihood == "gaussian-learned":
            # A perfectly reconstructed pixel would send it to minus infinity: stop at 1/1000.
            return self.pixel_logvar.clamp(min=2 * float(np.log(1e-3)))
        return 2 * float(np.log(self.config.sigma))

    def pixel_mean(self, z: Tensor) -> Tensor:
        """Return E[x|z] on [0, 1] for codes (B, D), shape (B, C, H, W)."""
        pixels = self.decoder(z).float()
        if self.config.likelihood == "bernoulli":
            return torch.sigmoid(pixels)
        return pixels.clamp(0, 1)

    # From here on: what users call. Numpy or torch in, torch on the CPU out, no gradient.

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        return next(self.parameters()).device

    def encode(self, images: Images) -> Tensor:
        """Return the codes of images, (N, D) float32, row by row and always the same.

        Args:
            images: (N, C, H, W), uint8 or floats on [0, 1].

        Raises:
            UnbraidError: images of another shape than the model was trained on.
        """
        return self._by_rows(lambda rows: self.codes(self._pixels(rows)), images)

    def encode_posterior(self, images: Images) -> tuple[Tensor, Tensor]:
        """Return mean and logvar of q(z|x) for images, each (N, D) float32."""

        def both(rows: Images) -> Tensor:
            posterior = self.posterior(self._pixels(rows))
            if posterior is None:
                raise UnbraidError(
                    f"{type(self.config).__module__.rsplit('.', 1)[1]} has no posterior: "
                    "its codes are points, use encode."
                )
            return torch.cat(posterior, 1)

        mean, logvar = self._by_rows(both, images).chunk(2, 1)
        return mean, logvar

    def decode(self, codes: Images) -> Tensor:
        """Return the images of codes (N, D), (N, C, H, W) float32 on [0, 1]."""
        if codes.ndim != 2 or codes.shape[1] != self.latent_dim:
            raise UnbraidError(
                f"codes have shape {tuple(codes.shape)}, expected (N, {self.latent_dim})."
            )
        return self._by_rows(
            lambda rows: self.pixel_mean(torch.as_tensor(rows).float().to(self.device)), codes
        )

    def reconstruct(self, images: Images) -> Tensor:
        """Return ``decode(encode(images))``."""
        return self.decode(self.encode(images))

    def prior_sample(self, count: int, noise: torch.Generator) -> Tensor:
        """Draw codes from the prior p(z) = N(0, I), (count, D)."""
        return torch.randn(count, self.latent_dim, generator=noise)

    def sample(self, count: int, seed: int = 0) -> Tensor:
        """Return images of codes drawn from the prior, (count, C, H, W) float32 on [0, 1]."""
        return self.decode(self.prior_sample(count, torch.Generator().manual_seed(seed)))

    def _pixels(self, images: Images) -> Tensor:
        tensor = torch.as_tensor(np.array(images) if isinstance(images, np.ndarray) else images)
        if tuple(tensor.shape[1:]) != self.image_shape:
            raise UnbraidError(
                f"images have shape {tuple(tensor.shape)}, expected (N, C, H, W) with "
                f"(C, H, W) = {self.image_shape}, as the model was trained on."
            )
        return nets.as_pixels(tensor.to(self.device))

    @torch.no_grad()
    def _by_rows(self, function: Callable[[Any], Tensor], rows: Images) -> Tensor:
        parts = [function(rows[i : i + ROWS]).cpu() for i in range(0, len(rows), ROWS)]
        return torch.cat(parts)
