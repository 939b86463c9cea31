"""Images and codes of any kind that a model is given."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import unbraid
from unbraid.core.errors import UnbraidError
from unbraid.methods import Method, _base, build, configure

UINT8 = np.random.default_rng(0).integers(0, 256, (6, 1, 16, 16), np.uint8)
WHITE = UINT8 > 127
DATA = unbraid.Dataset("mine", UINT8)


@pytest.fixture(scope="module")
def model() -> Method:
    return build(configure("vae", latent_dim=3, net="mlp"), (1, 16, 16), seed=0)


@pytest.mark.parametrize(
    "images",
    [
        UINT8[:, 0],
        torch.from_numpy(UINT8)[:, 0],
        list(UINT8),
        list(UINT8[:, 0]),
        list(torch.from_numpy(UINT8)),
        (UINT8 / 255).tolist(),
        tuple(UINT8),
        DATA.images,
    ],
    ids=lambda images: type(images).__name__,
)
def test_images_of_every_kind_have_the_same_codes(model: Method, images: Any) -> None:
    expected = model.encode(UINT8)
    torch.testing.assert_close(model.encode(images), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(model.encode_posterior(images)[0], expected, atol=1e-6, rtol=0)
    assert model.reconstruct(images).shape == UINT8.shape


@pytest.mark.parametrize(
    "images", [WHITE, WHITE[:, 0], torch.from_numpy(WHITE), list(WHITE), WHITE.astype(np.float64)]
)
def test_truth_values_are_black_and_white(model: Method, images: Any) -> None:
    expected = model.encode(np.where(WHITE, np.uint8(255), np.uint8(0)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.testing.assert_close(model.encode(images), expected, atol=1e-6, rtol=0)


def test_zeros_and_ones_of_uint8_are_warned_of(model: Method) -> None:
    dark = WHITE.astype(np.uint8)
    for images in (dark, torch.from_numpy(dark)):
        with pytest.warns(UserWarning, match=r"0 and 1 alone, .*: give floats or") as told:
            codes = model.encode(images)
        assert len(told) == 1
        assert told[0].filename == __file__
        torch.testing.assert_close(codes, model.encode(dark / 255), atol=1e-6, rtol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for images in (UINT8, np.zeros_like(UINT8), dark * 255, dark[:0]):
            model.encode(images)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (None, "are of type NoneType, .*: give the images themselves"),
        (3, "are of type int"),
        ("images.npy", r"of type str, .*: load them before, as in unbraid\.load_dataset\(path\)"),
        (Path("images"), r"Path, .*: load them before"),
        (DATA, r"of type Dataset, .*: give its images, as in model\.encode\(data\.images\)"),
        ((image for image in UINT8), r"of type generator, .*: make a list of them before"),
        ([UINT8[0], UINT8[0, 0]], "a list of several shapes"),
        ([], r"images have shape \(0,\)"),
        (UINT8[0, 0], r"images have shape \(16, 16\)"),
        (["a", "b"], "images are of type <U1, expected uint8 or floats"),
        ({}, "of type dict"),
    ],
)
def test_what_is_no_images_is_told(model: Method, images: Any, sentence: str) -> None:
    for function in (model.encode, model.encode_posterior, model.reconstruct):
        with pytest.raises(UnbraidError, match=sentence):
            function(images)


def test_codes_of_every_kind_have_the_same_images(model: Method) -> None:
    codes = np.arange(6.0).reshape(2, 3)
    expected = model.decode(codes)
    for given in (codes.tolist(), list(codes), torch.from_numpy(codes), list(torch.tensor(codes))):
        assert torch.equal(model.decode(given), expected)


@pytest.mark.parametrize(
    ("codes", "sentence"),
    [
        ([0.0, 0.0, 0.0], r"codes have shape \(3,\), expected \(N, 3\)"),
        (np.zeros((2, 4)), r"codes have shape \(2, 4\), expected \(N, 3\)"),
        ([[1, 2, "a"]], r"codes are of type list and hold no rows of numbers: give .* \(N, 3\)"),
        ([[1, 2], [1]], "codes are of type list"),
        (None, "codes are of type NoneType"),
        ("z", "codes are of type str"),
    ],
)
def test_what_are_no_codes_is_told(model: Method, codes: Any, sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        model.decode(codes)


class OnDisk:
    """An array of a file, as h5py has them: parts are read as they are asked for."""

    ndim, dtype, shape = 4, UINT8.dtype, UINT8.shape

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(UINT8)

    def __getitem__(self, rows: slice) -> np.ndarray[Any, Any]:
        self.asked.append(len(UINT8[rows]))
        return UINT8[rows]

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        raise AssertionError("it was read whole")


def test_arrays_of_files_are_read_in_parts(model: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_base, "ROWS", 4)
    on_disk: Any = OnDisk()
    torch.testing.assert_close(model.encode(on_disk), model.encode(UINT8))
    assert max(on_disk.asked) <= 4
