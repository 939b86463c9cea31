"""One object to ask whatever the method: it draws what was asked, reads, edits and swaps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from unbraid.control._loop import obeying
from unbraid.errors import UnbraidError, did_you_mean
from unbraid.factors import FactorSpec
from unbraid.methods import Method, TakesFactors, labels_of

if TYPE_CHECKING:
    from unbraid.control.fitting import Fitted
    from unbraid.control.requests import Request
    from unbraid.runs import Run

LABELS = 100  # images whose labels a controller is fitted from, if nobody says
MOST_LABELS = 5000  # more would take longer and change nothing
PRETRAINED = Path(__file__).parent.parent / "pretrained" / "digits"


class Controller(Protocol):
    """What answers requests; rows of factors are (N, F), one column a spec.

    A style is a whole number. Whatever the factors leave open in an image depends on its style
    alone: the same number is the same handwriting under other factors.
    """

    specs: tuple[FactorSpec, ...]
    model: Method

    def draw(self, factors: ArrayLike, styles: ArrayLike) -> NDArray[np.float32]:
        """Return images that have the factors (N, F), (N, C, H, W) on [0, 1]."""

    def read(self, images: Any) -> NDArray[np.float64]:
        """Return the factors of images, (N, F), as the model itself sees them."""

    def edit(self, images: Any, changes: Request) -> NDArray[np.float32]:
        """Return images with what was asked changed and all else kept."""

    def swap(self, a: Any, b: Any, names: Sequence[str]) -> NDArray[np.float32]:
        """Return images ``a`` with the named factors of images ``b``."""


class Native:
    """Control of a method that takes factors itself.

    Args:
        model: of ``conditional-vae``, or another whose codes are [factors' columns, style].
        candidates: images drawn for each request, of which the one that reads closest is kept.
            With more than 1, the same style may be another handwriting in another request.
        correct: draw once more with the error of the reading added to the request, and keep the
            better of the two.
        reject: where the model itself draws a style again that it doubts, let it; if False, the
            first style is taken (``first_style`` of the model).

    Raises:
        UnbraidError: fewer than 1 candidates.
    """

    def __init__(
        self, model: Method, candidates: int = 1, correct: bool = False, reject: bool = True
    ) -> None:
        if candidates < 1:
            raise UnbraidError(f"candidates is {candidates}, expected 1 or more.")
        self.model = model.eval()
        self.specs = tuple(cast(Any, model).specs)
        self.candidates, self.correct, self.reject = candidates, correct, reject

    @property
    def rejects(self) -> bool:
        """Whether a style that the model doubts is drawn again."""
        return self.reject and cast(TakesFactors, self.model).rejects

    @property
    def examples(self) -> NDArray[np.float64] | None:
        """Factors that go together, (K, F), NaN where unknown; None if the model keeps none."""
        rows = cast(TakesFactors, self.model).examples().cpu()
        found: NDArray[np.float64] = rows.double().numpy()
        return found if len(found) else None

    def draw(self, factors: ArrayLike, styles: ArrayLike) -> NDArray[np.float32]:
        """Return images that have the factors (N, F), (N, C, H, W) on [0, 1].

        Args:
            factors: as stored in a data set, indices for levels.
            styles: (N,) whole numbers.

        Raises:
            UnbraidError: rows of another width, or of another number than styles.
        """
        rows = checked(factors, self.specs)
        numbers = np.asarray(styles).ravel().astype(np.int64)
        if len(numbers) != len(rows):
            raise UnbraidError(
                f"there are {len(numbers)} styles for {len(rows)} rows of factors: give one a row."
            )
        return obeying(
            self._drawn, self.read, self.specs, rows, numbers, self.candidates, self.correct
        )

    def read(self, images: Any) -> NDArray[np.float64]:
        """Return the factors of images, (N, F), as the model reads them."""
        return self._factors(self.model.encode(images))

    def edit(self, images: Any, changes: Request) -> NDArray[np.float32]:
        """Return images with what was asked changed and their style kept."""
        codes = self.model.encode(images)
        return self._with(codes, changes.applied(self.specs, self._factors(codes)))

    def swap(self, a: Any, b: Any, names: Sequence[str]) -> NDArray[np.float32]:
        """Return images ``a`` with the named factors of images ``b``."""
        codes, other = self.model.encode(a), self.read(b)
        if len(codes) != len(other):
            raise UnbraidError(f"there are {len(codes)} images to change, but {len(other)} others.")
        rows = self._factors(codes)
        for name in names:
            column = column_of(name, self.specs)
            rows[:, column] = other[:, column]
        return self._with(codes, rows)

    def _factors(self, codes: Tensor) -> NDArray[np.float64]:
        found = cast(TakesFactors, self.model).factors_of(codes)
        return found.numpy().astype(np.float64)

    def _drawn(
        self, factors: NDArray[np.float64], styles: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the first images that come, without looking at them."""
        model = cast(TakesFactors, self.model)
        base = np.zeros((len(styles), model.style_dim + 1), np.float32)
        for row, style in enumerate(styles.tolist()):
            base[row] = np.random.default_rng(style % 2**63).standard_normal(base.shape[1])
        rows = torch.from_numpy(factors).float().to(self.model.device)
        styles_of = model.style_from
        if not self.reject:
            styles_of = model.first_style
        style = styles_of(torch.from_numpy(base).to(self.model.device), rows)
        return self._decoded(rows, style)

    def _with(self, codes: Tensor, factors: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return images of the codes' style and these factors."""
        model = cast(TakesFactors, self.model)
        codes = codes.to(self.model.device)
        rows = torch.from_numpy(factors).float().to(self.model.device)
        style = model.restyle(codes[:, model.factor_width :], model.factors_of(codes), rows)
        return self._decoded(rows, style)

    @torch.no_grad()
    def _decoded(self, rows: Tensor, style: Tensor) -> NDArray[np.float32]:
        columns = cast(TakesFactors, self.model).factor_codes(rows)
        return self.model.decode(torch.cat([columns, style], 1).cpu()).numpy()


def takes_factors(model: Method) -> bool:
    """Whether a model can be asked directly."""
    return isinstance(model, TakesFactors)


def open(run: Run | str | os.PathLike[str], labels: int | None = None, seed: int = 0) -> Controller:
    """Return what answers requests to a run.

    A method that takes factors is asked directly. For any other, what its codes say of the factors
    is learnt from some labelled images of its data the first time, and kept in the run folder. It
    is learnt anew if the run has been trained on since, or if ``labels`` are given.

    Args:
        run: a run, or its folder.
        labels: how many labelled images to learn from, 100 if not given; a method trained on labels
            uses its own.
        seed: chooses them.

    Raises:
        UnbraidError: not a run folder, or one of data without factors.

    >>> controller = open("runs/vae-digits-0")  # doctest: +SKIP
    """
    from unbraid.runs import Run

    run = run if isinstance(run, Run) else Run(run)
    model = run.model()
    if takes_factors(model):
        return Native(model)
    from unbraid.control import _stored
    from unbraid.control.fitting import Fitted

    if labels is None and _stored.saved(run.folder, model):
        return Fitted.load(run.folder, model)
    fitted = _fitted(run, model, LABELS if labels is None else labels, seed)
    with suppress(UnbraidError):  # a folder that cannot be written is fitted again next time
        fitted.save(run.folder)
    return fitted


def _fitted(run: Run, model: Method, labels: int, seed: int) -> Fitted:
    """Learn from labelled images among those the run was trained on."""
    from unbraid.control.fitting import fit
    from unbraid.training import labelled_rows, named, split_rows

    data = run.dataset()
    if data.factors is None:
        raise UnbraidError(
            f"{run.folder} was trained on data without factors, so nothing can be asked of it: "
            "train on data whose factors are known, such as digits or a folder with a subfolder a "
            "class."
        )
    factors = np.array(data.factors, np.float64)
    rows, _ = split_rows(len(data), run.config.training.validation)
    told: NDArray[Any] = factors
    if (given := labels_of(run.config.method)) is not None:  # the images it was told of, no others
        labels, seed = given.labels, given.label_seed
        told = named(data, given)
    able = int((~np.isnan(told[rows.numpy()]).all(1)).sum())
    chosen = labelled_rows(told, rows, min(labels or able, able, MOST_LABELS), seed).numpy()
    return fit(model, model.encode(data.images[chosen]).numpy(), factors[chosen], data.specs)


def checked(factors: ArrayLike, specs: Sequence[FactorSpec]) -> NDArray[np.float64]:
    """Return rows of factors (N, F) as floats, or say what is wrong with them."""
    rows = np.atleast_2d(np.asarray(factors, np.float64))
    if rows.ndim != 2 or rows.shape[1] != len(specs) or not np.isfinite(rows).all():
        raise UnbraidError(
            f"factors have shape {rows.shape} or are not all finite, expected a row of "
            f"{len(specs)} numbers an image: {', '.join(spec.name for spec in specs)}."
        )
    return rows


def column_of(name: str, specs: Sequence[FactorSpec]) -> int:
    """Return the column of a factor by its name."""
    names = [spec.name for spec in specs]
    if name not in names:
        raise UnbraidError(
            f"unknown factor '{name}'{did_you_mean(name, names)}: this model varies "
            f"{', '.join(names)}."
        )
    return names.index(name)


def pretrained() -> Path:
    """Return the run folder of the model that comes with the package.

    Raises:
        UnbraidError: this copy of unbraid has none.
    """
    if not (PRETRAINED / "result.json").is_file():
        raise UnbraidError(
            "this copy of unbraid comes without its pretrained model: name a run folder with "
            "--model (model=...), such as 'unbraid train conditional-vae --data digits' writes."
        )
    return PRETRAINED
