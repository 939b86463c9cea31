"""Nets that read word and vocal tract of voice pictures, and that draw voices in a canonical frame.

Pitch, duration and loudness are neither read nor drawn by a net: they are measured and put on.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.methods._layers import Dropout, Norm
from unbraid.methods.conditional_vae import voice as _voice
from unbraid.methods.conditional_vae.networks import NamedColumns
from unbraid.methods.conditional_vae.voice import MEASURED, ROWS, Asked, Measures
from unbraid.sound.canonical import BANDS, FIRST, FRAMES, LAST, UNVOICED
from unbraid.sound.pictures import COLUMN, SIZE

SILENCE = -60.0  # decibels of the loudest frame, below which an envelope does not count
WIDTHS = (128, 128, 96)  # channels at 8, 16 and 32 or more frames
MEMORY = 0.99  # of the usual variance over time, a step
MOST_VIVID = 1.5  # times that the deviations of a drawn voice are enlarged,
SHARPEST = 3.0  # and that the logits of its noise are
_MIDDLE, _SPREAD = -30.0, 15.0  # decibels, of envelopes
_AT_FIRST = -20.0  # decibels, of an envelope that is not trained


class VoiceCodes(NamedColumns):
    """Pitch, duration, vocal tract and loudness as code columns."""

    def asked(self, codes: Tensor) -> Asked:
        """Return the factors that code columns say, in their units."""
        return Asked(*(self.value(codes, name) for name in Asked._fields))

    def with_measures(self, outputs: Tensor, found: Measures) -> Tensor:
        """Return code columns that say what was measured."""
        return self.with_values(outputs, {name: getattr(found, name) for name in MEASURED})


class VoiceReader(nn.Module):
    """Measures pitch, duration and loudness of voice pictures, and reads the rest with a net.

    Args:
        codes: where the factors stand among the code columns.
    """

    def __init__(self, codes: VoiceCodes) -> None:
        super().__init__()
        self.codes = codes
        width = 24
        self.net = nn.Sequential(
            nn.Conv2d(1, width, (5, 3), (2, 1), (2, 1)),
            Norm(width // 4, width),
            nn.SiLU(),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            Norm(width // 4, 2 * width),
            nn.SiLU(),
            nn.Conv2d(2 * width, 2 * width, 4, 2, 1),
            Norm(width // 4, 2 * width),
            nn.SiLU(),
            nn.Flatten(),
            Dropout(0.2),
            nn.Linear(2 * width * (BANDS // 8) * (FRAMES // 8), 96),
            nn.SiLU(),
            Dropout(0.3),
            nn.Linear(96, codes.codes.width),
        )

    def look(self, envelope: Tensor) -> Tensor:
        """Return code columns (B, width) of envelopes (B, BANDS, FRAMES), nothing measured."""
        return Tensor.float(self.net(self.seen(envelope)))

    @staticmethod
    def seen(envelope: Tensor) -> Tensor:
        """Return what the net sees of envelopes (B, BANDS, FRAMES), every two frames as one."""
        scaled = (envelope.clamp_min(SILENCE) - _MIDDLE) / _SPREAD
        return F.avg_pool2d(scaled[:, None], (1, 2))

    def forward(self, images: Tensor, found: Measures | None = None) -> Tensor:
        """Return the code columns read from voice pictures, (B, width), categories as logits.

        Given what was measured of them, it need not be measured again.
        """
        found = found or _voice.measure(images)
        outputs = self.look(_voice.frames_of(images, found)[:, :BANDS])
        return self.codes.with_measures(outputs, found)

    def warped(
        self, envelope: Tensor, codes: Tensor, noise: torch.Generator, still: float
    ) -> tuple[Tensor, Tensor]:
        """Return envelopes as others might speak and record them, and their code columns.

        Another vocal tract, which changes its column; another timbre, loudness over time and
        timing within the word, which change none. A share ``still`` is left as it is.
        """
        count, where = len(envelope), envelope.device
        draws = torch.rand((3, count), generator=noise, device=where)
        moved = (draws[0] >= still).float()
        ratio = torch.exp((draws[1] * 2 - 1) * 0.12 * moved)
        nodes = torch.randn((count, 3, 5), generator=noise, device=where) * moved[:, None, None]
        smooth = F.interpolate(nodes, FRAMES, mode="linear", align_corners=True)
        places = torch.arange(FRAMES, device=where) + 1.5 * smooth[:, 0]
        changed = _voice.product(envelope, _voice.hats(places, FRAMES))
        changed = _voice.with_tract(changed, 100 * ratio)
        changed = changed + 3 * smooth[:, 1, :, None] + 2 * smooth[:, 2, None, :]
        tract = self.codes.value(codes, "tract") * ratio
        return changed, self.codes.with_values(codes, {"tract": tract})


def _up(inputs: int, outputs: int) -> nn.Sequential:
    """Build a layer that doubles the number of frames."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2),
        nn.Conv1d(inputs, outputs, 3, 1, 1),
        nn.GroupNorm(8, outputs),
        nn.SiLU(),
    )


class VoiceDrawer(nn.Module):
    """Draws a voice in the canonical frame; pitch, duration, tract and loudness are put on it.

    Args:
        voices: where the factors stand among the code columns.
        style_dim: number of style latents.
    """

    real_variance: Tensor
    drawn_variance: Tensor
    sharpness: Tensor

    def __init__(self, voices: VoiceCodes, style_dim: int) -> None:
        super().__init__()
        self.voices = voices
        first, middle, last = WIDTHS
        self.start = nn.Linear(voices.codes.categories + style_dim, first * (FRAMES // 8))
        self.net = nn.Sequential(
            _up(first, middle),
            _up(middle, last),
            _up(last, last),
            nn.Conv1d(last, last, 3, 1, 1),
            nn.SiLU(),
            nn.Conv1d(last, ROWS, 3, 1, 1),
        )
        # over time, of bands (square decibels), contour (square semitones) and noise; 0 before
        # there was any
        self.register_buffer("real_variance", torch.zeros(ROWS))
        self.register_buffer("drawn_variance", torch.zeros(ROWS))
        self.register_buffer("sharpness", torch.ones(ROWS - BANDS - 1))  # of noise

    def drawn(self, codes: Tensor, style: Tensor) -> Tensor:
        """Return frames (B, ROWS, FRAMES) of code columns and style, as the net draws them."""
        inputs = torch.cat([codes[:, : self.voices.codes.categories], style], 1)
        begun = F.silu(self.start(inputs)).view(len(inputs), WIDTHS[0], -1)
        envelope, contour, noise = _voice.split(Tensor.float(self.net(begun)))
        envelope = _AT_FIRST + _SPREAD * envelope
        return torch.cat([envelope, 2 * contour[:, None], torch.sigmoid(noise)], 1)

    @torch.no_grad()
    def remember(self, which: str, frames: Tensor) -> None:
        """Keep track of the variance over time of ``real`` or ``drawn`` frames.

        Of drawn ones it follows how sharp their noise has to be to vary as much as that of real
        ones: a share of noise, which is mostly 0 or 1, is no sum of a mean and a deviation.
        """
        envelope, contour, noise = _voice.split(frames[:, :, FIRST : LAST + 1])
        if which == "drawn":
            noise = _sharpened(noise, self.sharpness)
        seen = torch.cat([envelope.clamp_min(SILENCE), contour[:, None], noise], 1)
        usual = getattr(self, f"{which}_variance")
        usual.lerp_(seen.var(2).mean(0), 1 - MEMORY if bool(usual.any()) else 1.0)
        if which == "drawn" and bool(self.real_variance.any()):
            ratio = self.real_variance / self.drawn_variance.clamp_min(1e-6)
            self.sharpness.mul_(ratio[BANDS + 1 :].clamp(0.5, 2.0) ** (1 - MEMORY))
            self.sharpness.clamp_(1.0, SHARPEST)

    def finished(self, frames: Tensor) -> Tensor:
        """Return frames as vivid as real ones, (B, ROWS, FRAMES).

        What a decoder draws is a mean and so changes less over time than a voice. The variance of
        each band and of the contour is brought to the usual one (Toda and Tokuda 2007, "A Speech
        Parameter Generation Algorithm Considering Global Variance"), by the same factor for all
        voices; that of noise by a factor on its logits.
        """
        envelope, contour, noise = _voice.split(frames)
        ratio = (self.real_variance / self.drawn_variance.clamp_min(1e-6)).sqrt()
        ratio = ratio.clamp(1.0, MOST_VIVID)
        vivid = _farther(envelope, ratio[:BANDS, None])
        envelope = torch.where(envelope > SILENCE, vivid, envelope)
        contour = _farther(contour[:, None], ratio[BANDS])
        return torch.cat([envelope, contour, _sharpened(noise, self.sharpness)], 1)

    def forward(self, codes: Tensor, style: Tensor) -> Tensor:
        """Return voice pictures (B, 3, 64, 64) on [0, 1] of code columns and style."""
        return _voice.paint(self.finished(self.drawn(codes, style)), self.voices.asked(codes))


def _farther(values: Tensor, ratio: Tensor) -> Tensor:
    """Return values (B, K, FRAMES) farther from their means over the sound, (K, 1) times."""
    mean = values[:, :, FIRST : LAST + 1].mean(2, keepdim=True)
    return mean + ratio * (values - mean)


def _sharpened(noise: Tensor, sharpness: Tensor) -> Tensor:
    """Return shares of noise (B, K, T) whose logits are multiplied by ``sharpness``, (K,)."""
    noise = noise.clamp(1e-4, 1 - 1e-4)
    return torch.sigmoid(sharpness[:, None] * (torch.log(noise) - torch.log1p(-noise)))


class StyleNet(nn.Module):
    """Sees frames (B, ROWS, FRAMES), returns features (B, outputs)."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        last, middle, first = WIDTHS[::-1]
        self.net = nn.Sequential(
            nn.Conv1d(ROWS, last, 5, 2, 2),
            nn.GroupNorm(8, last),
            nn.SiLU(),
            nn.Conv1d(last, middle, 5, 2, 2),
            nn.GroupNorm(8, middle),
            nn.SiLU(),
            nn.Conv1d(middle, first, 3, 2, 1),
            nn.GroupNorm(8, first),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(first * (FRAMES // 8), outputs),
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Return features (B, outputs)."""
        envelope, contour, noise = _voice.split(frames)
        seen = (envelope.clamp_min(SILENCE) - _MIDDLE) / _SPREAD
        found: Tensor = self.net(torch.cat([seen, contour[:, None] / 2, 2 * noise - 1], 1))
        return found


# Residuals that cost half a nat each, and how many neighbouring ones there are of each that is
# independent of the others.
_DEVIATIONS = (4.0, 0.5, 0.15)  # decibels, semitones, share of noise
_TOGETHER = 12.0


def mismatch(drawn: Tensor, images: Tensor, found: Measures) -> Tensor:
    """Return how far frames, as columns of pictures, are from pictures, (B,), nats.

    Within the word alone, each word counting as much whatever its duration.

    Args:
        drawn: (B, ROWS, 64), see ``voice.seen``.
        images: (B, 3, 64, 64).
        found: what was measured of them.
    """
    envelope, pitch, noise = _voice.physical(images)
    column = torch.arange(SIZE, device=images.device) * COLUMN
    stop = found.start + found.duration / 1000
    within = ((column >= found.start[:, None]) & (column <= stop[:, None])).float()
    weight = within * (FRAMES / within.sum(1, keepdim=True).clamp_min(1))
    level, contour, share = _voice.split(drawn)
    wanted = (envelope - found.top[:, None, None]).clamp_min(SILENCE)
    # drawn levels below what counts go on to be drawn towards it
    low = torch.where(wanted > SILENCE, level, level.clamp_min(SILENCE))
    off = F.smooth_l1_loss(low / _DEVIATIONS[0], wanted / _DEVIATIONS[0], reduction="none")
    voiced = (noise.amin(1) < UNVOICED).float()
    away = (contour - (pitch - found.pitch[:, None])) / _DEVIATIONS[1]
    of_pitch = F.smooth_l1_loss(away, torch.zeros_like(away), reduction="none") * voiced
    bands = _voice.product(_voice.three_bands(noise), noise)
    of_noise = ((share - bands) / _DEVIATIONS[2]).square().sum(1) / 2
    total = off.sum(1) + 4 * of_pitch + 4 * of_noise
    nats: Tensor = (total * weight).sum(1) / _TOGETHER
    return nats
