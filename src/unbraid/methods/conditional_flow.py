"""Conditional flow: any factors are asked for by name, and style is noise that knows none of them.

Three nets are trained one after the other. A reader learns the factors from the labelled images and
goes on to learn from all others: from categories that it is sure of (Sohn et al. 2020, "FixMatch"),
and from warped images, whose factors move as it has learned that they move. An autoencoder learns
to draw, and a rectified flow (Liu et al. 2023, "Flow Straight and Fast: Learning to Generate and
Transfer Data with Rectified Flow", equation 1) to turn noise e and factors f into its codes h:

    loss = E |v(h_t, t, f) - (h - e)|^2 where h_t = (1 - t) e + t h

The noise is the style. It is independent of the factors by construction, so nothing must be spent
on keeping them apart; an image's own style is found by following its path back. v is also trained
without factors, which allows guidance (Ho and Salimans 2022, "Classifier-Free Diffusion Guidance",
equation 6).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unbraid import nets
from unbraid.distributions import (
    Layout,
    bernoulli_log_likelihood,
    gaussian_kl,
    gaussian_sample,
)
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec
from unbraid.methods import _flow_nets
from unbraid.methods._base import Context, Method, Phase, Terms, require
from unbraid.methods._factor_codes import FactorCodes
from unbraid.methods._labelled import LabelledConfig
from unbraid.methods._latent_flow import Velocity, follow
from unbraid.methods._reader import dropping
from unbraid.methods._warps import WarpAction, draw_warps, warp

READ = 128  # images of a batch, labelled and others, that the reader takes
SURE = 0.95  # probability above which a category read from an unlabelled image is learned from
RIGHT = 0.9  # share of labelled images read right above which categories' warps grow stronger,
STEP = 0.005  # by so much a step
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
        hide: share of images whose factors the flow is not told, for guidance.
        guidance: weight of the factors when drawing: 1 draws as trained, more obeys more and
            varies less.
        sharpness: by which the decoder's logits are multiplied when drawing: 1 draws the mean of
            all images that a code may stand for, which is blurred; more comes closer to one.
        path_steps: of the path from noise to code.
        reader_share: part of the training that is the reader's.
        flow_share: part of the training that is the flow's; the autoencoder has what is left.

    >>> Config(labels=1000).latent_dim
    64
    """

    latent_dim: int = 64
    beta: float = 0.1
    hidden: int = 384
    layers: int = 4
    width: int = 32
    hide: float = 0.1
    guidance: float = 1.0
    sharpness: float = 1.5
    path_steps: int = 12
    reader_share: float = 0.3
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
        for name in ("reader_share", "flow_share", "hide"):
            if not 0 < getattr(self, name) < 1:
                share = getattr(self, name)
                raise UnbraidError(f"{name} is {share:g}, expected a share between 0 and 1.")
        if self.reader_share + self.flow_share >= 1:
            raise UnbraidError(
                f"reader_share is {self.reader_share:g} and flow_share {self.flow_share:g}, "
                "expected less than 1 together: the autoencoder needs a part, too."
            )


class Model(Method):
    """The conditional flow; a code is the factors' columns (see FactorCodes), then the style."""

    labelled = True
    selection = "autoencoder.loss"  # the others' scales depend on how well these two nets did
    config: Config

    def __init__(
        self, config: Config, image_shape: nets.ImageShape, specs: tuple[FactorSpec, ...]
    ) -> None:
        coder = FactorCodes(specs)
        reals = coder.width - coder.categories
        layout = Layout(tuple(coder.levels), reals + config.latent_dim)
        super().__init__(config, image_shape, layout)
        self.specs, self.coder = tuple(specs), coder
        self.factor_width, self.style_dim = coder.width, config.latent_dim
        self.reader = _flow_nets.Reader(coder, image_shape, config.width)
        self.action = WarpAction(reals)
        self.encoder = nets.encoder("conv", image_shape, 2 * config.latent_dim)
        self.decoder = nets.decoder("conv", image_shape, config.latent_dim)
        self.velocity = Velocity(
            config.latent_dim, coder.categories, reals, config.hidden, config.layers
        )
        # of the warps of images that categories are read from, in units of the usual
        self.register_buffer("strength", torch.zeros(()))
        self.strength: Tensor
        self.register_buffer("scale", torch.ones(()))  # root mean square of codes h
        self.scale: Tensor

    def phases(self) -> dict[str, Phase]:
        """Return the reader, the autoencoder and the flow, one after the other."""
        begin, end = self.config.reader_share, 1 - self.config.flow_share
        drawing = [*self.encoder.parameters(), *self.decoder.parameters()]
        return {
            "reader": Phase(
                list(self.reader.parameters()), 2.0, (0.9, 0.99), span=(0, begin), fall=True
            ),
            "autoencoder": Phase(drawing, 2.0, (0.9, 0.99), span=(begin, end), fall=True),
            "flow": Phase(
                list(self.velocity.parameters()), 1.0, (0.9, 0.99), span=(end, 1), fall=True
            ),
        }

    # -- codes --------------------------------------------------------------------------------

    @torch.no_grad()
    def factor_codes(self, factors: Tensor) -> Tensor:
        """Return the code columns of factors (N, F), (N, factor_width)."""
        return self.coder.encode(factors)

    @torch.no_grad()
    def factors_of(self, codes: Tensor) -> Tensor:
        """Return the factors that codes (N, D) say, (N, F)."""
        return self.coder.decode(codes)

    def style_from(self, base: Tensor, factors: Tensor) -> Tensor:
        """Return the style of standard normal numbers (N, style_dim + 1): all but the first."""
        return base[:, 1:]

    def restyle(self, style: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Return styles (N, style_dim) under other factors: they are the same."""
        return style

    def certain(self, codes: Tensor) -> Tensor:
        """Return code columns whose categories are certain: the most probable ones."""
        split = self.coder.categories
        parts = _parts(codes[:, :split], self.coder.levels)
        # not by one_hot, which looks at the numbers and so cannot be exported or mapped
        levels = [torch.arange(part.shape[1], device=part.device) for part in parts]
        sure = [
            (part.argmax(1, keepdim=True) == level).to(codes.dtype)
            for part, level in zip(parts, levels, strict=True)
        ]
        return torch.cat([*sure, codes[:, split:]], 1)

    def posterior_of(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and logvar of the autoencoder's q(h|x), each (B, latent_dim)."""
        mean, logvar = Tensor.float(self.encoder(images)).chunk(2, 1)
        return mean, logvar.clamp(-8, 2)

    def along(self, start: Tensor, columns: Tensor, back: bool = False) -> Tensor:
        """Return codes of styles (B, style_dim) under factor columns, or styles of codes."""
        # of the start's own size, not of a number of rows, so that an exported graph takes any
        told, hidden = torch.zeros_like(start[:, :1]), torch.ones_like(start[:, :1])
        columns, weight = self.certain(columns), self.config.guidance

        def velocity(here: Tensor, time: Tensor) -> Tensor:
            guided: Tensor = self.velocity(here, time, columns, told)
            if weight == 1:
                return guided
            plain: Tensor = self.velocity(here, time, columns, hidden)
            return plain + weight * (guided - plain)

        return follow(velocity, start, self.config.path_steps, back)

    def codes(self, images: Tensor) -> Tensor:
        """Return the factors read from images and their style, (B, D)."""
        found = self.coder.reading(self.reader(images))
        mean, _ = self.posterior_of(images)
        return torch.cat([found, self.along(mean / self.scale, found, back=True)], 1)

    def pixel_mean(self, codes: Tensor) -> Tensor:
        """Return the image of factors and style, (B, C, H, W) on [0, 1]."""
        found = self.along(codes[:, self.factor_width :], codes[:, : self.factor_width])
        logits = Tensor.float(self.decoder(found * self.scale))
        return torch.sigmoid(self.config.sharpness * logits)

    def prior_sample(self, count: int, noise: torch.Generator) -> Tensor:
        """Draw factors evenly and styles from a standard normal, (count, D)."""
        codes = self.coder.encode(self.coder.even(count, noise))
        return torch.cat([codes, torch.randn((count, self.style_dim), generator=noise)], 1)

    # -- objectives ---------------------------------------------------------------------------

    def terms(self, images: Tensor, context: Context) -> Terms:
        """Return the terms of the reader, the autoencoder or the flow."""
        if context.phase == "reader":
            return self.reader_terms(images[:READ], context)
        if context.phase == "autoencoder":
            return self.autoencoder_terms(images, context.noise)
        return self.flow_terms(images, context)

    def reader_terms(self, images: Tensor, context: Context) -> Terms:
        """Return ``category`` and ``real``, losses on labels, and the same on what was read.

        Without labels, as in a validation that is given none, the first two are left out.
        """
        seen, factors = images[:0], images.new_zeros((0, len(self.specs)))
        if context.labelled is not None:
            seen, factors = (part[:READ] for part in context.labelled)
        both = torch.cat([seen, images]).float()
        with torch.no_grad():
            read = self.coder.reading(self.reader(both))
        labels = self.coder.encode(factors)
        split, count = self.coder.categories, len(seen)
        codes = torch.cat([torch.where(torch.isnan(labels), read[:count], labels), read[count:]])
        warps = draw_warps(len(both), context.noise)
        targets = torch.cat(
            [self.certain(codes)[:, :split], self.action(warps, codes[:, split:])], 1
        )
        targets[:count] = torch.where(torch.isnan(labels), labels, targets[:count])
        with dropping(self.reader, context.noise):
            outputs = self.reader(warp(both, warps * self.strength), warp(both, warps))
        if self.training:
            self.action.update(warps, codes[:, split:], outputs.detach()[:, split:])
            self.adapt(outputs.detach()[:count], labels)
        category = self.coder.category_loss(outputs, targets)
        real = self.reader.real_loss(outputs, targets)
        terms: Terms = {}
        if count:
            terms |= {"category": category[:count].mean(), "real": real[:count].mean()}
        loss = sum(terms.values(), start=images.new_zeros(()))
        terms["read_category"] = (category[count:] * self.sure(read[count:])).mean()
        terms["read_real"] = real[count:].mean()
        # what is read from unlabelled images counts once there is something to it
        trust = min(1.0, context.epoch / 2)
        loss = loss + trust * (terms["read_category"] + terms["read_real"])
        return {"loss": loss, **terms}

    @torch.no_grad()
    def adapt(self, outputs: Tensor, labels: Tensor) -> None:
        """Warp images for the categories more if these are still read right, else less.

        A warp that makes one category into another teaches contradictions, and is noticed so.
        """
        split = self.coder.categories
        right = []
        for part, target in zip(
            self.coder.logits(outputs), _parts(labels[:, :split], self.coder.levels), strict=True
        ):
            known = ~torch.isnan(target).any(1)
            right.append((part.argmax(1) == target.argmax(1))[known].float().mean())
        if right:
            share = torch.stack(right).nan_to_num(0.0).min()
            self.strength.add_(torch.where(share >= RIGHT, STEP, -STEP)).clamp_(0, 1)

    def sure(self, read: Tensor) -> Tensor:
        """Return 1 where all categories were read with certainty, else 0, (B,)."""
        found = torch.ones(len(read), device=read.device)
        for part in _parts(read[:, : self.coder.categories], self.coder.levels):
            found = found * (part.amax(1) > SURE)
        return found

    def autoencoder_terms(self, images: Tensor, noise: torch.Generator) -> Terms:
        """Return ``reconstruction`` and ``kl``, nats per image."""
        mean, logvar = self.posterior_of(images)  # q(h|x), (B, D)
        h = gaussian_sample(mean, logvar, noise)
        reconstruction = -bernoulli_log_likelihood(Tensor.float(self.decoder(h)), images).mean()
        kl = gaussian_kl(mean, logvar).sum(1).mean()
        if self.training:
            with torch.no_grad():
                size = (mean.square() + logvar.exp()).mean().sqrt()
                self.scale.lerp_(size, 1 - MEMORY)
        loss = reconstruction + self.config.beta * kl
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl}

    def flow_terms(self, images: Tensor, context: Context) -> Terms:
        """Return ``path``, the squared error of the velocity, summed over latents."""
        noise, count = context.noise, len(images)
        with torch.no_grad():
            columns = self.coder.reading(self.reader(images))
            if context.factors is not None:  # what is known needs no reading
                known = self.coder.encode(context.factors)
                columns = torch.where(torch.isnan(known), columns, known)
            columns = self.certain(columns).repeat(PATHS, 1)
            mean, logvar = (part.repeat(PATHS, 1) for part in self.posterior_of(images))
            h = gaussian_sample(mean, logvar, noise) / self.scale
            start = torch.randn(h.shape, generator=noise, device=h.device)
            one = (PATHS * count, 1)
            time = torch.sigmoid(torch.randn(one, generator=noise, device=h.device))
            hidden = torch.rand(one, generator=noise, device=h.device) < self.config.hide
            here = (1 - time) * start + time * h
        found = self.velocity(here, time, columns, hidden.float())
        path = (found - (h - start)).square().sum(1).mean()
        return {"loss": path, "path": path}


def _parts(columns: Tensor, levels: list[int]) -> tuple[Tensor, ...]:
    """Return the columns (B, categories) of each categorical factor."""
    return torch.split(columns, levels, 1) if levels else ()
