"""How the generator is trained: on the ELBO given what is read, and to draw what reads as asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from unbraid.methods._step import Batch, Context, Terms
from unbraid.methods._style import StylePrior, gaussian_information
from unbraid.methods.conditional_vae import pose as _pose
from unbraid.methods.conditional_vae import voice as _voice
from unbraid.methods.conditional_vae.networks import FieldDrawer, PlainDrawer
from unbraid.methods.conditional_vae.reading import Reads
from unbraid.methods.conditional_vae.voice_networks import VoiceDrawer, VoiceReader, mismatch
from unbraid.nn.distributions import LOG_2PI, bernoulli_log_likelihood, gaussian_sample
from unbraid.sound.canonical import BANDS

if TYPE_CHECKING:
    from unbraid.methods.conditional_vae import Config

REAL = 1.5  # weight of real factors beside categories in the cycle
CYCLE_TOLERANCE = 0.5  # share of the reader's running error that the cycle loss ignores


class Draws(Reads):
    """A conditional method with a reader and a generator, and the generator's objective."""

    config: Config
    drawer: FieldDrawer | VoiceDrawer | PlainDrawer
    prior: StylePrior

    def style(
        self, images: Tensor, codes: Tensor, found: _voice.Measures | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return mean and logvar of q(z|x, c), each (B, style_dim), given code columns."""
        raise NotImplementedError

    def frames(self, images: Tensor, codes: Tensor, found: _voice.Measures | None = None) -> Tensor:
        """Return voice pictures without what code columns say of the voice, (B, rows, frames)."""
        raise NotImplementedError

    def generator_terms(self, batch: Batch, context: Context) -> Terms:
        """Return ``reconstruction``, ``kl`` of the style, ``leak`` and ``cycle``, nats per image.

        In training, images whose category is in doubt are left out; validation counts all.
        """
        images = batch.images
        with torch.no_grad():
            found = None if self.voices is None else _voice.measure(images)
            given = (images,) if found is None else (images, found)
            read = self.coder.reading(self.reader(*given))
            sure = self.coder.is_sure(read, self.config.sure)
            codes = self.coder.canonical(self.coder.most_probable(read))
            if batch.factors is not None:  # categories that are known need no reading
                known = self.categories(self.coder.encode(batch.factors))
                unknown = torch.isnan(known)
                chosen = torch.where(unknown, self.categories(codes), known)
                codes = torch.cat([chosen, codes[:, self.coder.categories :]], 1)
                codes = self.coder.canonical(codes)
                # an image that reads as another class would teach to draw such
                sure = torch.where(unknown.any(1), sure, self.coder.plausible(read, codes))
            if not self.training:  # else a reader that is never sure would do best
                sure = torch.ones_like(sure)
        mean, logvar = self.style(images, codes, found)  # q(z|x,c)
        z = gaussian_sample(mean, logvar, context.noise)
        log_q = -0.5 * ((z - mean).square() * torch.exp(-logvar) + logvar + LOG_2PI).sum(1)
        kl = log_q - self.prior.log_prob(z, self.categories(codes))
        reconstruction = self.mismatch(images, codes, z, found)  # -log p(x|f,z)
        share = sure / sure.mean().clamp_min(1 / len(sure))
        terms = {
            "reconstruction": (reconstruction * share).mean(),
            "kl": (kl * share).mean(),
            "leak": gaussian_information(mean, codes[:, self.coder.categories :]),
            "cycle": self.cycle(codes[: (len(codes) + 1) // 2], context.noise),
        }
        config = self.config
        weighted = config.beta * terms["kl"] + config.leak * terms["leak"]
        weighted = weighted + config.cycle * terms["cycle"]
        return {"loss": terms["reconstruction"] + weighted, **terms}

    def mismatch(
        self, images: Tensor, codes: Tensor, z: Tensor, found: _voice.Measures | None
    ) -> Tensor:
        """Return -log p(x|f,z), (B,), nats; of voices up to a constant."""
        if self.voices is None or found is None:
            return -bernoulli_log_likelihood(self.drawer(codes, z), images)
        assert isinstance(self.drawer, VoiceDrawer)
        drawn = _voice.seen(self.drawer.drawn(codes, z), found, self.voices.asked(codes).tract)
        if self.training:
            self.drawer.remember("real", self.frames(images, codes, found))
        return mismatch(drawn, images, found)

    def cycle(self, codes: Tensor, noise: torch.Generator) -> Tensor:
        """Return the loss of reading factors back from what is drawn of them, nats per image.

        Half of what the reader usually errs by on real images is forgiven: handwriting leans this
        way and that at one and the same angle, and should go on to do so.

        Args:
            codes: (B, factor_width); each row lends its categories to the next one.
            noise: draws styles from p(z|c), and where the reader starts to look.
        """
        split = self.coder.categories
        asked = torch.cat([codes[:, :split].roll(1, 0), codes[:, split:]], 1)
        asked = self.coder.canonical(asked)
        base = torch.randn((len(codes), 1 + self.style_dim), generator=noise, device=noise.device)
        # The prior does not learn from it: it would come to draw the plainest of digits alone.
        style = self.prior.sample(base, asked[:, :split]).detach()
        if self.voices is not None:
            outputs = self.read_voice(asked, style)
            found: Tensor = self.coder.category_loss(outputs, asked)
            return (found + REAL * self.tract_loss(outputs, asked)).mean()
        drawn = torch.sigmoid(self.drawer(asked, style))
        weights = {name: weight.detach() for name, weight in self.reader.named_parameters()}
        given: tuple[object, ...] = (drawn,)
        if self.poses is not None:
            given = (drawn, _pose.jitter(self.poses.pose(asked), noise, 0.3))
        outputs = torch.func.functional_call(self.reader, weights, given)
        coder = self.coder
        real = coder.real_loss(outputs, asked, CYCLE_TOLERANCE * self.error)
        return (coder.category_loss(outputs, asked) + REAL * real).mean()

    def read_voice(self, asked: Tensor, style: Tensor) -> Tensor:
        """Return what the reader, held as it is, makes of voices that are drawn, (B, width)."""
        assert self.voices is not None
        assert isinstance(self.drawer, VoiceDrawer)
        assert isinstance(self.reader, VoiceReader)
        tract = self.voices.asked(asked).tract
        drawn = self.drawer.drawn(asked, style)
        if self.training:
            self.drawer.remember("drawn", drawn)
        envelope = self.drawer.finished(drawn)[:, :BANDS]
        spoken = _voice.clear_ends(_voice.with_tract(envelope, tract))
        spoken = spoken - _voice.levels_of(spoken).amax(1)[:, None, None]
        net = self.reader.net
        weights = {name: weight.detach() for name, weight in net.named_parameters()}
        looked: Tensor = torch.func.functional_call(net, weights, (self.reader.seen(spoken),))
        return looked.float()

    def tract_loss(self, outputs: Tensor, asked: Tensor) -> Tensor:
        """Return the loss of reading the vocal tract, the one number that is not measured, (B,)."""
        assert self.voices is not None
        column, tolerance = self.voices.at["tract"], CYCLE_TOLERANCE * self.error
        places = torch.arange(asked.shape[1], device=asked.device)
        only = torch.where(places == column, asked, outputs.detach())
        return self.coder.real_loss(outputs, only, tolerance)
