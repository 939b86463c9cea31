"""Methods as transformers of scikit-learn: images or plain rows in, codes out.

>>> from unbraid.sklearn import Encoder
>>> encoder = Encoder("vae", options={"latent_dim": 2, "net": "mlp"}, epochs=1)
>>> codes = encoder.fit_transform(np.random.default_rng(0).random((64, 20)))
>>> codes.shape, encoder.inverse_transform(codes).shape
((64, 2), (64, 20))
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from unbraid import library
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.methods import LABELS, Method, MethodConfig, configure, needs_of

Floats = NDArray[np.floating[Any]]

LEAST = 16  # pixels a side that networks need; smaller images are padded


@dataclass(frozen=True)
class Form:
    """How rows of X become images (N, C, H, W) on [0, 1], and back.

    Args:
        row: the shape of a row of X: (F,), (H, W) or (H, W, C).
        picture: (H, W, C) of it before it is padded; None for rows that are no images.
        low, high: the values that become 0 and 1.
    """

    row: tuple[int, ...]
    picture: tuple[int, int, int] | None
    low: float
    high: float

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images made."""
        if self.picture is None:
            side = max(LEAST, math.isqrt(self.row[0] - 1) + 1)
            return side, side
        return max(LEAST, self.picture[0]), max(LEAST, self.picture[1])

    def images(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """Return images float32 (N, C, H, W); values beyond the range are clipped."""
        spread = (rows.astype(np.float64) - self.low) / (self.high - self.low)
        unit = spread.clip(0, 1).astype(np.float32)
        height, width = self.size
        if self.picture is None:
            room = height * width - self.row[0]
            return np.pad(unit, ((0, 0), (0, room))).reshape(-1, 1, height, width)
        unit = unit.reshape(-1, *self.picture).transpose(0, 3, 1, 2)
        top, left = self._margin
        bottom, right = height - self.picture[0] - top, width - self.picture[1] - left
        return np.pad(unit, ((0, 0), (0, 0), (top, bottom), (left, right)))

    def rows(self, images: NDArray[Any]) -> NDArray[np.float64]:
        """Return rows of X of images (N, C, H, W) on [0, 1]."""
        if self.picture is None:
            unit = images.reshape(len(images), -1)[:, : self.row[0]]
        else:
            (top, left), (height, width, _) = self._margin, self.picture
            unit = images[:, :, top : top + height, left : left + width].transpose(0, 2, 3, 1)
        found: NDArray[np.float64] = unit.reshape(-1, *self.row).astype(np.float64)
        return self.low + found * (self.high - self.low)

    @property
    def _margin(self) -> tuple[int, int]:
        """Pixels above and left of a padded image."""
        assert self.picture is not None
        return (self.size[0] - self.picture[0]) // 2, (self.size[1] - self.picture[1]) // 2


def _numbers(name: str, value: Any, counts: tuple[int, ...], what: str) -> tuple[Any, ...] | None:
    """Return an option that is None or some numbers, such as a list of a file of settings."""
    if value is None:
        return None
    numbers = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else ()
    if len(numbers) not in counts or not all(isinstance(each, Real) for each in numbers):
        raise UnbraidError(f"{name} is {value!r}, expected {what}.")
    return numbers


def form_of(
    rows: NDArray[Any],
    shape: tuple[int, ...] | None,
    value_range: tuple[float, float] | None,
) -> Form:
    """Return the form of X, (N, F), (N, H, W) or (N, H, W, C).

    Raises:
        UnbraidError: a shape that does not fit, or an empty range.

    >>> form_of(np.zeros((5, 784)), (28, 28), None).picture
    (28, 28, 1)
    """
    row = rows.shape[1:]
    shape = _numbers("shape", shape, (2, 3), "(H, W) or (H, W, C)")
    value_range = _numbers("value_range", value_range, (2,), "the lowest and the highest value")
    given = row if len(row) > 1 else shape
    picture = None
    if given is not None:
        height, width, *channels = given if len(given) in (2, 3) else (0, 0)
        picture = (int(height), int(width), int(channels[0]) if channels else 1)
        if math.prod(picture) != math.prod(row) or (shape is not None and tuple(shape) != given):
            raise UnbraidError(
                f"shape is {shape}, but a row of X has the shape {row}: give (H, W) or (H, W, C) "
                "with as many values, or leave it out for rows that are no images."
            )
    if value_range is None:
        low, high = rows.min(), rows.max()
        if rows.dtype == np.uint8 and high > 1:  # else 1 is white, as unbraid.train has it
            low, high = 0.0, 255.0
        if low >= 0 and high <= 1:
            low, high = 0.0, 1.0
        high = high if high > low else low + 1
    else:
        low, high = value_range
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UnbraidError(
            f"value_range is {value_range}, expected the lowest and the highest value, as in "
            "(0, 255)."
        )
    return Form(row, picture, float(low), float(high))


class Encoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Trains a method on images, and encodes images as codes: a scikit-learn transformer.

    Args:
        method: a method's name, or its config.
        options: options of the method if it is named, such as ``{"latent_dim": 6, "beta": 4.0}``.
        shape: (H, W) or (H, W, C) of images whose pixels are rows of X, (N, H * W * C). Not needed
            for X of shape (N, H, W) or (N, H, W, C). Without it, rows of X are values of any kind,
            padded with constants to the smallest image that networks take; give such rows a
            method with ``{"net": "mlp"}``. Images of less than 16 pixels a side are padded too.
        value_range: lowest and highest value of X, which become 0 and 1; values beyond are clipped.
            By default 0 and 1 if all values fitted lie there, 0 and 255 for other uint8, else the
            lowest and the highest value fitted.
        epochs, batch_size, lr, device: see ``TrainingConfig``; the batch size is at most the
            number of rows.
        training: other fields of ``TrainingConfig``. All rows are trained on unless ``validation``
            is given.
        random_state: seed of all randomness; None draws one.
        progress: whether to show the training.

    After ``fit``, ``model_`` is the model, a torch module as ``unbraid.train`` returns it.
    """

    def __init__(
        self,
        method: MethodConfig | str = "beta-tcvae",
        *,
        options: Mapping[str, Any] | None = None,
        shape: tuple[int, ...] | None = None,
        value_range: tuple[float, float] | None = None,
        epochs: int = 10,
        batch_size: int = 128,
        lr: float = 1e-3,
        device: str = "auto",
        training: Mapping[str, Any] | None = None,
        random_state: Any = 0,
        progress: bool = False,
    ) -> None:
        self.method = method
        self.options = options
        self.shape = shape
        self.value_range = value_range
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.device = device
        self.training = training
        self.random_state = random_state
        self.progress = progress

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train the method on images.

        Args:
            X: (N, F), (N, H, W) or (N, H, W, C), finite numbers.
            y: the factors (N,) or (N, F) for a method that learns from labels or pairs, NaN where
                unknown; no other method looks at them.

        Raises:
            ValueError: X with NaN, a single row or other axes.
            UnbraidError: a bad option, or no labels for a method that needs some.
        """
        rows = self._checked(X, reset=True)
        self.form_ = form_of(rows, self.shape, self.value_range)
        config = self._config()
        needs = needs_of(config)
        labels = y if needs & (LABELS | {"pairs"}) else None
        data = Dataset.from_arrays(self.form_.images(rows), labels, layout="nchw", name="X")
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        options: dict[str, Any] = {
            "epochs": self.epochs,
            "batch_size": min(self.batch_size, len(rows)),
            "lr": self.lr,
            "device": self.device,
            "seed": int(seed),
            "validation": 0.0,
            **(self.training or {}),
        }
        self.model_: Method = library.train(config, data, progress=self.progress, **options)
        self._n_features_out = self.model_.latent_dim
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the codes of images, (N, D) float64: means, and categories' probabilities.

        Args:
            X: of the shape that was fitted.
        """
        check_is_fitted(self)
        rows = self._checked(X, reset=False)
        if rows.shape[1:] != self.form_.row:
            raise ValueError(
                f"a row of X has the shape {rows.shape[1:]}, but Encoder was fitted with "
                f"{self.form_.row}."
            )
        codes: NDArray[np.float64] = self.model_.encode(self.form_.images(rows)).double().numpy()
        return codes

    def inverse_transform(self, X: Any) -> NDArray[np.float64]:
        """Return the images of codes (N, D), in the shape and range of the rows that were fitted.

        Args:
            X: codes, as ``transform`` returns them.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=np.float32, input_name="codes")
        return self.form_.rows(self.model_.decode(codes).numpy())

    def _config(self) -> MethodConfig:
        if isinstance(self.method, str):
            return configure(self.method, **(self.options or {}))
        if self.options:
            raise UnbraidError(
                f"method is a config and options are {dict(self.options)}: give the options to "
                "unbraid.configure, or name the method."
            )
        return self.method

    def _checked(self, X: Any, *, reset: bool) -> NDArray[Any]:
        """Return X as an array of numbers."""
        rows: NDArray[Any] = validate_data(
            self,
            X,
            reset=reset,
            allow_nd=True,
            dtype=[np.float64, np.float32, np.uint8],
            ensure_min_samples=2 if reset else 1,
        )
        if rows.ndim > 4:
            raise ValueError(f"X has {rows.ndim} axes, expected (N, F), (N, H, W) or (N, H, W, C).")
        return rows

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
