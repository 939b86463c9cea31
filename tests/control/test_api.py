"""Asking a model: in Python, and on the command line."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import unbraid
from tests.control.conftest import Drawn
from tests.test_cli import refused
from unbraid.cli import main
from unbraid.control import api, loading
from unbraid.control.native import Native
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.runs import Run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_generate_in_words_and_by_factors(drawn: Drawn) -> None:
    native = Native(drawn)
    images = unbraid.generate("an owl, x=3", model=native, n=5, seed=2)
    assert images.shape == (5, 1, 16, 16)
    assert images.dtype == np.float32
    np.testing.assert_array_equal(
        images, unbraid.generate(kind="owl", x=3, model=native, n=5, seed=2)
    )
    assert (native.read(images)[:, 0] == 2).all()
    # fewer are the first of more; another seed draws others
    np.testing.assert_array_equal(
        images[:2], unbraid.generate("owl x 3", model=native, n=2, seed=2)
    )
    assert not np.array_equal(images, unbraid.generate("owl x 3", model=native, n=5, seed=3))
    # the same seed keeps the handwriting when something else is asked for
    other = unbraid.generate("cat, x=3", model=native, n=5, seed=2)
    styles = [drawn.encode(each)[:, 4:].numpy() for each in (images, other)]
    np.testing.assert_allclose(*styles, atol=1e-4)


def test_more_candidates_and_a_second_look_obey_better(drawn: Drawn) -> None:
    native = Native(drawn)

    def error(**options: int) -> float:
        images = unbraid.generate("owl, x=3", model=native, n=100, **options)
        return float(np.abs(native.read(images)[:, 1] - 3).mean())

    assert error(candidates=8, correct=False) < error(correct=False) / 3
    assert error() < 1e-3


def test_edit_and_swap(drawn: Drawn) -> None:
    native = Native(drawn)
    a = unbraid.generate("owl, x=3", model=native, n=3)
    b = unbraid.generate("cat, x=-3", model=native, n=3, seed=1)
    assert (native.read(unbraid.edit(a, "dog", model=native))[:, 0] == 1).all()
    assert (native.read(unbraid.edit(a, kind="dog", model=native))[:, 0] == 1).all()
    assert (native.read(unbraid.swap(a, b, "kind", model=native))[:, 0] == 0).all()
    both = unbraid.swap(a, b, ["kind", "x"], model=native)
    np.testing.assert_array_equal(both, unbraid.swap(a, b, "kind, x", model=native))


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"text": "owl cat"}, "contradict"),
        ({"x": 20}, "out of this model's range, -9 to 9 pixels right"),
        ({"n": 0}, "n is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"candidates": 0}, "candidates is 0"),
        ({"knd": "owl"}, "unknown factor 'knd' (did you mean 'kind'?)"),
    ],
)
def test_what_generate_refuses(drawn: Drawn, options: dict[str, object], part: str) -> None:
    with pytest.raises(UnbraidError) as caught:
        unbraid.generate(model=Native(drawn), **options)  # type: ignore[arg-type]
    assert part in str(caught.value)


def test_images_of_another_size(drawn: Drawn) -> None:
    native = Native(drawn)
    with pytest.raises(UnbraidError, match="images have shape"):
        unbraid.edit(np.zeros((8, 8)), "owl", model=native)
    with pytest.warns(
        UserWarning, match="8 by 8 pixels, in colour, the model takes 16 by 16, grey"
    ):
        assert unbraid.edit(np.full((2, 3, 8, 8), 0.5), "owl", model=native).shape == (2, 1, 16, 16)
    with pytest.warns(UserWarning, match="put in the middle"):
        found = unbraid.swap(
            np.full((1, 1, 12, 12), 0.5), np.zeros((1, 1, 16, 16)), "kind", model=native
        )
    assert found.shape == (1, 1, 16, 16)
    with pytest.raises(UnbraidError, match="no factor to swap"):
        unbraid.swap(np.zeros((1, 1, 16, 16)), np.zeros((1, 1, 16, 16)), "", model=native)


def test_a_run_is_opened_once(native_run: Run) -> None:
    first = api.controller_of(native_run.folder)
    assert api.controller_of(str(native_run.folder)) is first
    assert api.controller_of(native_run) is not first
    assert api.controller_of(first) is first


def test_without_a_pretrained_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(loading, "PRETRAINED", tmp_path)
    with pytest.raises(UnbraidError, match="without its pretrained model of digits: name a run"):
        unbraid.generate("small seven")


def picture(path: str) -> np.ndarray:  # type: ignore[type-arg]
    with Image.open(path) as file:
        return np.asarray(file)


def test_commands(native_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    model = ["--model", str(native_run.folder)]
    assert main(["generate", "row", "3,", "column 4", *model, "-n", "5", "-o", "sheet.png"]) == 0
    assert capsys.readouterr().out == "row 3, column 4; grey is free\nsheet.png\n"
    assert picture("sheet.png").shape == (198, 297, 3)  # two rows of three, enlarged
    assert main(["generate", "row 3, column 4", *model, "-n", "1", "--out", "one.png"]) == 0
    assert picture("one.png").shape == (16, 16)
    assert main(["generate", *model, "-n", "1", "--out", "two.png", "--seed", "3"]) == 0
    assert "grey, row and column are free" in capsys.readouterr().out
    assert main(["edit", "one.png", "column 9", *model, "--compare", "both.png"]) == 0
    out = capsys.readouterr().out
    assert out == "column 9; grey and row are kept\nedited.png\nboth.png\n"
    assert picture("edited.png").shape == (16, 16)
    assert picture("both.png").shape == (99, 198, 3)
    assert main(["swap", "one.png", "two.png", "row,grey", *model, "-o", "three.png"]) == 0
    assert capsys.readouterr().out == "three.png\n"
    assert picture("three.png").shape == (16, 16)
    Image.new("RGB", (40, 30)).save("wide.png")
    assert main(["edit", "wide.png", "row 3", *model]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("wide.png is 40 by 30 pixels, the model takes 16 by 16: it was scaled")
    assert out[1].startswith("row 3")
    assert picture("edited.png").shape == (16, 16)


def test_mistakes_on_the_command_line_get_one_sentence(
    native_run: Run, plain_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(native_run.folder)]
    Image.new("L", (16, 16)).save("black.png")
    Path("text.png").write_text("no picture")
    for args, part in (
        (["generate", "row 3 row 4", *model], "contradict each other"),
        (["generate", "small", *model], "'small' asks for a size, which this model does not vary"),
        (["generate", "colum 3", *model], "unknown word 'colum' (did you mean 'column'?)"),
        (["generate", "row 3", *model, "-n", "0"], "n is 0"),
        (["generate", "row 3", *model, "-o", "sheet.jpg"], "the path ends in .png"),
        (["generate", "row 3", "--model", "nosuch"], "nosuch does not exist"),
        (["generate", "row 3", "--model", str(plain_run.folder)], "data without factors"),
        (["generate", "row 3", "--sed", "3"], "--seed"),
        (
            ["edit", "text.png", "row 3", *model],
            "text.png cannot be read as an image (its format is unknown), "
            "expected a whole PNG, JPEG or similar file: copy it again, or save it as PNG.",
        ),
        (["edit", "nosuch.png", "row 3", *model], "nosuch.png does not exist"),
        (["edit", "black.png", "", *model], "no change is given"),
        (["edit", "black.png"], "no change is given"),
        (["edit"], "unbraid edit --help"),
        (["swap", "black.png", "black.png", "rwo", *model], "did you mean 'row'"),
    ):
        assert part in refused(args, capsys)


def test_help_of_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("generate", "edit", "swap"):
        assert main([command, "--help"]) == 0
        out = " ".join(capsys.readouterr().out.replace("│", " ").split())
        assert "--model RUN" in out
        if command != "swap":  # it refers to edit
            assert "three times where factors are measured, otherwise once" in out


def test_understanding_a_request_needs_no_torch() -> None:
    code = (
        "import sys; from unbraid.control import parse; "
        "from unbraid.core.factors import FactorSpec; "
        "parse('cat', [FactorSpec('label', 'categorical', values=('cat', 'dog'))]); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_request_for_images_loads_nothing_that_it_does_not_need() -> None:
    """These take as long to import as a request takes to draw, together half a second."""
    code = (
        "import sys; from unbraid.control import generate; generate('seven', n=1); "
        "print([n for n in ('scipy.signal', 'scipy.ndimage', 'scipy.stats', 'sklearn', "
        "'matplotlib', 'lightgbm') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


class Stubborn(Drawn):
    """Draws the same image whatever is asked."""

    def pixel_mean(self, codes: torch.Tensor) -> torch.Tensor:
        return super().pixel_mean(torch.zeros_like(codes)) + 0.3


class Confused(Drawn):
    """Draws an owl for every animal; its place is as asked."""

    def pixel_mean(self, codes: torch.Tensor) -> torch.Tensor:
        owl = torch.tensor([0.0, 0.0, 1.0]).expand(len(codes), 3)
        return super().pixel_mean(torch.cat([owl, codes[:, 3:]], 1))


@pytest.mark.parametrize("request_", ["owl", "x 3", ""])
def test_a_model_that_always_draws_the_same_is_doubted(request_: str) -> None:
    with pytest.warns(UserWarning, match="nearly the same image for all requests: train it lo"):
        unbraid.generate(request_, model=Native(Stubborn()), n=4)


def test_a_model_that_reads_something_else_is_doubted() -> None:
    native = Native(Confused())
    with pytest.warns(UserWarning, match="reads another kind than requested in 100% of the images"):
        unbraid.generate("cat", model=native, n=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unbraid.generate("owl", model=native, n=4)  # what it draws is what was asked
        unbraid.generate("x=3", model=native, n=4)  # nobody asked for an animal


def test_a_model_that_obeys_is_not_doubted(drawn: Drawn) -> None:
    asked = ["a seven", "small seven in the top rotated 30 degrees", "zero, angle 45", "thick", ""]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unbraid.generate("cat, x=-9", model=Native(drawn), n=8)
        for request in asked:  # of the pretrained model
            unbraid.generate(request, n=8, seed=1)
        for digit in range(10):
            unbraid.generate(digit=digit, angle=-30, n=4)


def test_a_model_in_memory_that_takes_factors_is_controlled(native_run: Run, tiny_run: Run) -> None:
    model = unbraid.load(native_run.folder)
    images = unbraid.generate(model=model, n=2, seed=1)
    assert np.array_equal(images, unbraid.generate(model=native_run, n=2, seed=1))
    with pytest.raises(UnbraidError, match=r"takes no factors.*give its run folder"):
        unbraid.generate(model=unbraid.load(tiny_run.folder))
    with pytest.raises(UnbraidError, match="model is int, expected a run folder"):
        unbraid.generate(model=3)  # type: ignore[arg-type]
    with pytest.raises(UnbraidError, match="model is Dataset, expected a run folder"):
        unbraid.generate(model=native_run.dataset())  # type: ignore[arg-type]


def test_a_model_trained_in_memory_is_controlled_by_the_labels_of_its_training(
    squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"latent_dim": 4, "net": "mlp", "epochs": 2, "batch_size": 16, "progress": False}
    model = unbraid.train("vae", squares, **options)
    images = unbraid.generate("row 3", model=model, n=2, seed=1)
    assert not (tmp_path / "control.json").exists()  # in the current folder
    with monkeypatch.context() as patch:  # it is estimated once
        patch.setattr(loading, "_fitted", None)
        assert np.array_equal(images, unbraid.generate("row 3", model=model, n=2, seed=1))
    saved = unbraid.save(model, tmp_path / "saved")
    assert np.array_equal(images, unbraid.generate("row 3", model=saved, n=2, seed=1))
    constant = Dataset.from_arrays(np.asarray(squares.images[:]), {"a": np.full(300, 2.5)})
    model = unbraid.train("vae", constant, **options)
    with pytest.raises(UnbraidError, match="no factor has several values in the labelled images"):
        unbraid.generate(model=model)
    assert unbraid.save(model, tmp_path / "constant").finished
    unlabelled = unbraid.train("vae", np.asarray(squares.images[:]), **options)
    with pytest.raises(UnbraidError, match="this model was trained on data without factors"):
        unbraid.generate("row 3", model=unlabelled)
    assert not (unbraid.save(unlabelled, tmp_path / "plain").folder / "control.json").exists()


@pytest.mark.parametrize(
    "names",
    [(n for n in ("kind", "x")), np.array(["kind", "x"]), ("kind", "x"), {"kind": 1, "x": 2}],
)
def test_names_to_swap_may_be_any_iterable(drawn: Drawn, names: Any) -> None:
    native = Native(drawn)
    a, b = (unbraid.generate(text, model=native, n=2) for text in ("owl, x=3", "cat, x=-3"))
    found = unbraid.swap(a, b, names, model=native)
    np.testing.assert_array_equal(found, unbraid.swap(a, b, "kind, x", model=native))
    assert (native.read(found)[:, 0] == 0).all()


@pytest.mark.parametrize("names", [3, [3], None, ["kind", None], np.arange(2)])
def test_what_is_no_name_to_swap_is_told(drawn: Drawn, names: Any) -> None:
    a = unbraid.generate("owl", model=Native(drawn), n=2)
    with pytest.raises(UnbraidError, match=r"^a factor to swap is .*: give names of factors"):
        unbraid.swap(a, a, names, model=Native(drawn))


@pytest.mark.parametrize("name", ["n", "seed", "candidates"])
@pytest.mark.parametrize("value", [2.0, "2", None, 1.5])
def test_what_is_no_whole_number_is_told(drawn: Drawn, name: str, value: Any) -> None:
    with pytest.raises(UnbraidError, match=f"^{name} is {value!r}, expected a whole number, "):
        unbraid.generate("owl", model=Native(drawn), **{name: value})
    unbraid.generate("owl", model=Native(drawn), n=np.int64(2), seed=np.int64(1))
