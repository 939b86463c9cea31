"""The report of control: figures that a judge reads from images of random requests.

Three properties are needed together, because each alone is easily reached. *Accuracy*: the judge
reads the requested factors. *Diversity*: two images of a request differ as much as two real ones;
one template per class has the best accuracy. *Sharpness*: edges are as strong as in real images;
a judge reads blurred means best. In addition, changing one factor should not change the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.control.assessment.judge import Judge
from unbraid.control.assessment.observations import DigitsReader, Observations, Observer, Reader
from unbraid.control.assessment.random_requests import Distribution
from unbraid.control.assessment.sources import Rendered, Source
from unbraid.control.assessment.summary import summarise
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets.digits import Renderer

Floats = NDArray[np.float64]
Draw = Callable[[Floats, NDArray[np.int64]], Any]

FRESH, VALIDATION = 0, 1  # seeds of requests: for reported figures, and for choosing settings


def measure(
    draw: Draw,
    judge: Judge | Reader,
    specs: Sequence[FactorSpec],
    source: Renderer | Source,
    requests: int = 2000,
    seed: int = FRESH,
    drawn: Distribution = "independent",
) -> dict[str, Any]:
    """Return the report of a function that draws requests, beside real images of these requests.

    Args:
        draw: factors (N, F) and styles (N,) to images (N, C, H, W), uint8 or floats on [0, 1].
            Everything in image n that is not given by the factors must depend on styles[n] only.
        judge: reads the images.
        specs: of the factors, including those that the judge reads.
        source: of requests and their real images; a renderer of ``digits`` with the same canvas
            and with handwriting that is not in the training data, or a source of any data.
        requests: number of random requests, N.
        seed: of requests and styles: ``FRESH`` for reported figures, ``VALIDATION`` for choosing
            settings.
        drawn: distribution of requests: ``independent`` for each factor, or ``joint`` as in the
            data.

    Returns:
        ``figures``: by name a ``value``, its ``standard_error``, the value of ``real`` images and
        the ``unit``. For each FACTOR that is judged:

        - ``FACTOR accuracy``, of categories: share of images on which the judge reads the
          requested level.
        - ``FACTOR``, of all others: mean absolute difference between request and reading, in the
          factor's unit (for ``digits``, pixels of a 64-pixel canvas, and size in percent of the
          request), modulo the symmetries of the requested categories. For voices, the median in
          the case of pitch, and ``pitch beyond 1``, the share that is more than a semitone off.
          ``FACTOR error`` where the factor has the name of one of the following figures.
        - ``diversity``: mean squared distance of two images of one request in two styles, divided
          by that of two real ones. Left out if an image is determined by its factors.
        - ``variance over time``, of voice pictures: how much the envelope changes within the word,
          divided by that of real ones.
        - ``sharpness``: mean squared difference of neighbouring pixels, divided by that of real
          images.
        - ``grey ratio``, of grey images: sum of x (1 - x) over sum of x, of all pixels x.
        - ``leakage``: mean over changed factors of ``leakage[k]``, which is the mean over the
          other, not categorical factors j of ``moves[k][j]`` divided by that of real images.
        - ``FACTOR flips``, of categories: share of images whose level, as read, differs after
          only another factor was changed.
        - ``FACTOR changes``, of categories: share of images on which the judge reads the new level
          after the factor was changed in the same style.

        ``leakage``: by changed factor. ``moves``: by changed factor k and other factor j, the mean
        absolute change of j as read when only k is drawn again in the same style, ``value`` and
        ``real``. Real images have the same handwriting, or another if the digit changes; or they
        are the images of the combinations; or, if neither is possible, the value is the difference
        of two unrelated reading errors. ``notes``: remarks.

    Raises:
        UnbraidError: factors that the judge does not read, images of another shape, fewer than 2
            requests or a seed below 0.
    """
    if requests < 2:
        raise UnbraidError(f"requests is {requests}, expected 2 or more.")
    if seed < 0:
        raise UnbraidError(f"seed is {seed}, expected 0 or more.")
    notes: list[str] = []
    reader = DigitsReader(judge, specs) if isinstance(judge, Judge) else judge
    if isinstance(reader, DigitsReader):
        notes += reader.notes
    source = Rendered(specs, source) if isinstance(source, Renderer) else source
    observer = Observer(reader, specs, source)
    asked = source.requests(requests, seed, drawn)
    changed = {}
    for name, column in zip(observer.units.names, observer.columns, strict=True):
        if (rows := source.changed(asked, column, seed)) is not None:
            changed[name] = rows
    styles = np.random.default_rng([seed, 2]).integers(0, 2**31, (2, requests))
    found = observer.observe(lambda rows, which: draw(rows, styles[which]), asked, changed)
    known = observer.counted(asked, changed, seed, drawn)
    if source.exact:
        real = observer.observe(lambda rows, k: source.real(rows, [seed, 3, k])[0], asked, changed)
    else:
        real = observer.observe_nearest(asked, changed, seed)
    for each in (found, real):
        each.leave_out(known)
    notes += _diversity_notes(source, real)
    summary = summarise(observer, found, real)
    return {"requests": requests, "seed": seed, "drawn": drawn, **summary, "notes": notes}


def _diversity_notes(source: Source, real: Observations) -> list[str]:
    """Return a remark on the meaning of diversity; remove it from ``real`` if it has none."""
    if (source.exact and not source.repeats) or not real.distance.any():
        real.distance = np.zeros(0)
        return ["Every combination of factors has a single image, so diversity is not defined."]
    if not source.repeats:
        return [
            "No two images have the same factors, so diversity is relative to images with the "
            "nearest factors. As these differ in factors too, values below 1 are no error."
        ]
    return []
