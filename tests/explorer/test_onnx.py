"""ONNX files of every method, run by onnxruntime, against torch; the command; what it refuses."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from tests.methods.test_all import NAMES, model_of
from unbraid.cli import main
from unbraid.core.errors import UnbraidError
from unbraid.explorer import onnx as files
from unbraid.explorer import page
from unbraid.explorer.graph import functions
from unbraid.methods import TakesFactors
from unbraid.runs import Run


@pytest.mark.parametrize("name", NAMES)
def test_every_method_computes_in_onnxruntime_what_it_does_in_torch(name: str) -> None:
    model = model_of(name, net="conv", path_steps=1, layers=1).eval()
    found = files.exported(model, {"method": name})
    wanted = ["encode", "decode"]
    wanted += ["columns", "factors", "style", "restyle"] if isinstance(model, TakesFactors) else []
    assert list(found) == wanted
    for function, content in found.items():
        for rows in (1, 4):  # it was traced with another number
            inputs = functions(model, 7, rows)[function]
            assert difference(function, content, *inputs) < 1e-5
    assert json.loads(onnx.load_from_string(content).metadata_props[0].value)["method"] == name


@pytest.mark.parametrize(("name", "net"), [("qlae", "style"), ("vae", "residual")])
def test_published_networks_are_exported(name: str, net: str, capfd: Any) -> None:
    model = model_of(name, net=net).eval()
    for function, content in files.exported(model, {"method": name}).items():
        assert difference(function, content, *functions(model, 7, 3)[function]) < 1e-4
    assert capfd.readouterr() == ("", "")


def difference(name: str, content: bytes, function: Any, inputs: tuple[Any, ...]) -> float:
    """Return the largest difference of a file to a function, in multiples of 1 + |value|."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    given = {each.name for each in session.get_inputs()}  # without those that are not used
    pairs = zip(files.NAMES[name][1], inputs, strict=True)
    fed = {key: each.numpy() for key, each in pairs if key in given}
    with torch.no_grad():
        exact = function(*inputs)
    exact = [exact] if isinstance(exact, torch.Tensor) else exact
    answered = session.run(None, fed)
    assert [each.shape for each in answered] == [tuple(each.shape) for each in exact]
    return max(
        float((np.abs(one - other.numpy()) / (1 + other.abs().numpy())).max(initial=0))
        for one, other in zip(answered, exact, strict=True)
    )


def test_a_folder_tells_what_its_files_are(tiny_run: Run, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "models" / "tiny"
    assert main(["export", str(tiny_run.folder), "--onnx", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert sorted(each.name for each in out.iterdir()) == [
        "decoder.onnx", "encoder.onnx", "model.json",
    ]  # fmt: skip
    about = json.loads((out / "model.json").read_text())
    assert about["method"] == "vae"
    assert about["image_shape"] == [1, 16, 16]
    assert about["latents"][1] == {
        "name": "z1", "kind": "gaussian", "columns": [1, 2], "levels": None, "prior": "gaussian",
    }  # fmt: skip
    assert about["signal"]["kind"] == "image"
    encode = about["functions"]["encode"]
    assert (encode["file"], encode["inputs"], encode["outputs"]) == (
        "encoder.onnx", ["images"], ["codes", "logvar"],
    )  # fmt: skip
    assert encode["difference"] < 1e-5
    images = tiny_run.unseen().images[:20].astype(np.float32) / 255
    session = onnxruntime.InferenceSession(out / "encoder.onnx")
    codes, _ = session.run(None, {"images": images})
    np.testing.assert_allclose(codes, tiny_run.model().encode(images), atol=1e-5)
    assert main(["export", str(tiny_run.folder), "--onnx", str(out)]) == 2
    assert "is not empty: choose another folder" in capsys.readouterr().err
    assert not [each for each in out.parent.iterdir() if each != out]


def test_a_page_is_that_of_explore(
    tiny_run: Run, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(
        page, "write", lambda runs, out, **options: calls.append((runs, options)) or out
    )
    folder, out = str(tiny_run.folder), str(tmp_path / "page.html")
    assert main(["export", folder, folder, "--html", out, "--float32"]) == 0
    assert main(["explore", folder, folder, "--no-open", "--out", out, "--float32"]) == 0
    assert calls == [([folder, folder], {"float32": True, "data": ""})] * 2
    assert capsys.readouterr().out.split() == [out, out]


def test_what_is_refused(
    tiny_run: Run, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = str(tiny_run.folder), tmp_path / "out"
    for args, sentence in (
        ([], "unbraid export takes one run folder or two, found none."),
        ([folder], "unbraid export needs --html FILE.html for a page, --onnx FOLDER"),
        ([folder, folder, "--onnx", str(out)], "--onnx takes one run, found 2"),
        ([folder, "--onnx", str(tiny_run.folder / "config.json")], "is a file, expected a folder"),
        ([folder, "--html", str(out)], "a page's path ends in .html, found 'no suffix'"),
        ([str(tmp_path), "--onnx", str(out)], "is not a run folder"),
    ):
        assert main(["export", *args]) == 2
        assert sentence in capsys.readouterr().err
    monkeypatch.setattr(files, "_tried", lambda *_: ("", [], [], np.inf))
    assert main(["export", folder, "--onnx", str(out)]) == 2
    assert "differs by inf from torch" in capsys.readouterr().err
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["export", folder, "--onnx", str(out)]) == 2
    assert "onnxruntime is not installed: ONNX files need pip" in capsys.readouterr().err
    assert not out.exists()


def test_an_operator_that_onnx_has_not_is_named(capfd: Any) -> None:
    class Inverse(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.linalg.inv(images)

    with pytest.raises(UnbraidError, match=r"encode cannot be exported .*linalg_inv.*: it must"):
        files._traced("encode", Inverse(), [torch.eye(3)[None]], Inverse())
    assert capfd.readouterr().out == ""
