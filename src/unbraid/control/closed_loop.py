"""Closed-loop control: read the images that were drawn, keep the best, correct the error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.control.controller import (
    Controller,
    Draw,
    Edits,
    Redrawing,
    checked_factors,
    checked_styles,
)
from unbraid.control.factor_distance import factor_difference, factor_distance
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import remeasured

if TYPE_CHECKING:
    from unbraid.methods import Method

Floats = NDArray[np.float64]
Images = NDArray[np.float32]
Styles = NDArray[np.int64]

# usual errors of the reader, up to which a reading may differ from a request: such a difference
# is as likely to be the reader's as the image's
TOLERANCE = 1.0
MARGIN = 0.05  # of its range, by which a corrected factor may exceed it
ROUNDS = 3  # corrections where factors are measured, as measurements have no error of reading


class ClosedLoop(Edits):
    """A controller that reads the images it draws and refines them.

    Where the usual error of readings is known, a difference from the request counts only as far as
    it exceeds it (``TOLERANCE``): a good image is not corrected by a worse reading. Factors that
    are measured from images are measured here too, not read by the model, and where there are
    any, the request is corrected ``ROUNDS`` times.

    It wraps any controller. Around another ``ClosedLoop`` it does not nest: the larger number of
    candidates applies, and the correction if either asks for it.

    Args:
        controller: draws and reads.
        candidates: images drawn for each request, of which the one that reads closest to it is
            kept. Which style that is depends on the request, so with more than 1 the same style
            in another request may be another handwriting.
        correct: draw again with the reading error subtracted from the request, and keep the
            closest of the images.

    Raises:
        UnbraidError: fewer than 1 candidate.

    >>> loop = ClosedLoop(controller, candidates=4, correct=True)  # doctest: +SKIP
    """

    def __init__(self, controller: Controller, candidates: int = 1, correct: bool = False) -> None:
        if candidates < 1:
            raise UnbraidError(f"candidates is {candidates}, expected 1 or more.")
        if isinstance(controller, ClosedLoop):
            candidates = max(candidates, controller.candidates)
            correct = correct or controller.correct
            controller = controller.controller
        self.controller: Controller = controller
        self.specs = controller.specs
        self.candidates: int = candidates
        self.correct: bool = correct

    @property
    def model(self) -> Method:
        """The model that draws."""
        return self.controller.model

    def draw(self, factors: ArrayLike, styles: ArrayLike) -> Images:
        """Return images that have the factors (N, F), (N, C, H, W) on [0, 1].

        Args:
            factors: as stored in a data set, indices for levels.
            styles: (N,) integers.
        """
        if self.candidates == 1 and not self.correct:
            return self.controller.draw(factors, styles)
        rows = checked_factors(factors, self.specs)
        numbers = checked_styles(styles, len(rows))
        return self._refined(self.controller.drawing(), rows, numbers, self.candidates)

    @property
    def reading_error(self) -> Floats | None:
        """Usual error of readings, (F,), in each factor's unit; None if unknown."""
        return self.controller.reading_error

    @property
    def tolerance(self) -> Floats | float:
        """Differences of readings that do not count, (F,), in each factor's unit; 0 if unknown."""
        measured = np.array([bool(spec.measured) for spec in self.specs])
        return np.where(measured, 0.0, reader_tolerance(self.controller))

    def read(self, images: Any) -> Floats:
        """Return the factors of images, (N, F), measured or as the controller reads them."""
        return remeasured(images, self.specs, self.controller.read(images))

    def _readings(self, images: Images, reads: bool = True) -> Floats:
        """Return what requests are corrected by, NaN where a measured factor has no measurement.

        With ``reads`` False, also where a factor is not measured.
        """
        known = self.controller.read(images).copy()
        known[:, [bool(spec.measured) or not reads for spec in self.specs]] = np.nan
        return remeasured(images, self.specs, known)

    def redrawing(self, images: Any) -> Redrawing:
        """Read or measure images once; return their factors and what redraws and corrects them.

        Nothing is corrected where factors are only read by a model of codes: its readings are too
        coarse to say that a factor which is to be kept has changed.
        """
        from unbraid.methods import TakesFactors

        plain = self.controller.redrawing(images)
        found = remeasured(images, self.specs, plain.factors)
        measured = any(spec.measured for spec in self.specs)
        takes = isinstance(self.model, TakesFactors)
        if not (self.correct and (measured or takes)):
            return Redrawing(found, plain.draw)

        def refine(factors: Floats) -> Images:
            def draw(asked: Floats, images: Styles) -> Images:
                rows = factors.copy()
                rows[images] = asked
                found: Images = plain.draw(rows)[images]
                return found

            return self._refined(draw, factors, np.arange(len(factors)), 1, takes)

        return Redrawing(found, refine)

    def _refined(
        self, draw: Draw, factors: Floats, styles: Styles, candidates: int, reads: bool = True
    ) -> Images:
        """Return refined images of a function that draws factors (N, F) in styles (N,)."""
        rounds = ROUNDS if any(spec.measured for spec in self.specs) else 1
        return refine_samples(
            draw,
            lambda images: self._readings(images, reads),
            self.specs,
            factors,
            styles,
            candidates,
            self.correct,
            self.tolerance,
            rounds,
        )


def reader_tolerance(controller: Controller) -> Floats | float:
    """Return by how much a controller's own readings may differ, (F,), in units; 0 if unknown."""
    error = controller.reading_error
    return 0.0 if error is None else TOLERANCE * error


def refine_samples(
    draw: Draw,
    read: Callable[[Images], Floats],
    specs: Sequence[FactorSpec],
    factors: Floats,
    styles: Styles,
    candidates: int = 1,
    correct: bool = False,
    tolerance: Floats | float = 0.0,
    rounds: int = 1,
) -> Images:
    """Return the images that read closest to the request among a few samples, (N, C, H, W).

    Args:
        draw: factors (N, F) and styles (N,) to images; a deterministic function of each row. A
            correction draws only the rows that it changes.
        read: images to factors (N, F), NaN where they have none, which asks for no correction.
        specs: of the factors.
        factors: requested (N, F).
        styles: of the first candidates; the styles of the others are derived from them.
        candidates: images drawn for each request, of which the closest is kept.
        correct: draw again with request + (request - read), and keep the closest image.
        tolerance: differences of readings that do not count, (F,), in each factor's unit.
        rounds: corrections, each of the request of the one before.
    """
    sampled = np.stack([styles, *(_derived_styles(styles, n) for n in range(1, candidates))])
    images: Images = draw(np.tile(factors, (len(sampled), 1)), sampled.ravel())
    if candidates == 1 and not correct:
        return images
    readings = tolerated_readings(
        specs, np.tile(factors, (len(sampled), 1)), read(images), tolerance
    )
    repeated = np.tile(factors, (len(sampled), 1))
    distances = factor_distance(specs, repeated, readings).reshape(sampled.shape)
    rows = distances.argmin(0) * len(styles) + np.arange(len(styles))
    images, readings, distances = images[rows], readings[rows], distances.ravel()[rows]
    chosen, asked, found = sampled.ravel()[rows], factors, readings
    for _ in range(rounds if correct and len(styles) else 0):
        before, asked = asked, corrected_request(specs, factors, found, asked)
        moved = np.flatnonzero((asked != before).any(1))  # others would be drawn as they are
        if not len(moved):
            break
        again = draw(asked[moved], chosen[moved])
        found[moved] = tolerated_readings(specs, factors[moved], read(again), tolerance)
        away = factor_distance(specs, factors[moved], found[moved])
        better = away < distances[moved]
        images[moved[better]], distances[moved[better]] = again[better], away[better]
    return images


def tolerated_readings(
    specs: Sequence[FactorSpec], requested: Floats, read: Floats, tolerance: Floats | float
) -> Floats:
    """Return readings (N, F) moved towards the request by as much as is tolerated, not past it.

    A reading that is NaN becomes the request.
    """
    read = np.where(np.isnan(read), requested, read) if np.isnan(read).any() else read
    allowed = np.broadcast_to(np.asarray(tolerance, np.float64), len(specs))
    if not allowed.any():
        return read
    found = read.copy()
    for column, spec in enumerate(specs):
        if spec.kind != "categorical":
            away = factor_difference(specs, requested, read, column)
            found[:, column] -= np.clip(away, -allowed[column], allowed[column])
    return found


def corrected_request(
    specs: Sequence[FactorSpec], requested: Floats, read: Floats, asked: Floats | None = None
) -> Floats:
    """Return requests (N, F) minus their reading error; factors with levels stay as they are.

    Args:
        specs: of the factors.
        requested: what the images are to have.
        read: what they have.
        asked: what they were drawn for; the request itself if None.
    """
    found = (requested if asked is None else asked).copy()
    for column, spec in enumerate(specs):
        if spec.kind == "categorical" or spec.values is not None:
            continue
        low, high = spec.range or (-np.inf, np.inf)
        margin = MARGIN * (high - low)
        found[:, column] -= factor_difference(specs, requested, read, column)
        if not spec.period:
            found[:, column] = np.clip(found[:, column], low - margin, high + margin)
    return found


def _derived_styles(styles: Styles, number: int) -> Styles:
    """Return other styles, a deterministic function of the given ones and a number."""
    mixed = [np.random.SeedSequence((int(s) % 2**63, number)) for s in styles]
    drawn = [int(each.generate_state(1, np.uint64)[0]) % 2**63 for each in mixed]
    return np.array(drawn, np.int64)
