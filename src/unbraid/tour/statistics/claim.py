"""Test of the claim: better reconstruction with similar disentanglement, at each beta.

Each seed trains both methods; what is tested is the mean of its differences, so that what a seed
does to both cancels. All tests are one-sided t tests over seeds, which hold their level with few
seeds too, if differences are normal. Four kinds of statement can be made, each with a quarter of
``ALPHA``, corrected within its kind for how many there are by Holm 1979, "A Simple Sequentially
Rejective Multiple Test Procedure":

- at equal reconstruction a score is *higher*, or *lower*;
- at the same beta the claim *holds*: the reconstruction is better, and no score is lower by the
  margin or more. All parts must pass, an intersection-union test (Berger 1982, "Multiparameter
  Hypothesis Testing and Acceptance Sampling"), which needs no correction for its parts;
- at the same beta the claim *fails*: the reconstruction is worse, or a score is lower by more than
  the margin.

So the chance of any false statement, whatever the truth, is at most ``ALPHA``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from unbraid.studies.statistics import Interval

ALPHA = 0.05  # chance of any false statement
KINDS = 4  # of statements, which share it
MARGIN = 0.05  # a score lower by less than that counts as similar; scores reach from 0 to 1
RECONSTRUCTION = "reconstruction"
Floats = NDArray[np.float64]


# -- the tests -------------------------------------------------------------------------------------


def below(differences: Floats, bound: float = 0.0) -> Floats:
    """Return the p value of "the mean is below the bound" for differences (..., seeds).

    One-sided t test; 1 where there are fewer than two seeds.
    """
    seeds = differences.shape[-1]
    if seeds < 2:
        return np.ones(differences.shape[:-1])
    offset = differences.mean(-1) - bound
    error = differences.std(-1, ddof=1) / seeds**0.5
    with np.errstate(divide="ignore", invalid="ignore"):  # no spread: certain, or undecided at 0
        t = np.where(offset == 0, 0.0, offset / error)
    p: Floats = stats.t.cdf(t, seeds - 1)
    return p


def holm(p: Floats) -> Floats:
    """Return p values (..., tests) corrected for how many there are (Holm 1979).

    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, axis=-1)
    count = p.shape[-1]
    ranked = np.take_along_axis(p, order, -1) * np.arange(count, 0, -1)
    corrected = np.empty_like(p)
    np.put_along_axis(corrected, order, np.maximum.accumulate(ranked, axis=-1).clip(max=1), -1)
    return corrected


class PValues(NamedTuple):
    """Corrected p values: at ``ALPHA`` or below, the statement is made.

    Args:
        holds: of each beta, (..., betas).
        fails: of each part at each beta, the reconstruction first, (..., parts, betas).
        higher, lower: of each score at equal reconstruction, (..., scores).
    """

    holds: Floats
    fails: Floats
    higher: Floats
    lower: Floats

    def anything(self) -> NDArray[np.bool_]:
        """Whether any statement is made, (...,)."""
        found = [each.min(-1) for each in (self.holds, self.higher, self.lower)]
        least = np.minimum.reduce([*found, self.fails.min((-2, -1))])
        said: NDArray[np.bool_] = least <= ALPHA
        return said


def assess(differences: Floats, gaps: Floats) -> PValues:
    """Test all statements, and return their corrected p values.

    Args:
        differences: at the same beta, (..., parts, betas, seeds): of the reconstruction, in nats
            (below 0 is better), then of each score (above 0 is better).
        gaps: of each score at equal reconstruction, (..., scores, seeds).
    """
    reconstruction, scores = differences[..., 0, :, :], differences[..., 1:, :, :]
    similar = below(-scores, MARGIN)  # the mean of -scores is below the margin
    holds = np.maximum(below(reconstruction), similar.max(-2))
    fails = np.concatenate(
        [below(-reconstruction)[..., None, :], below(scores, -MARGIN)], -2
    )  # (..., parts, betas)
    every = holm(fails.reshape(*fails.shape[:-2], -1)).reshape(fails.shape)
    shared = (holm(holds), every, holm(below(-gaps)), holm(below(gaps)))
    return PValues(*(np.minimum(1.0, KINDS * each) for each in shared))


def chance(spread: Floats, gaps: Floats, seeds: int, trials: int = 20_000) -> float:
    """Return how often any statement is made where the methods do not differ at all, simulated.

    Args:
        spread: standard deviations of the differences, (parts, betas).
        gaps: those at equal reconstruction, (scores,).
        seeds: trainings of each.
        trials: simulated experiments.
    """
    rng = np.random.default_rng(0)
    found = 0
    for count in _parts(trials, 2_000):
        differences = rng.normal(size=(count, *spread.shape, seeds)) * spread[..., None]
        found += int(
            assess(differences, rng.normal(size=(count, *gaps.shape, seeds)) * gaps[..., None])
            .anything()
            .sum()
        )
    return found / trials


def _parts(total: int, most: int) -> list[int]:
    """Split a number into parts of at most so many."""
    return [min(most, total - start) for start in range(0, total, most)]


# -- the answer ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """beta-TCVAE minus beta-VAE at one beta, over seeds.

    Args:
        beta: of both.
        parts: the differences: ``reconstruction`` in nats, below 0 is better; then of each score,
            above 0 is better.
        holds: corrected p value of the claim.
        fails: corrected p value of each part's failing.
    """

    beta: int
    parts: Mapping[str, Interval]
    holds: float
    fails: Mapping[str, float]

    @property
    def failing(self) -> list[str]:
        """The parts that the claim fails by."""
        return [name for name, p in self.fails.items() if p <= ALPHA]

    @property
    def decision(self) -> str:
        """``holds``, ``fails`` or ``not decided``."""
        return "fails" if self.failing else "holds" if self.holds <= ALPHA else "not decided"

    @property
    def reason(self) -> str:
        """What the claim fails by; empty unless it does."""
        scores = [name for name in self.failing if name != RECONSTRUCTION]
        parts = ["the reconstruction is worse"] if RECONSTRUCTION in self.failing else []
        if scores:
            verb = "are" if len(scores) > 1 else "is"
            parts.append(f"{' and '.join(scores)} {verb} lower by {MARGIN:g} or more")
        return ", and ".join(parts)


def verdict(found: Sequence[Comparison], seeds: int) -> tuple[str, str]:
    """Return the answer, in a few words, and sentences that say why."""
    if seeds < 2:
        return "cannot be decided", (
            "One training of each compares two trainings, not two methods: take more seeds."
        )
    betas: dict[str, list[int]] = {"holds": [], "fails": [], "not decided": []}
    for each in found:
        betas[each.decision].append(each.beta)
    reasons = [f"at β = {each.beta} {each.reason}" for each in found if each.reason]
    why = _sentence(reasons)
    if betas["not decided"]:
        why = f"{why} {_undecided(betas['not decided'], found, seeds)}".strip()
    if not betas["holds"] and not betas["fails"]:
        return f"cannot be decided with {seeds} seeds", why
    if len(betas["holds"]) == len(found):
        return "confirmed at every β", "The reconstruction is better and the scores are similar."
    if len(betas["fails"]) == len(found):
        return "refuted at every β", why
    words = {"holds": "confirmed at", "fails": "refuted at", "not decided": "not decided at"}
    said = [f"{words[key]} β = {ranges(each, found)}" for key, each in betas.items() if each]
    return ", ".join(said), why


def _undecided(betas: Sequence[int], found: Sequence[Comparison], seeds: int) -> str:
    where = "" if len(betas) == len(found) else f" at β = {ranges(betas, found)}"
    return f"The differences vary too much between the {seeds} seeds to decide{where}, either way."


def ranges(chosen: Sequence[int], found: Sequence[Comparison]) -> str:
    """Write betas, three neighbours or more joined: ``2 to 6 and 16``."""
    known = [each.beta for each in found]
    runs: list[list[int]] = []
    for beta in chosen:
        if runs and known.index(beta) == known.index(runs[-1][-1]) + 1:
            runs[-1].append(beta)
        else:
            runs.append([beta])
    parts = [
        part
        for run in runs
        for part in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(beta) for beta in run])
    ]
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _sentence(reasons: Sequence[str]) -> str:
    text = "; ".join(reasons)
    return text[:1].upper() + text[1:] + "." if text else ""


# -- at equal reconstruction -----------------------------------------------------------------------


def at_equal_reconstruction(
    one: Mapping[int, tuple[float, float]], other: Mapping[int, tuple[float, float]]
) -> float | None:
    """Return how much higher one seed's curve runs than another, both against reconstruction.

    Args:
        one: (reconstruction, score) by beta.
        other: the same of the method that it is compared with.

    Returns:
        The mean gap over the reconstructions that both curves reach, points joined by straight
        lines; None if there are none.
    """
    curves = [np.array(sorted(each.values())) for each in (one, other)]
    low = max(curve[0, 0] for curve in curves)
    high = min(curve[-1, 0] for curve in curves)
    if not low < high:
        return None
    grid = np.linspace(low, high, 201)
    first, second = (np.interp(grid, curve[:, 0], curve[:, 1]) for curve in curves)
    return float((first - second).mean())
