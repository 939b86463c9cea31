"""How a reader of any factors is trained: on labels, on warps, and on what it reads itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unbraid.methods._factor_codes import FactorCodes, rarity
from unbraid.methods._layers import dropping
from unbraid.methods._step import Batch, Context, Terms
from unbraid.methods.conditional_flow.few_labels import (
    READ,
    equivariance_loss,
    has_few_labels,
    observe,
)
from unbraid.methods.conditional_flow.frame_trial import frames_help
from unbraid.methods.conditional_flow.frames import compose, inverse, pose_loss, see
from unbraid.methods.conditional_flow.reader import Reader
from unbraid.methods.conditional_flow.turns import spun
from unbraid.methods.conditional_flow.warps import (
    PARAMETERS,
    SLOPES,
    WarpAction,
    draw_warps,
    moves,
    warp,
)
from unbraid.nn import nets

HELD = 5  # one labelled image in so many is not learned from as long as the glance is,
TRIES = 4  # and is warped so often to learn what warps do
READABLE = 0.5  # median slope of readings from which on images are warped to be learned from
JITTER = 0.35  # of code columns, by which a frame is off when it is looked through
LOOKED = 2  # times, at an image whose factors are not known
SURE = 0.95  # probability above which a category read from an unlabelled image is learned from
RIGHT = 0.9  # share of labelled images read right above which categories' warps grow stronger,
STEP = 0.005  # by so much a step
RISE = 250  # steps over which what is read from unlabelled images comes to count
MEMORY = 0.99  # of factors' means, a step
EXAMPLES = 512  # labels kept, to know which factors go together


class Reading(nn.Module):
    """A reader, and what is learned along with it: how warps move factors, what is usual.

    Args:
        codes: of the factors.
        shape: of the images.
        width: channels of the reader's first maps.
        given: number of labelled images, 0 if it is not known.
    """

    def __init__(
        self, codes: FactorCodes, shape: nets.ImageShape, width: int, given: int = 0
    ) -> None:
        super().__init__()
        self.codes, self.split, self.given = codes, codes.categories, given
        self.reader = Reader(codes, shape, width)
        columns = codes.width - codes.categories
        self.action = WarpAction(columns, 2 * len(codes.periodic))
        circle = torch.arange(columns) >= len(codes.real)
        self.register_buffer("is_circle", circle, persistent=False)
        # code columns that the pictures in frames are to have
        self.register_buffer("usual", codes.middle(torch.zeros(1, codes.width))[0, self.split :])
        self.register_buffer("steps", torch.zeros(()))  # of the reader's training
        # of the warps of images that categories are read from, in units of the usual
        self.register_buffer("strength", torch.zeros(()))
        # labels, and which of them are known; all that is stored is finite
        self.register_buffer("labels", torch.zeros(EXAMPLES, len(codes.specs)))
        self.register_buffer("known", torch.zeros(EXAMPLES, len(codes.specs), dtype=torch.bool))
        self.usual: Tensor
        self.steps: Tensor
        self.labels: Tensor
        self.known: Tensor
        self.strength: Tensor
        self.is_circle: Tensor

    def parameters_of(self, phase: str) -> list[nn.Parameter]:
        """Return what is trained as the ``glance`` and as the ``reader``."""
        reader = self.reader
        frame = list(reader.frame.parameters())
        if phase == "glance":
            first = [] if reader.first is None else list(reader.first.parameters())
            return [reader.glance_width, *first, *frame]
        known = {id(parameter) for parameter in frame}
        return [parameter for parameter in reader.parameters() if id(parameter) not in known]

    def certain(self, codes: Tensor) -> Tensor:
        """Return code columns that factors can have: one level of each category, whole circles."""
        turned = self.split + len(self.codes.real)
        count = len(self.codes.periodic)
        pairs = torch.tensor_split(codes[:, turned:], count, 1) if count else ()
        circles = [pair / pair.norm(dim=1, keepdim=True).clamp_min(1e-6) for pair in pairs]
        return torch.cat([self.codes.most_probable(codes)[:, :turned], *circles], 1)

    def labelled(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return labelled images as the reader sees them, and their code columns; maybe none."""
        if batch.labelled is None:  # as in a validation that is given no labels
            like = batch.images
            return self.reader.shrunk(like[:0]).float(), like.new_zeros((0, self.codes.width))
        seen, factors = (part[:READ] for part in batch.labelled)
        return self.reader.shrunk(seen).float(), self.codes.encode(factors)

    def has_category(self, codes: Tensor) -> Tensor:
        """Return of which rows of code columns some category is known, (B,)."""
        return ~torch.isnan(codes[:, : self.split]).all(1)

    def usable_warps(self, count: int, noise: torch.Generator) -> Tensor:
        """Draw warps, (count, PARAMETERS), that do nothing until it is known what they do."""
        warps, slope = draw_warps(count, noise), self.action.slope()
        if not len(slope) or self.action.taught.any():
            return warps
        slope = slope[self.action.spread > 0]  # of factors that have labels
        return warps * bool(len(slope) and slope.median() >= READABLE)

    @torch.no_grad()
    def keep(self, factors: Tensor) -> None:
        """Keep labels (B, F), NaN where unknown, as examples of what goes together."""
        known = ~torch.isnan(factors)
        for kept, fresh in ((self.labels, factors.nan_to_num()), (self.known, known)):
            kept.copy_(torch.cat([fresh.to(kept), kept])[:EXAMPLES])

    def examples(self) -> Tensor:
        """Return the labels kept, (N, F), NaN where unknown; none before it is trained."""
        return torch.where(self.known, self.labels, torch.nan)[self.known.any(1)]

    # -- the glance and the frames ------------------------------------------------------------

    def glance_terms(self, batch: Batch, context: Context) -> Terms:
        """Return ``real``, the glance's loss on labels, and ``pose``, of what frames show.

        Meanwhile it is learned how warps move factors, and what the usual factors are. Of few
        labels there is a third term, ``moves`` (see ``few_labels``). Without labels there is none.
        """
        seen, codes = self.labelled(batch)
        few = has_few_labels(batch, self.given)
        reals, reader = codes[:, self.split :], self.reader
        held, known = held_out(seen), ~torch.isnan(reals)
        # an unknown column moves others, and so has to be filled
        with torch.no_grad():
            glance = reader.glance(seen)
        filled = torch.where(known, reals, glance)
        if self.training and len(seen):
            clear = self.codes.apart(codes)
            self.action.calibrate(torch.where(clear, reals, torch.nan)[held], glance[held])
            used = self.action.middle(reals) & clear
            if few:
                observe(self, batch.images[-READ:], context.noise)
            else:
                self.observe(seen[held], filled[held], used[held], context.noise)
            self.remember(reals)
        seen, known, filled = seen[~held], known[~held], filled[~held]
        if not len(seen):
            weights = [weight.sum() for weight in self.parameters_of("glance")]
            return {"loss": 0 * torch.stack(weights).sum()}  # nothing is learned
        warps = self.usable_warps(len(seen), context.noise)
        kinds = codes[~held, : self.split]
        moved = self.moved(warps, torch.cat([kinds, filled], 1))
        seen = warp(seen, warps)
        with dropping(reader, context.noise):
            found = reader.glance(seen)
        weight = rarity(known)
        known &= self.action.teaches(warps)
        wanted = torch.where(known, self.nearest(found, kinds, moved), torch.nan)
        real = mean(reader.real_loss(found, wanted, reader.glance_width, weight))
        assert reader.first is not None
        pose = pose_loss(reader.frame, reader.first, self.usual, seen, moved)
        terms = {"real": real, "pose": pose}
        if few:
            terms["moves"] = equivariance_loss(self, batch.images[-READ:], context.noise)
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    def moved(self, warps: Tensor, codes: Tensor) -> Tensor:
        """Return the code columns but categories, (B, R), of images of codes (B, width) warped."""
        reals = self.action(warps, codes[:, self.split :])
        return self.codes.canonical(torch.cat([codes[:, : self.split], reals], 1))[:, self.split :]

    def nearest(self, found: Tensor, kinds: Tensor, reals: Tensor) -> Tensor:
        """Return columns but categories, (B, R), as near to those found as look the same."""
        return self.codes.nearest(found, torch.cat([kinds, reals], 1))

    @torch.no_grad()
    def observe(self, images: Tensor, codes: Tensor, used: Tensor, noise: torch.Generator) -> None:
        """Learn how warps move what the glance reads, see ``WarpAction.update``."""
        if not len(images):
            return
        images, codes, used = (torch.cat([each] * TRIES) for each in (images, codes, used))
        warps, glance = draw_warps(len(images), noise), self.reader.glance
        self.action.update(warps, codes, used, glance(warp(images, warps)) - glance(images))

    @torch.no_grad()
    def remember(self, reals: Tensor) -> None:
        """Keep track of the usual real factors; of periodic ones, any angle will do."""
        count = len(self.codes.real)
        found = reals.nanmean(0)[:count]
        fresh = torch.where(torch.isnan(found), self.usual[:count], found)
        self.usual[:count].lerp_(fresh, 1 - MEMORY)

    # -- the reader ---------------------------------------------------------------------------

    def reader_terms(self, batch: Batch, context: Context) -> Terms:
        """Return ``category`` and ``real``, losses on labels, and the same on what was read.

        ``frame`` is that of correcting the frame that was looked through, ``glance`` that of the
        glance. Without labels the first two are left out.
        """
        seen, codes = self.labelled(batch)
        reader, noise, count = self.reader, context.noise, len(seen)
        others = reader.shrunk(batch.images[-READ:]).float()
        both = torch.cat([seen, others])
        theirs = codes.new_full((len(others), self.codes.width), torch.nan)
        if batch.factors is not None:
            theirs = self.codes.encode(batch.factors[-READ:])
        codes = torch.cat([codes, theirs])
        if self.training and self.reader.first is not None and not self.steps:
            self.try_frames(both, codes)
        targets, glanced, frames, sure = self.told(both, codes)
        warps = self.usable_warps(len(both), noise)
        with dropping(reader, noise):
            glance = reader.glance(warp(both, warps))
        moved = self.moved(warps, targets)
        kinds, able = targets[:, : self.split], self.action.teaches(warps, SLOPES[0])
        wanted = torch.where(able, self.nearest(glance, kinds, moved), torch.nan)
        # what is read in the place of a label counts as it does of other images
        weight, known = torch.ones_like(moved), ~torch.isnan(codes[:count, self.split :])
        weight[:count] = torch.where(known, rarity(known), 1.0)
        glance_loss = reader.real_loss(glance, wanted, reader.glance_width, weight)
        # images whose factors are read are shown in other frames, but are not warped
        given = ~torch.isnan(codes).any(1, keepdim=True)
        given[:count] = True
        warps = warps * given
        moved = self.moved(warps, targets)
        glanced = torch.where(given, glance, glanced)
        jitter = JITTER * _wide(moved, noise)
        shown, starts, goals = self.starts(frames, warps, targets, jitter)
        mild, _, _ = self.starts(frames, self.strength * warps, targets, self.strength * jitter)
        with dropping(reader, noise):
            found, off = reader.look(see(both, shown), starts, glanced)
            outputs = torch.cat([reader.recognise(see(both, mild)), found], 1)
        if self.training:
            self.steps += 1
            self.adapt(outputs[:count].detach(), codes[:count])
            if batch.labelled is not None:
                told = self.has_category(codes[:count])
                self.keep(batch.labelled[1][:READ][told if told.any() else slice(None)])
        able = self.action.teaches(warps, SLOPES[0])
        wanted = torch.cat([kinds, torch.where(able, moved, torch.nan)], 1)
        # labels that are not known are not learned from
        wanted[:count][torch.isnan(codes[:count])] = torch.nan
        category = self.codes.category_loss(outputs, wanted)
        # circles are read by a net of their own
        reals = torch.where(self.is_circle, torch.nan, wanted[:, self.split :])
        real = reader.real_loss(found, reals, reader.real_width, weight)
        frame = reader.correction_loss(off, compose(inverse(starts), goals))
        trust = (self.steps / RISE).clamp_max(1)  # there is little to what is read at first
        terms = {"real": real[:count].mean()} if count else {}
        told = self.has_category(codes[:count])
        if told.any() or (count and not self.split):
            terms = {"category": mean(category[:count][told]), **terms}
        terms["read_category"] = (category * sure)[count:].mean()
        terms["read_real"] = real[count:].mean()
        terms["frame"] = mean(frame[:count]) + trust * frame[count:].mean()
        terms["glance"] = mean(glance_loss[:count]) + trust * glance_loss[count:].mean()
        if reader.turns is not None:
            turn = self.turn_loss(both, frames, targets, codes[:count], noise)
            terms["turn"] = mean(turn[:count]) + trust * turn[count:].mean()
        weighted = [trust * t if name.startswith("read") else t for name, t in terms.items()]
        return {"loss": torch.stack(weighted).sum(), **terms}

    @torch.no_grad()
    def try_frames(self, images: Tensor, codes: Tensor) -> None:
        """Drop the frames if images (B, C, H, W) of code columns (B, width) are not more alike."""
        known = ~torch.isnan(codes).any(1)
        images, codes = images[known], self.codes.canonical(codes[known])
        frame = self.reader.frame
        if not frames_help(images, codes, frame(codes[:, self.split :]), hashed(images)):
            frame.drop()

    def turn_loss(
        self,
        images: Tensor,
        frames: Tensor,
        targets: Tensor,
        labels: Tensor,
        noise: torch.Generator,
    ) -> Tensor:
        """Return the loss of reading periodic factors, (B,), and learn how rotations move them.

        Half of the pictures are turned, and only learned from if it is clear what that does.

        Args:
            images: (B, C, H, W), shrunk, the labelled ones first.
            frames: of the images, (B, 2, 3).
            targets: code columns of the images, (B, width), read where not known.
            labels: code columns of the labelled images, NaN where not known.
            noise: draws the pictures.
        """
        reader, turns, count = self.reader, self.reader.turns, len(labels)
        assert turns is not None
        jitter = JITTER / 2 * _wide(targets[:, self.split :], noise)
        still = images.new_zeros(len(images), PARAMETERS)
        _, starts, _ = self.starts(frames, still, targets, jitter)
        pictures, spins = spun(images, starts, noise)
        with dropping(reader, noise):
            found = turns(pictures)
        pairs = turns.targets(targets)
        pairs[:count] = turns.targets(labels)
        if self.training and count:
            turns.observe(found[:count], pairs[:count], spins[:count])
        return reader.real_loss(found, turns.expected(pairs, spins), turns.width)

    @torch.no_grad()
    def told(self, images: Tensor, codes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return code columns, glances and frames, read where not known, and what is sure.

        Args:
            images: (B, C, H, W), shrunk.
            codes: code columns, (B, width), NaN where unknown.
        """
        unknown = torch.isnan(codes)
        reads = unknown.any(1)  # images that are to be read at all
        outputs, glanced, frames = self.reader.settled(images[reads], LOOKED)
        read = self.codes.reading(outputs)
        sure = torch.ones(len(images), device=images.device)
        sure[reads] = self.codes.is_sure(read, SURE)
        codes = codes.clone()
        codes[reads] = torch.where(unknown[reads], self.certain(read), codes[reads])
        codes = self.codes.canonical(codes)
        reals = codes[:, self.split :]
        glances, found = self.reader.glance(images), self.reader.frame(reals)
        glances[reads] = glanced
        unclear = unknown[reads][:, self.split :].any(1)[:, None, None]
        found[reads] = torch.where(unclear, frames, found[reads])
        return codes, glances, found, sure

    @torch.no_grad()
    def starts(
        self, frames: Tensor, warps: Tensor, codes: Tensor, jitter: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return maps (B, 2, 3) from a picture to an image and to the warped one, and the right.

        Args:
            frames: of the images, (B, 2, 3).
            warps: of the images, (B, PARAMETERS).
            codes: of the images, (B, width).
            jitter: of the code columns that are no categories, (B, R): how far a frame is off.
        """
        reals, frame = codes[:, self.split :], self.reader.frame
        moved = self.moved(warps, codes)
        # a frame that goes with factors does so after the warp, too
        goals = compose(frame(moved), compose(inverse(frame(reals)), frames))
        starts = compose(goals, compose(inverse(frame(moved)), frame(moved + jitter)))
        return compose(inverse(moves(warps)), starts), starts, goals

    @torch.no_grad()
    def adapt(self, outputs: Tensor, codes: Tensor) -> None:
        """Warp images for the categories more if these are still read right, else less.

        A warp that makes one category into another teaches contradictions, and is noticed so.
        """
        right = []
        for part, target in zip(self.codes.logits(outputs), self.codes.logits(codes), strict=True):
            known = ~torch.isnan(target).any(1)
            if known.any():
                right.append((part.argmax(1) == target.argmax(1))[known].float().mean())
        if right:
            share = torch.stack(right).min()
            self.strength.add_(torch.where(share >= RIGHT, STEP, -STEP)).clamp_(0, 1)


def held_out(images: Tensor) -> Tensor:
    """Return which images (B, C, H, W) are among one in HELD, told by their own pixels, (B,)."""
    return hashed(images) % HELD == 0


def hashed(images: Tensor) -> Tensor:
    """Return a number of each image (B, C, H, W), (B,), the same for equal images."""
    pixels = (images.flatten(1) * 255).round().long()
    # numbers without a pattern for each place: Knuth's multiplicative hash
    places = torch.arange(1, pixels.shape[1] + 1, device=pixels.device) * 2654435761 % 2**32
    return (pixels * places).sum(1) % 2147483647


def mean(values: Tensor) -> Tensor:
    """Return the mean of losses (B,), 0 if there are none."""
    return values.sum() / max(len(values), 1)


def _wide(like: Tensor, noise: torch.Generator) -> Tensor:
    """Draw numbers of the shape of ``like``, each row as wide as it comes, a fifth of them 0."""
    drawn = torch.randn(like.shape, generator=noise, device=like.device)
    width = torch.rand((len(like), 2), generator=noise, device=like.device)
    return drawn * width[:, :1] * (width[:, 1:] < 0.8)
