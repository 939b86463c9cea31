"""Conditional VAE: a decoder conditioned on the factors; the latents encode the style.

A reader learns the factors from the labelled images, and goes on to learn from all the others:
warped images, whose factors change as known, and categories it is sure of (Sohn et al. 2020,
"FixMatch"). Then a VAE is trained on what it reads (Kingma et al. 2014, "Semi-Supervised Learning
with Deep Generative Models", equation 6, the category being the reader's), with f the factors, c
the categories among them and z the style:

    loss = -E log p(x|f,z) + beta KL(q(z|x,c) || p(z|c)) + leak I(z; f) + cycle -log r(f|x')

p(z|c) is a trained mixture, the KL a one-sample estimate, and I(z; f) the information that each
style dimension and each real factor share if jointly Gaussian, in nats, summed over pairs. x' is
drawn of factors and of a style from p(z|c), and r is the reader: what is drawn must read as asked.

Where the factors are size, x, y and angle of something drawn (the data set ``digits``), style is
read from an upright frame around it, and p(x|f,z) draws a distance field in that frame. Where they
are word, pitch, duration, vocal tract and loudness of voice pictures (the data set ``speech``), it
is read from a frame without them, in which p(x|f,z) draws a voice, and what is measured (pitch,
duration, loudness) is put on exactly; the likelihood compares columns of the word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.methods._base import require, require_share
from unbraid.methods._factor_codes import FactorCodes
from unbraid.methods._labelled import LabelledConfig
from unbraid.methods._step import Batch, Context, Phase, Terms
from unbraid.methods._style import REJECT_PROBABILITY, StylePrior, sample_with_rejection
from unbraid.methods.conditional_vae import pose as _pose
from unbraid.methods.conditional_vae import voice as _voice
from unbraid.methods.conditional_vae.drawing import Draws
from unbraid.methods.conditional_vae.networks import (
    FieldDrawer,
    PlainDrawer,
    PlainReader,
    PoseCodes,
    PosedReader,
    small_convnet,
)
from unbraid.methods.conditional_vae.reading import AnyReader
from unbraid.methods.conditional_vae.voice_networks import (
    StyleNet,
    VoiceCodes,
    VoiceDrawer,
    VoiceReader,
)
from unbraid.nn import nets
from unbraid.sound import SIGNAL
from unbraid.sound.canonical import BANDS


@dataclass(frozen=True)
class Config(LabelledConfig):
    """Options of the conditional VAE.

    Args:
        style_dim: number of style latents.
        beta: weight of the style's KL.
        leak: weight of the information that style and real factors share.
        cycle: weight of the loss of reading the factors back from what is drawn of them; real
            ones count one and a half times, beyond half the reader's usual error.
        components: of each class's mixture p(z|c).
        hidden: width of the net that draws distance fields.
        reader_share: part of the training that is the reader's.
        sure: probability above which a category read from an unlabelled image is learned from.
        prior: what is known beforehand of how factors look: ``pose`` builds in what size, x, y and
            angle of a drawing do, in degrees and pixels of a 64-pixel canvas, whatever the images'
            size; ``voice`` what pitch, duration, tract and loudness of a voice picture do;
            ``none`` builds in nothing; ``auto`` is ``pose`` or ``voice`` where factors of these
            names and units are there.

    >>> Config(labels=1000).style_dim
    24
    """

    style_dim: int = 24
    beta: float = 0.3
    leak: float = 1.0
    cycle: float = 1.0
    components: int = 8
    hidden: int = 512
    reader_share: float = 0.4
    sure: float = 0.95
    prior: Literal["auto", "pose", "voice", "none"] = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("style_dim", "components", "hidden"):
            require(getattr(self, name), 1, name)
        for name in ("beta", "leak", "cycle"):
            require(getattr(self, name), 0, name)
        require_share(self, "reader_share", "sure")

    def without_effect(self) -> dict[str, str]:
        """Return the options that the other options leave without effect, each with the reason."""
        told = {"hidden": f"prior is {self.prior}, and distance fields are those of pose"}
        return super().without_effect() | (told if self.prior in ("voice", "none") else {})


def _poses(config: Config, image_shape: nets.ImageShape, coder: FactorCodes) -> PoseCodes | None:
    """Return where a pose stands among the code columns, None where none is to be built in."""
    channels, height, width = image_shape
    fit = channels == 1 and height == width and config.prior in ("auto", "pose")
    columns = _pose.columns(coder.specs) if fit else None
    if columns is None and config.prior == "pose":
        units = ", ".join(f"{name} in {unit}" for name, unit in _pose.UNITS.items())
        names = ", ".join(spec.name for spec in coder.specs)
        raise UnbraidError(
            f"prior is 'pose', but the factors are {names}, of images of shape {image_shape}; "
            f"expected square grey images and {units}."
        )
    return PoseCodes(coder, columns) if columns else None


def _voices(config: Config, image_shape: nets.ImageShape, coder: FactorCodes) -> VoiceCodes | None:
    """Return where a voice's factors stand among the code columns, None where none are built in."""
    shaped = tuple(image_shape) == SIGNAL.shape and config.prior in ("auto", "voice")
    columns = _voice.columns(coder.specs) if shaped else None
    if columns is None and config.prior == "voice":
        units = ", ".join(f"{name} in {unit}" for name, unit in _voice.UNITS.items())
        names = ", ".join(spec.name for spec in coder.specs)
        raise UnbraidError(
            f"prior is 'voice', but the factors are {names}, of images of shape {image_shape}; "
            f"expected voice pictures of shape {SIGNAL.shape}, word and {units}."
        )
    return VoiceCodes(coder, columns) if columns else None


class Model(Draws):
    """The conditional VAE; a code is the factors' columns (see FactorCodes), then the style."""

    semantics = 3  # labels of a real factor count as much beside images that are only measured
    usual_steps = 4000
    selection = "generator.loss"  # what is drawn with the reader as it came out
    config: Config

    def __init__(
        self, config: Config, image_shape: nets.ImageShape, specs: tuple[FactorSpec, ...]
    ) -> None:
        super().__init__(config, image_shape, specs, config.style_dim)
        coder = self.coder
        self.poses = _poses(config, image_shape, coder)
        self.voices = _voices(config, image_shape, coder)
        self.drawer: FieldDrawer | VoiceDrawer | PlainDrawer
        if self.poses is not None:
            self.reader: AnyReader = PosedReader(self.poses)
            self.drawer = FieldDrawer(self.poses, image_shape, config.style_dim, config.hidden)
            self.style_net: nn.Module = small_convnet(_pose.NODES, 128, 24)
        elif self.voices is not None:
            self.reader = VoiceReader(self.voices)
            self.drawer = VoiceDrawer(self.voices, config.style_dim)
            self.style_net = StyleNet(128)
        else:
            self.reader = PlainReader(coder, image_shape)
            self.drawer = PlainDrawer(image_shape, coder.width + config.style_dim)
            self.style_net = nets.encoder("conv", image_shape, 128)
        self.class_net = nets.linear(coder.categories, 128)
        self.style_out = nn.Linear(128, 2 * config.style_dim)
        # how far the reader usually is off on labelled images, in code columns
        self.register_buffer("error", torch.zeros(coder.width - coder.categories))
        self.prior = StylePrior(coder.categories, config.components, config.style_dim)

    def phases(self) -> dict[str, Phase]:
        """Return the reader, then all that draws, each with a learning rate that falls to 0."""
        share = self.config.reader_share
        reader = list(self.reader.parameters())
        known = {id(parameter) for parameter in reader}
        rest = [parameter for parameter in self.parameters() if id(parameter) not in known]
        return {
            "reader": Phase(reader, 2.0, (0.9, 0.99), span=(0, share), schedule="cosine"),
            "generator": Phase(rest, 3.0, (0.9, 0.99), span=(share, 1), schedule="cosine"),
        }

    # -- codes --------------------------------------------------------------------------------

    @torch.no_grad()
    def first_style(self, base: Tensor, factors: Tensor) -> Tensor:
        """Return the style of standard normal numbers (N, style_dim + 1) for factors (N, F).

        It is a draw from p(z|c), whatever the reader makes of it.
        """
        return self.prior.sample(base, self.categories(self.factor_codes(factors)))

    @torch.no_grad()
    def style_from(self, base: Tensor, factors: Tensor) -> Tensor:
        """Return the style of standard normal numbers (N, style_dim + 1) for factors (N, F).

        A style whose digit, drawn in the middle of all ranges, might to the reader be another is
        replaced by one that follows from the same numbers; a few times, if need be.
        """
        codes = self.coder.middle(self.factor_codes(factors))

        def sample(rows: Tensor, numbers: Tensor) -> Tensor:
            return self.prior.sample(numbers, self.categories(codes[rows]))

        def rejected(rows: Tensor, style: Tensor) -> Tensor:
            drawn = self.pixel_mean(torch.cat([codes[rows], style], 1))
            read = self.read(drawn)
            return self.coder.plausible(read, codes[rows], REJECT_PROBABILITY) == 0

        return sample_with_rejection(base, sample, rejected)

    @torch.no_grad()
    def restyle(self, style: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Return styles (N, style_dim) transferred from factors (N, F) to other factors."""
        one, other = (self.categories(self.factor_codes(rows)) for rows in (before, after))
        moved = self.prior.transfer(style, one, other)
        return torch.where((one == other).all(1)[:, None], style, moved)

    def style(
        self, images: Tensor, codes: Tensor, found: _voice.Measures | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return mean and logvar of q(z|x, c), each (B, style_dim), given code columns.

        Given what was measured of voice pictures, it need not be measured again.
        """
        if self.poses is not None:
            assert isinstance(self.reader, PosedReader)
            images = _pose.crop(self.reader.small(images), self.poses.pose(codes))
        if self.voices is not None:
            images = self.frames(images, codes, found)
        seen = self.style_net(images) + self.class_net(self.categories(codes))
        mean, logvar = Tensor.float(self.style_out(F.silu(seen))).chunk(2, 1)
        return mean, logvar.clamp(-8, 3)

    def read(self, images: Tensor, found: _voice.Measures | None = None) -> Tensor:
        """Return the code columns read from images, (B, factor_width).

        Given what was measured of voice pictures, it need not be measured again.
        """
        given = (images,) if found is None else (images, found)
        return self.coder.canonical(self.coder.reading(self.reader(*given)))

    def frames(self, images: Tensor, codes: Tensor, found: _voice.Measures | None = None) -> Tensor:
        """Return voice pictures without what code columns say of the voice, (B, rows, frames)."""
        assert self.voices is not None
        tract = self.voices.value(codes, "tract").clamp(50, 200)
        seen = _voice.frames_of(images, found or _voice.measure(images))
        envelope = _voice.with_tract(seen[:, :BANDS], 1e4 / tract)
        return torch.cat([envelope, seen[:, BANDS:]], 1)

    def codes(self, images: Tensor) -> Tensor:
        """Return the factors read from images and the mean of their style, (B, D)."""
        found = None if self.voices is None else _voice.measure(images)
        columns = self.read(images, found)
        return torch.cat([columns, self.style(images, columns, found)[0]], 1)

    def pixel_mean(self, codes: Tensor) -> Tensor:
        """Return E[x|f,z], (B, C, H, W) on [0, 1]."""
        width, codes = self.factor_width, self.coder.canonical(codes)
        drawn = self.drawer(codes[:, :width], codes[:, width:])
        return drawn if self.voices is not None else torch.sigmoid(drawn)

    def prior_sample(self, count: int, noise: torch.Generator) -> Tensor:
        """Draw factors evenly and styles from p(z|c), (count, D)."""
        columns = self.coder.even(count, noise)
        base = torch.randn((count, self.style_dim + 1), generator=noise)
        codes = self.coder.encode(columns)
        with torch.no_grad():
            where = self.device
            style = self.prior.sample(base.to(where), self.categories(codes).to(where))
        return torch.cat([codes, style.cpu()], 1)

    # -- objectives ---------------------------------------------------------------------------

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return the reader's terms or the generator's."""
        if context.phase == "reader":
            return self.reader_terms(batch, context)
        return self.generator_terms(batch, context)
