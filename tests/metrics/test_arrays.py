"""Arrays as people have them: any layout, byte order and type is scored alike, or refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.metrics import evaluate, gather
from unbraid.metrics._arrays import numbers

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
ROWS = 120
FACTORS = np.column_stack([RNG.integers(0, 3, ROWS), RNG.integers(0, 4, ROWS)])
# multiples of 1/16, which every float type holds exactly; the first code is a category
CODES = np.column_stack([FACTORS[:, 0], np.round(16 * RNG.normal(FACTORS, 0.4)) / 16])
LOGVAR = np.round(CODES[:, 1:]) / 4 - 2


class Frame:
    """What a data frame shows to NumPy: no buffer, only a conversion."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.values.astype(object).astype(dtype or object)


def mapped(array: np.ndarray, folder: Path) -> np.ndarray:
    np.save(folder / f"{len(list(folder.iterdir()))}.npy", array)
    return np.load(sorted(folder.iterdir())[-1], mmap_mode="r")


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array: np.ndarray) -> np.ndarray:
    raw = np.empty(array.nbytes + 1, np.uint8)
    other = raw[1:].view(array.dtype).reshape(array.shape)
    other[:] = array
    return other


LAYOUTS: dict[str, Callable[[np.ndarray], Any]] = {
    "reversed": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "columns reversed": lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "Fortran": np.asfortranarray,
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
    "every other column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "broadcast": lambda a: np.broadcast_to(a, (1, *a.shape))[0],
    "read-only": read_only,
    "unaligned": unaligned,
    "float16": lambda a: a.astype(np.float16),
    "float32": lambda a: a.astype(np.float32),
    "long double": lambda a: a.astype(np.longdouble),
    "objects": lambda a: a.astype(object),
    "decimals": lambda a: np.array([[Decimal(float(x)) for x in row] for row in a]),
    "matrix": np.asmatrix,
    "masked, nothing": np.ma.masked_array,
    "lists": np.ndarray.tolist,
    "tuples": lambda a: tuple(map(tuple, a.tolist())),
    "frame": Frame,
    "tensor": torch.tensor,
    "bfloat16 tensor": lambda a: torch.tensor(a).bfloat16(),
    "tensor with a gradient": lambda a: torch.tensor(a, dtype=torch.float64, requires_grad=True),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_becomes_the_same_array(layout: str) -> None:
    for array in (CODES, FACTORS):
        got = numbers(LAYOUTS[layout](array), "codes")
        np.testing.assert_array_equal(got, array)
        assert type(got) is np.ndarray
        assert got.dtype == np.float64
        assert got.dtype.isnative
        assert got.flags.c_contiguous
        assert got.flags.writeable
        assert got.flags.aligned


def everything(change: Callable[[np.ndarray], Any]) -> dict[str, dict[str, Any]]:
    """Return the scores of every metric there is, on inputs changed in the same way."""
    quick = {"dci": {"rounds": 5, "refits": 2, "refit_rounds": 3}}
    quick["betavae"] = quick["factorvae"] = {"repeats": 2, "train": 100, "test": 100}
    c, v, lv = change(CODES), change(FACTORS), change(LOGVAR)
    real, pixels = change(CODES[:, 1:]), change(np.abs(LOGVAR) / 8)
    scores = evaluate(c, v, options=quick, test=(c, v), categories=(3,))
    scores |= evaluate(
        real,
        logvar=lv,
        runs=[c, real, c],
        run_categories=[(3,), (), (3,)],
        images=pixels,
        reconstructions=pixels,
        log_weights=lv,
    )
    assert sorted(scores) == registry.names("metrics")
    return {name: score.to_json() for name, score in scores.items()}


@pytest.fixture(scope="module")
def plain() -> dict[str, dict[str, Any]]:
    return everything(np.array)


@pytest.mark.parametrize(
    "layout", ["reversed", "big-endian", "Fortran", "float16", "read-only", "objects", "tensor"]
)
def test_every_metric_gives_the_same_score(layout: str, plain: dict[str, Any]) -> None:
    assert everything(LAYOUTS[layout]) == plain


def test_memory_maps_are_read(tmp_path: Path) -> None:
    scores = [
        evaluate(z, v, metrics=["mig", "sap"])
        for z, v in ((CODES, FACTORS), (mapped(CODES, tmp_path), mapped(FACTORS, tmp_path)))
    ]
    assert [s["sap"].value for s in scores] == [scores[0]["sap"].value] * 2


def test_integers_and_bools_are_numbers() -> None:
    flags = FACTORS > 1
    ints, bools, floats = (
        evaluate(flags.astype(kind), flags.astype(kind), metrics="mig")["mig"].value
        for kind in (np.int8, bool, float)
    )
    assert ints == bools == floats


def test_what_is_given_is_left_as_it_was() -> None:
    codes, factors = CODES.copy(), FACTORS.copy()
    everything(lambda array: array)
    np.testing.assert_array_equal(CODES, codes)
    np.testing.assert_array_equal(FACTORS, factors)


def with_value(value: Any) -> np.ndarray:
    array = CODES.astype(object)
    array[3, 1] = value
    return array


REFUSED: list[tuple[str, Any, str]] = [
    ("text", CODES.astype(str), "found words: encode words as integers"),
    ("bytes", CODES.astype("S8"), "found bytes"),
    ("a word", with_value("seven"), "found 'seven' among them: encode words as integers"),
    ("a number as a word", with_value("7"), "found '7' among them"),
    ("complex", CODES + 0j, "found complex numbers"),
    ("complex tensor", torch.tensor(CODES + 0j), "found complex numbers"),
    ("dates", CODES.astype(int).astype("datetime64[D]"), "found dates"),
    ("records", np.zeros(ROWS, [("a", float), ("b", float)]), "must be an array of numbers"),
    ("ragged", [[1.0, 2.0], [3.0]], "rows of equal length"),
    ("a list in a cell", with_value([1, 2]), "some of its entries are not"),
    ("a mapping", {"a": [1.0]}, "some of its entries are not"),
    ("a function", len, "some of its entries are not"),
    ("sparse tensor", torch.tensor(CODES).to_sparse(), "this Tensor cannot be made one"),
    ("missing", with_value(None), "codes hold 1 values that are NaN or infinite"),
    (
        "masked",
        np.ma.masked_array(CODES, mask=CODES[0, 1] == CODES),
        "codes hold [0-9]+ values that are NaN",
    ),
    ("infinite", with_value(np.inf), "codes hold 1 values that are NaN or infinite"),
    ("long", np.arange(2**53, 2**53 + 150).reshape(50, 3), r"codes hold the whole number 90071992"),
    ("long objects", [[10**400] * 3] * 50, r"codes hold the whole number 1000.*float64 rounds"),
    ("no columns", CODES[:, :0], r"codes have shape \(\d+, 0\), and so no columns: give"),
    ("huge", CODES * 1e200, r"codes hold values as large as .*e\+200, expected at most 1e\+50"),
    ("three dimensions", CODES[:, :, None], "expected two dimensions"),
    ("a number", 3.0, r"codes have shape \(\), expected two dimensions"),
    ("no rows", CODES[:0], "found 0 rows of codes, too few"),
]


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize(
    ("value", "message"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED]
)
def test_what_holds_no_numbers_is_refused_in_a_sentence(value: Any, message: str) -> None:
    with pytest.raises(UnbraidError, match=message) as caught:
        gather(value)
    assert "\n" not in str(caught.value)


def test_other_inputs_are_refused_alike() -> None:
    text = CODES.astype(str)
    for inputs in (
        {"runs": [CODES, text]},
        {"images": text, "reconstructions": text},
        {"log_weights": text},
        {"codes": CODES, "logvar": text},
        {"codes": CODES, "factors": text},
        {"codes": CODES, "factors": FACTORS, "test": (text, FACTORS)},
    ):
        with pytest.raises(UnbraidError, match="must be an array of numbers, found words"):
            gather(**inputs)
    for test in ((CODES,), CODES, 3, (CODES[:0], FACTORS[:0])):
        with pytest.raises(UnbraidError, match="test "):
            gather(CODES, FACTORS, test=test)  # type: ignore[arg-type]
    with pytest.raises(UnbraidError, match="specs must hold one FactorSpec"):
        gather(CODES, FACTORS, ["shape", "size"])  # type: ignore[list-item]


def test_encoders_are_checked() -> None:
    for codes, message in (
        (lambda v, rng: v, r"made codes of shape \(.*, 2\) of"),
        (lambda v, rng: v * np.nan, "the encoder's codes hold"),
        (lambda v, rng: np.column_stack([v[:, :1] + 0.5, v, v]), "made codes of shape"),
        (lambda v, rng: np.column_stack([v[:, :1] + 0.5, v]), "code 0 of the encoder is categori"),
    ):
        with pytest.raises(UnbraidError, match=message):
            evaluate(CODES, FACTORS, metrics="factorvae", encoder=codes, categories=(3,))
    tensors = evaluate(
        CODES,
        FACTORS,
        metrics="betavae",
        options={"betavae": {"repeats": 2, "train": 100, "test": 100}},
        encoder=lambda v, rng: torch.tensor(np.column_stack([v[:, :1], v])),
        categories=(3,),
    )
    assert tensors["betavae"].value == 1


def test_pixels_that_rounding_put_outside_are_clipped() -> None:
    image = np.random.default_rng(0).random((60, 8))
    image[:, 0], image[:, 1] = 1, 0
    off = image + np.array([1e-7, -1e-7, *[0] * 6])
    exact, rounded = (
        evaluate(images=x, reconstructions=x)["reconstruction"].value for x in (image, off)
    )
    assert rounded == exact
    with pytest.raises(UnbraidError, match=r"images range over 0\.0.*\.\.1\.001, expected 0\.\.1"):
        evaluate(images=np.maximum(image + 0.001, 0.002), reconstructions=image)
