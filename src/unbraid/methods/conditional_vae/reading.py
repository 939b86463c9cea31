"""How the reader is trained: on labelled images, and on what it reads from all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from unbraid.methods._conditional import Conditional
from unbraid.methods._factor_codes import rarity
from unbraid.methods._layers import dropping
from unbraid.methods._step import Batch, Context, Terms
from unbraid.methods.conditional_vae import pose as _pose
from unbraid.methods.conditional_vae import voice as _voice
from unbraid.methods.conditional_vae.networks import PlainReader, PoseCodes, PosedReader
from unbraid.methods.conditional_vae.voice_networks import VoiceCodes, VoiceReader
from unbraid.sound.canonical import BANDS

if TYPE_CHECKING:
    from unbraid.methods.conditional_vae import Config

MEMORY = 0.99  # of the reader's usual error, a step
AnyReader = PosedReader | VoiceReader | PlainReader
READ = 128  # images of a batch, labelled and others, that the reader takes: its steps cost most


def evenly(rows: Tensor, batch: int) -> Tensor:
    """Return ``READ`` rows at most, of labelled images and of those of the batch if they follow."""
    before = len(rows) - batch  # labelled rows, where images that are only measured follow
    if before <= 0 or len(rows) <= READ:
        return rows[:READ]
    labelled = min(before, max(READ // 2, READ - batch))
    return torch.cat([rows[:labelled], rows[before : before + READ - labelled]])


class Reads(Conditional):
    """A conditional method with a reader of the factors, and the reader's objective."""

    config: Config
    poses: PoseCodes | None
    voices: VoiceCodes | None
    reader: AnyReader
    error: Tensor  # how far the reader usually is off on labelled images, in code columns

    def categories(self, codes: Tensor) -> Tensor:
        """Return the columns of categorical factors."""
        return codes[:, : self.coder.categories]

    def reader_terms(self, batch: Batch, context: Context) -> Terms:
        """Return ``category`` and ``real``, losses on labels, and the same on what was read.

        Without labels, as in a validation that is given none, the first two are left out.
        """
        terms: Terms = {}
        images = batch.images[:READ]
        if batch.labelled is not None:
            seen, factors = (evenly(part, len(batch.images)) for part in batch.labelled)
            with dropping(self.reader, context.noise):
                terms |= self.read_terms(seen, self.coder.encode(factors), context.noise)
            if torch.isnan(self.categories(self.coder.encode(factors))).all():
                del terms["category"]  # none is known, as of images that are only measured
        loss = sum(terms.values(), start=images.new_zeros(()))
        with torch.no_grad():
            read = self.coder.reading(self.reader(images))
        sure = self.coder.is_sure(read, self.config.sure)
        targets = self.coder.most_probable(read)
        with dropping(self.reader, context.noise):
            told = self.read_terms(images, targets, context.noise, sure)
        terms |= {"read_category": told["category"], "read_real": told["real"]}
        # what is read from unlabelled images counts once there is something to it
        trust = context.done(epochs=2)
        loss = loss + trust * (terms["read_category"] + 0.5 * terms["read_real"])
        return {"loss": loss, **terms}

    def read_terms(
        self, images: Tensor, codes: Tensor, noise: torch.Generator, sure: Tensor | None = None
    ) -> Terms:
        """Return the losses of reading known code columns from images, warped where one can.

        Args:
            images: (B, C, H, W).
            codes: what is to be read, (B, factor_width), NaN where unknown.
            noise: draws the warps.
            sure: (B,), 0 where the categories are not to be learned from; 1 for all if None.
        """
        coder = self.coder
        if sure is None:  # the mean is over images of which a category is known
            told = ~torch.isnan(self.categories(codes)).all(1)
            weight = told * (len(told) / told.sum().clamp_min(1))
            known = rarity(~torch.isnan(codes[:, coder.categories :]))
        else:
            weight, known = sure, torch.ones((), device=codes.device)  # all is read
        if self.voices is not None:
            assert isinstance(self.reader, VoiceReader)
            found = _voice.measure(images)
            envelope = _voice.frames_of(images, found)[:, :BANDS]
            still = 0.4 if sure is None else 0.0
            envelope, codes = self.reader.warped(envelope, codes, noise, still)
            outputs = self.voices.with_measures(self.reader.look(envelope), found)
            real = coder.real_loss(outputs, codes, weight=known)
            category = coder.category_loss(outputs, codes)
        elif self.poses is None:
            outputs = self.reader(images)
            real = coder.real_loss(outputs, codes, weight=known)
            category = coder.category_loss(outputs, codes)
        else:
            assert isinstance(self.reader, PosedReader)
            still = 0.4 if sure is None else 0.0
            images, codes = self.warped(self.reader.small(images), codes, noise, still)
            glance = self.reader.glance(images)
            start = self.start(glance.detach(), codes, noise)
            outputs = self.reader.look(images, start)
            first = self.poses.with_pose(codes.detach(), glance)
            real = coder.real_loss(first, codes, weight=known)
            real = real + 2 * coder.real_loss(outputs, codes, weight=known)
            other = self.reader.recognise(_pose.distorted(images, start, noise))
            category = coder.category_loss(outputs, codes) + coder.category_loss(other, codes)
        if sure is None and self.training:
            self.remember(outputs.detach(), codes)
        return {"category": (category * weight).mean(), "real": real.mean()}

    @torch.no_grad()
    def remember(self, outputs: Tensor, codes: Tensor) -> None:
        """Keep track of how far the reader is off, column by column, where labels are known."""
        away = self.coder.away(outputs, codes).nanmean(0)
        seen = torch.where(torch.isnan(away), self.error, away)
        self.error.lerp_(seen, 1 - MEMORY)

    def warped(
        self, images: Tensor, codes: Tensor, noise: torch.Generator, still: float
    ) -> tuple[Tensor, Tensor]:
        """Return images and code columns, a share ``still`` unchanged, the others warped."""
        assert self.poses is not None
        warp = _pose.draw_warp(len(images), noise, still)
        unmoved = (warp.log_scale == 0)[:, None, None, None]
        seen = torch.where(unmoved, images.float(), warp.images(images))
        thickness = None
        if "thickness" in self.poses.at:
            thickness = self.poses.value(codes, "thickness") * warp.log_scale.exp()
        return seen, self.poses.with_pose(codes, warp.pose(self.poses.pose(codes)), thickness)

    def start(self, glance: _pose.Pose, codes: Tensor, noise: torch.Generator) -> _pose.Pose:
        """Return where the second look starts: half the time the first, else near the truth."""
        assert self.poses is not None
        near = _pose.jitter(self.poses.pose(codes), noise)
        half = torch.rand(len(codes), generator=noise, device=noise.device) < 0.5
        pairs = zip(glance, near, strict=True)
        return _pose.Pose(*(torch.where(half | torch.isnan(b), a, b) for a, b in pairs))
