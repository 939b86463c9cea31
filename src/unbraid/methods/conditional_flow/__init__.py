"""Conditional flow: a rectified flow conditioned on any given factors; its noise is the style.

A reader learns the factors from the labelled images, from these when warped, whose factors move as
it has learned that they move, and from all others: what it reads of them it must read in any frame,
and it learns from categories that it is sure of (Sohn et al. 2020, "FixMatch"). It learns frames,
too, in which things of all factors lie alike. There an autoencoder learns to draw, and a rectified
flow (Liu et al. 2023, "Flow Straight and Fast: Learning to Generate and Transfer Data with
Rectified Flow", equation 1) to turn noise e and factors f into its codes h:

    loss = E |v(h_t, t, f) - (h - e)|^2 where h_t = (1 - t) e + t h

The noise is the style. It is independent of the factors by construction, so nothing must be spent
on keeping them apart; an image's own style is found by following its path back. v is also trained
without factors, which allows guidance (Ho and Salimans 2022, "Classifier-Free Diffusion Guidance",
equation 6).

That images may be moved, turned and scaled is built in. Which factor does so, and how, is learned.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.methods._base import require, require_share
from unbraid.methods._conditional import Conditional
from unbraid.methods._labelled import LabelledConfig
from unbraid.methods._step import Batch, Context, Phase, Terms
from unbraid.methods._style import REJECT_PROBABILITY, sample_with_rejection
from unbraid.methods.conditional_flow.frames import inverse, see
from unbraid.methods.conditional_flow.latent_flow import Velocity, follow
from unbraid.methods.conditional_flow.reading import Reading
from unbraid.nn import nets
from unbraid.nn.distributions import (
    bernoulli_log_likelihood,
    gaussian_kl,
    gaussian_sample,
)

RISE = 0.1  # share of the reader's training over which its learning rate rises
GLANCES = 0.25  # part of the reader's training that the glance and the frames have
PATHS = 4  # points on paths that the flow learns from, an image and step
MEMORY = 0.99  # of the scale of codes, a step


@dataclass(frozen=True)
class Config(LabelledConfig):
    """Options of the conditional flow.

    Args:
        latent_dim: D, number of the autoencoder's latents, and of the style's.
        beta: weight of the autoencoder's KL term.
        hidden: width of the flow's layers.
        layers: number of the flow's layers.
        width: channels of the reader's first maps.
        hide: share of images whose factors are dropped in training, for classifier-free guidance.
        guidance: weight of classifier-free guidance when generating: 1 is the flow as trained;
            above 1, images follow the factors more closely and are less diverse.
        sharpness: factor on the decoder's logits when generating: 1 gives the mean of all images
            that a code may represent, which is blurred; above 1, edges are sharper.
        path_steps: integration steps from noise to code.
        reader_share: part of the training that is the reader's.
        flow_share: part of the training that is the flow's; the autoencoder has what is left.

    >>> Config(labels=1000).latent_dim
    32
    """

    latent_dim: int = 32
    beta: float = 0.1
    hidden: int = 384
    layers: int = 4
    width: int = 32
    hide: float = 0.1
    guidance: float = 1.25
    sharpness: float = 1.1
    path_steps: int = 12
    reader_share: float = 0.4
    flow_share: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("latent_dim", "hidden", "layers", "path_steps"):
            require(getattr(self, name), 1, name)
        require(self.width, 8, "width")
        require(self.beta, 0, "beta")
        require(self.guidance, 0, "guidance")
        require(self.sharpness, 0, "sharpness", above=True)
        if self.width % 8:
            raise UnbraidError(f"width is {self.width}, expected a multiple of 8.")
        require_share(self, "reader_share", "flow_share", "hide")
        if self.reader_share + self.flow_share >= 1:
            raise UnbraidError(
                f"reader_share is {self.reader_share:g} and flow_share {self.flow_share:g}, "
                "expected a sum below 1: the autoencoder is trained for the rest."
            )


class Model(Conditional):
    """The conditional flow; a code is the factors' columns (see FactorCodes), then the style."""

    semantics = 4  # labels of a real factor count as much beside images that are only measured
    usual_steps = 4000
    selection = "autoencoder.loss"  # the flow's scale depends on how well the autoencoder did
    config: Config

    def __init__(
        self, config: Config, image_shape: nets.ImageShape, specs: tuple[FactorSpec, ...]
    ) -> None:
        super().__init__(config, image_shape, specs, config.latent_dim)
        coder = self.coder
        reals = coder.width - coder.categories
        self.reading = Reading(coder, image_shape, config.width, config.labels)
        self.encoder = nets.encoder("conv", image_shape, 2 * config.latent_dim)
        self.decoder = nets.decoder("conv", image_shape, config.latent_dim)
        self.velocity = Velocity(
            config.latent_dim, coder.categories, reals, config.hidden, config.layers
        )
        self.register_buffer("scale", torch.ones(()))  # root mean square of codes h
        self.scale: Tensor

    def phases(self) -> dict[str, Phase]:
        """Return the glance, the reader, the autoencoder and the flow, one after the other."""
        reading, end, betas = self.config.reader_share, 1 - self.config.flow_share, (0.9, 0.99)
        # where all factors are categories there is nothing to glance at
        begin = reading * GLANCES if self.reading.reader.first is not None else 0.0
        drawing = [*self.encoder.parameters(), *self.decoder.parameters()]
        parts = {
            "glance": (self.reading.parameters_of("glance"), 2.0, 0.0, begin),
            "reader": (self.reading.parameters_of("reader"), 2.0, begin, reading),
            "autoencoder": (drawing, 2.0, reading, end),
            "flow": (list(self.velocity.parameters()), 1.0, end, 1.0),
        }
        return {
            name: Phase(
                moved,
                lr,
                betas,
                span=(first, last),
                schedule="cosine",
                rise=RISE if name in ("glance", "reader") else 0.0,
            )
            for name, (moved, lr, first, last) in parts.items()
            if last > first
        }

    # -- codes --------------------------------------------------------------------------------

    def examples(self) -> Tensor:
        """Return labels of images that it was trained on, (N, F), NaN where unknown."""
        return self.reading.examples()

    def reading_error(self) -> Tensor:
        """Return by how much readings are usually off, (F,), in each factor's own unit."""
        return self.coder.distances(self.reading.reader.errors())

    def first_style(self, base: Tensor, factors: Tensor) -> Tensor:
        """Return the style of standard normal numbers (N, style_dim + 1): all but the first."""
        return base[:, 1:]

    @torch.no_grad()
    def style_from(self, base: Tensor, factors: Tensor) -> Tensor:
        """Return the style of standard normal numbers (N, style_dim + 1) for factors (N, F).

        A style in which the reader might take what is drawn, in the middle of all ranges, for
        another category is replaced by one that follows from the same numbers; a few times, if
        need be.
        """
        codes = self.coder.middle(self.factor_codes(factors))

        def rejected(rows: Tensor, style: Tensor) -> Tensor:
            read = self.read(self.pixel_mean(torch.cat([codes[rows], style], 1)))
            return self.coder.plausible(read, codes[rows], REJECT_PROBABILITY) == 0

        return sample_with_rejection(base, lambda rows, numbers: numbers[:, 1:], rejected)

    def restyle(self, style: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Return styles (N, style_dim) under other factors: they are the same."""
        return style

    def read(self, images: Tensor) -> Tensor:
        """Return the code columns read from images, (B, factor_width)."""
        outputs: Tensor = self.reading.reader(images)
        return self.coder.canonical(self.coder.reading(outputs))

    def frames(self, columns: Tensor) -> Tensor:
        """Return the frames (B, 2, 3) that go with code columns (B, factor_width)."""
        found: Tensor = self.reading.reader.frame(columns[:, self.coder.categories :])
        return found

    def posterior_of(self, images: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and logvar of q(h|x, f), each (B, latent_dim), given code columns."""
        pictures = see(images, self.frames(columns))
        mean, logvar = Tensor.float(self.encoder(pictures)).chunk(2, 1)
        return mean, logvar.clamp(-8, 2)

    def logits(self, h: Tensor, columns: Tensor) -> Tensor:
        """Return the logits (B, C, H, W) of codes h, drawn in the frames of code columns."""
        return see(self.decoder(h), inverse(self.frames(columns)))

    def along(self, start: Tensor, columns: Tensor, back: bool = False) -> Tensor:
        """Return codes of styles (B, style_dim) under factor columns, or styles of codes."""
        # of the start's own size, not of a number of rows, so that an exported graph takes any
        told, hidden = torch.zeros_like(start[:, :1]), torch.ones_like(start[:, :1])
        columns, weight = self.reading.certain(columns), self.config.guidance

        def velocity(here: Tensor, time: Tensor) -> Tensor:
            guided: Tensor
            if weight == 1:
                guided = self.velocity(here, time, columns, told)
                return guided
            if nets.is_transformed():  # an exported graph keeps to its number of rows
                guided = self.velocity(here, time, columns, told)
                plain = self.velocity(here, time, columns, hidden)
            else:  # both at once are quicker: most of the time goes to reading the weights
                twice = (torch.cat([each, each]) for each in (here, time, columns))
                both = self.velocity(*twice, torch.cat([told, hidden]))
                guided, plain = both.chunk(2)
            found: Tensor = plain + weight * (guided - plain)
            return found

        return follow(velocity, start, self.config.path_steps, back)

    def codes(self, images: Tensor) -> Tensor:
        """Return the factors read from images and their style, (B, D)."""
        found = self.read(images)
        mean, _ = self.posterior_of(images, found)
        return torch.cat([found, self.along(mean / self.scale, found, back=True)], 1)

    def pixel_mean(self, codes: Tensor) -> Tensor:
        """Return the image of factors and style, (B, C, H, W) on [0, 1]."""
        columns, style = codes.tensor_split([self.factor_width], 1)
        columns = self.coder.canonical(columns)
        logits = self.logits(self.along(style, columns) * self.scale, columns)
        return torch.sigmoid(self.config.sharpness * logits)

    def prior_sample(self, count: int, noise: torch.Generator) -> Tensor:
        """Draw factors evenly and styles from a standard normal, (count, D)."""
        codes = self.coder.encode(self.coder.even(count, noise))
        return torch.cat([codes, torch.randn((count, self.style_dim), generator=noise)], 1)

    # -- objectives ---------------------------------------------------------------------------

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return the terms of a phase."""
        if context.phase == "glance":
            return self.reading.glance_terms(batch, context)
        if context.phase == "reader":
            return self.reading.reader_terms(batch, context)
        images = batch.images
        with torch.no_grad():
            columns = self.read(images)
            if batch.factors is not None:  # what is known needs no reading
                known = self.coder.encode(batch.factors)
                columns = torch.where(torch.isnan(known), columns, known)
            columns = self.coder.canonical(self.reading.certain(columns))
        if context.phase == "autoencoder":
            return self.autoencoder_terms(images, columns, context.noise)
        return self.flow_terms(images, columns, context.noise)

    def autoencoder_terms(self, images: Tensor, columns: Tensor, noise: torch.Generator) -> Terms:
        """Return ``reconstruction`` and ``kl``, nats per image, given code columns."""
        mean, logvar = self.posterior_of(images, columns)  # q(h|x, f), (B, D)
        h = gaussian_sample(mean, logvar, noise)
        logits = self.logits(h, columns)
        reconstruction = -bernoulli_log_likelihood(logits, images).mean()
        kl = gaussian_kl(mean, logvar).sum(1).mean()
        if self.training:
            with torch.no_grad():
                size = (mean.square() + logvar.exp()).mean().sqrt()
                self.scale.lerp_(size, 1 - MEMORY)
        loss = reconstruction + self.config.beta * kl
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl}

    def flow_terms(self, images: Tensor, columns: Tensor, noise: torch.Generator) -> Terms:
        """Return ``path``, the squared error of the velocity, summed over latents."""
        with torch.no_grad():
            mean, logvar = (part.repeat(PATHS, 1) for part in self.posterior_of(images, columns))
            columns, one = columns.repeat(PATHS, 1), (PATHS * len(images), 1)
            h = gaussian_sample(mean, logvar, noise) / self.scale
            start = torch.randn(h.shape, generator=noise, device=h.device)
            time = torch.sigmoid(torch.randn(one, generator=noise, device=h.device))
            hidden = torch.rand(one, generator=noise, device=h.device) < self.config.hide
            here = (1 - time) * start + time * h
        found = self.velocity(here, time, columns, hidden.float())
        path = (found - (h - start)).square().sum(1).mean()
        return {"loss": path, "path": path}
