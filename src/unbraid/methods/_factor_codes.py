"""Factors as columns of a code, and outputs of a net as a reading of factors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from unbraid.core.factors import FactorSpec

WIDTH = 0.2  # of a reading's error, in units of half a factor's range, where its loss is 1 nat
HALF = 0.5 + 1e-4  # rounds halves up, whatever their last digits
SMOOTH = 0.5  # in widths: below it the loss is quadratic
# Of the range of a factor in such units, for one that has a single value: warps and first readings
# differ from that, and errors are told in ranges.
USUAL_WIDTHS = {"degrees": 90.0, "pixels": 16.0, "per cent": 40.0}


class FactorCodes:
    """How factors (B, F) become code columns (B, width) and back.

    Categorical factors come first, one column a level; then a column for each real or ordinal
    factor, its range brought to [-1, 1], a single value to -1; then sine and cosine of each
    periodic one. Where a periodic factor repeats sooner (a square after 90 degrees), it is the
    angle nearest to 0 of those at which an image looks the same, so that such images have the same
    code.

    >>> digit = FactorSpec("digit", "categorical", values=(0, 1))
    >>> codes = FactorCodes([FactorSpec("x", "continuous", range=(-9, 9)), digit])
    >>> codes.encode(torch.tensor([[4.5, 1.0]]))
    tensor([[0.0000, 1.0000, 0.5000]])
    """

    def __init__(self, specs: Sequence[FactorSpec]) -> None:
        self.specs = tuple(specs)
        self.categorical = [i for i, s in enumerate(specs) if s.kind == "categorical"]
        self.periodic = [i for i, s in enumerate(specs) if s.kind == "periodic"]
        self.real = [
            i for i in range(len(specs)) if i not in self.categorical and i not in self.periodic
        ]
        self.levels = [len(specs[i].values or ()) for i in self.categorical]
        self.categories = sum(self.levels)
        self.width = self.categories + len(self.real) + 2 * len(self.periodic)

    def bounds(self, column: int) -> tuple[float, float]:
        """Return the lowest and highest stored value of a factor, never the same."""
        spec = self.specs[column]
        if spec.values is not None:
            last = float(max(len(spec.values) - 1, 1))
            return 0.0, self.turn(column) if spec.kind == "periodic" else last
        assert spec.range is not None  # FactorSpec has it where it has no values
        low, high = spec.range
        return low, high if high > low else low + _usual_width(spec.unit)

    def is_single(self, column: int) -> bool:
        """Whether a factor that is stored as a real number has a single value."""
        spec = self.specs[column]
        return spec.values is None and spec.range is not None and spec.range[0] >= spec.range[1]

    def turn(self, column: int) -> float:
        """Return the length of one turn of a periodic factor, as stored."""
        return self.specs[column].stored_turn or 1.0

    def repeats(self, column: int, categories: Tensor) -> Tensor:
        """Return how often a periodic factor repeats in a turn, (B,), given columns of categories.

        0 where it has no meaning, NaN where that depends on a category that is unknown. Of several
        symmetries the shortest period counts.
        """
        # of its shape, not its length, which an exported graph would keep
        most, meaning = (categories.new_ones(categories.shape[:1]) for _ in range(2))
        places = zip(self.categorical, torch.split(categories, self.levels, 1), strict=True)
        parts = {self.specs[other].name: (self.specs[other], part) for other, part in places}
        for each in self.specs[column].symmetries:
            spec, part = parts.get(each.factor, (None, categories))
            levels = list(spec.values or ()) if spec else []
            if each.value in levels:
                here = part[:, levels.index(each.value)]
                if each.period:
                    times = (self.specs[column].period or 1.0) / each.period
                    most = torch.maximum(most, here * times)
                else:
                    meaning = meaning * (1 - here)
        return most * meaning

    def canonical(self, codes: Tensor) -> Tensor:
        """Return code columns (B, width) with the angle nearest to 0 of those that look the same.

        Where that depends on a category that is unknown, the angle stays.
        """
        if not any(self.specs[column].symmetries for column in self.periodic):
            return codes
        first, sure = self.categories + len(self.real), self._known_categories(codes)
        columns = [codes[:, :first]]
        for at, column in enumerate(self.periodic):
            pair = codes[:, first + 2 * at : first + 2 * at + 2]
            if self.specs[column].symmetries:
                repeats = self.repeats(column, sure)
                step = 2 * math.pi / repeats.clamp_min(1)
                angle = torch.atan2(pair[:, 0], pair[:, 1])
                angle = torch.where(
                    repeats == 0, 0.0, angle - step * torch.floor(angle / step + HALF)
                )
                length = pair.square().sum(1).sqrt()
                moved = torch.stack([length * angle.sin(), length * angle.cos()], 1)
                pair = torch.where(torch.isnan(repeats)[:, None], pair, moved)
            columns.append(pair)
        return torch.cat([*columns, codes[:, self.width :]], 1)

    def nearest(self, found: Tensor, codes: Tensor) -> Tensor:
        """Return the columns of codes, but categories, as near to others as look the same, (B, R).

        Where a periodic factor repeats sooner, an angle near the one at which its code jumps may as
        well be on the other side.

        Args:
            found: columns that are not categories, (B, R), such as those read.
            codes: what they should be, canonical, (B, width).
        """
        columns = [codes[:, self.categories : self.categories + len(self.real)]]
        sure = self._known_categories(codes)
        for at, column in enumerate(self.periodic):
            place = len(self.real) + 2 * at
            pair = codes[:, self.categories + place : self.categories + place + 2]
            if self.specs[column].symmetries:
                seen, (sine, cosine) = found[:, place : place + 2].detach(), pair.unbind(1)
                repeats = self.repeats(column, sure)
                angle = torch.atan2(sine, cosine)
                step = -angle.sign() * 2 * math.pi / repeats.clamp_min(1)
                sin, cos = step.sin(), step.cos()
                over = torch.stack([sine * cos + cosine * sin, cosine * cos - sine * sin], 1)
                nearer = (seen - over).square().sum(1) < (seen - pair).square().sum(1)
                jumps = (repeats > 1) & (angle.abs() * repeats >= math.pi / 2)
                pair = torch.where((nearer & jumps)[:, None], over, pair)
            columns.append(pair)
        return torch.cat(columns, 1)

    def apart(self, codes: Tensor) -> Tensor:
        """Return which code columns (B, R), but categories, are far from where their code jumps.

        An angle is near one where the image of a slightly larger angle has that of a much smaller.
        """
        found = torch.ones_like(codes[:, self.categories : self.width], dtype=torch.bool)
        sure = self._known_categories(codes)
        for at, column in enumerate(self.periodic):
            if self.specs[column].symmetries:
                repeats = self.repeats(column, sure)
                place = len(self.real) + 2 * at
                pair = codes[:, self.categories + place : self.categories + place + 2]
                angle = torch.atan2(pair[:, 0], pair[:, 1]).abs()
                far = (repeats == 1) | ((repeats > 1) & (angle * repeats < math.pi / 2))
                found[:, place : place + 2] = far[:, None]
        return found

    def _known_categories(self, codes: Tensor) -> Tensor:
        """Return one level of each category, the most probable, NaN where unknown."""
        given = codes[:, : self.categories]
        return torch.where(
            torch.isnan(given), math.nan, self.most_probable(codes)[:, : self.categories]
        )

    def encode(self, factors: Tensor) -> Tensor:
        """Return the code columns of factors (B, F), (B, width); unknown factors stay NaN."""
        parts = []
        for column, levels in zip(self.categorical, self.levels, strict=True):
            level = factors[:, column]
            known = ~torch.isnan(level)
            one_hot = F.one_hot(level.nan_to_num().round().long().clamp(0, levels - 1), levels)
            parts.append(torch.where(known[:, None], one_hot.float(), math.nan))
        for column in self.real:
            low, high = self.bounds(column)
            parts.append(((factors[:, column] - low) / (high - low) * 2 - 1)[:, None])
        categories = torch.cat([factors[:, :0], *parts[: len(self.levels)]], 1)
        for column in self.periodic:
            angle = factors[:, column] * (2 * math.pi / self.turn(column))
            if self.specs[column].symmetries:  # its meaning depends on them
                angle = angle + 0 * self.repeats(column, categories)
            parts.append(torch.stack([angle.sin(), angle.cos()], 1))
        codes = torch.cat(parts, 1) if parts else factors.new_zeros(len(factors), 0)
        return self.canonical(codes).float()

    def even(self, count: int, noise: torch.Generator) -> Tensor:
        """Draw factors evenly over their levels and ranges, (count, F)."""
        factors = torch.rand((count, len(self.specs)), generator=noise)
        for column, spec in enumerate(self.specs):
            low, high = self.bounds(column)
            if spec.is_discrete:
                factors[:, column] = (factors[:, column] * len(spec.values or ())).floor()
            else:
                length = 0.0 if self.is_single(column) else high - low
                factors[:, column] = low + factors[:, column] * length
        return factors

    def middle(self, codes: Tensor) -> Tensor:
        """Return code columns of the same categories, all else in the middle (or at angle 0)."""
        moved = codes.clone()
        moved[:, self.categories :] = 0
        for at, column in enumerate(self.real, self.categories):
            if self.is_single(column):
                moved[:, at] = -1
        moved[:, self.categories + len(self.real) + 1 :: 2] = 1  # the cosines
        return moved

    def decode(self, codes: Tensor) -> Tensor:
        """Return the factors of code columns (B, width or more), (B, F)."""
        if not self.specs:
            return codes[:, :0]
        # as columns, not written into zeros: exports take any number of rows then
        factors, at = [torch.zeros_like(codes[:, 0])] * len(self.specs), 0
        for column, levels in zip(self.categorical, self.levels, strict=True):
            factors[column] = codes[:, at : at + levels].argmax(1).to(codes.dtype)
            at += levels
        for column in self.real:
            low, high = self.bounds(column)
            value = low + (codes[:, at] + 1) / 2 * (high - low)
            if self.specs[column].is_discrete:
                value = value.round().clamp(low, high)
            factors[column] = 0 * value + low if self.is_single(column) else value
            at += 1
        for column in self.periodic:
            turn, low = self.turn(column), self.bounds(column)[0]
            value = torch.atan2(codes[:, at], codes[:, at + 1]) * (turn / (2 * math.pi))
            value = (value - low) % turn + low
            if (spec := self.specs[column]).is_discrete:
                level = value.round().clamp_max(len(spec.values or ()) - 1)
                value = torch.where(value >= spec.wrap_level, 0.0, level)
            factors[column] = value
            at += 2
        return torch.stack(factors, 1)

    def distances(self, widths: Tensor) -> Tensor:
        """Return how far off factors are, (F,), as stored, where code columns are off by widths.

        Args:
            widths: of all columns that are not categories, (R,); categories are not off.
        """
        found = widths.new_zeros(len(self.specs))
        reals, circles = torch.split(widths, [len(self.real), 2 * len(self.periodic)])
        for column, width in zip(self.real, reals, strict=True):
            low, high = self.bounds(column)
            found[column] = 0.0 if self.is_single(column) else width * (high - low) / 2
        for column, pair in zip(self.periodic, circles.view(-1, 2), strict=True):
            found[column] = pair.mean() * self.turn(column) / (2 * math.pi)
        return found

    def logits(self, outputs: Tensor) -> list[Tensor]:
        """Return each categorical factor's logits out of a net's outputs (B, width)."""
        return list(torch.split(outputs[:, : self.categories], self.levels, 1))

    def most_probable(self, codes: Tensor) -> Tensor:
        """Return code columns (N, width) with one level of each category, the most probable."""
        parts = self.logits(codes)
        # not by one_hot, which looks at the numbers and so cannot be exported or mapped
        levels = [torch.arange(part.shape[1], device=part.device) for part in parts]
        sure = [
            (part.argmax(1, keepdim=True) == level).to(codes.dtype)
            for part, level in zip(parts, levels, strict=True)
        ]
        return torch.cat([*sure, codes[:, self.categories :]], 1)

    def is_sure(self, read: Tensor, probability: float) -> Tensor:
        """Return 1 where all categories read are more probable than that, else 0, (N,)."""
        found = torch.ones(len(read), device=read.device)
        for part in self.logits(read):
            found = found * (part.amax(1) > probability)
        return found

    def reading(self, outputs: Tensor) -> Tensor:
        """Return a net's outputs as code columns: probabilities, and the rest as it is."""
        chances = [torch.softmax(part, 1) for part in self.logits(outputs)]
        return torch.cat([*chances, outputs[:, self.categories :]], 1)

    def category_loss(self, outputs: Tensor, codes: Tensor) -> Tensor:
        """Return -log q of the categories, summed over factors, (B,), nats; unknown ones are 0."""
        total = outputs.new_zeros(len(outputs))
        targets = torch.split(codes[:, : self.categories], self.levels, 1)
        for part, target in zip(self.logits(outputs), targets, strict=True):
            total = total - (torch.log_softmax(part, 1) * target.nan_to_num()).sum(1)
        return total

    def plausible(self, read: Tensor, codes: Tensor, doubt: float = 0.5) -> Tensor:
        """Return 1 where a reading may be of the categories of codes, else 0, (B,).

        It may unless another category has a probability above ``doubt``.
        """
        other = read[:, : self.categories] * (1 - codes[:, : self.categories])
        if not self.categories:
            return torch.ones(len(read), device=read.device)
        return (other.amax(1) <= doubt).float()

    def away(self, outputs: Tensor, codes: Tensor) -> Tensor:
        """Return how far columns that are not categories are from what they should be, (B, R).

        Of the angles that look the same it is the distance to the nearest.
        """
        found = outputs[:, self.categories :]
        return (found - self.nearest(found, codes)).abs()

    def real_loss(
        self,
        outputs: Tensor,
        codes: Tensor,
        forgiven: Tensor | float = 0.0,
        weight: Tensor | float = 1.0,
    ) -> Tensor:
        """Return the loss of all other columns, summed, (B,), nats; unknown ones are 0.

        It is -log of a density that falls off as Laplace's, WIDTH wide, with a rounded top.

        Args:
            outputs: of a net, (B, width).
            codes: what they should be.
            forgiven: a distance up to which they may be off, a number or one a column.
            weight: of each column, (R,), or of all.
        """
        away = self.away(outputs, codes)
        away = (away - forgiven).clamp_min(0) / WIDTH
        known = ~torch.isnan(away)
        away = torch.where(known, away, 0.0)
        loss = F.smooth_l1_loss(away, torch.zeros_like(away), reduction="none", beta=SMOOTH)
        return (weight * loss).sum(1)


def rarity(known: Tensor) -> Tensor:
    """Return how many rows there are to each in which a column is known, (K,).

    Weighted by it, the mean over all rows is, for each column, the mean over those that know it:
    labels do not count less beside images that are only measured.

    Args:
        known: (B, K), whether a row has a column.

    >>> rarity(torch.tensor([[True, False], [True, True]]))
    tensor([1., 2.])
    """
    return len(known) / known.sum(0).clamp_min(1)


def _usual_width(unit: str) -> float:
    """Return how wide the range of a factor usually is."""
    return next((width for name, width in USUAL_WIDTHS.items() if unit.startswith(name)), 1.0)
