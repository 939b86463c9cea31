"""Models to pass on: folders that open anywhere, their cards, and a Hub that is a local folder."""

from __future__ import annotations

import inspect
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
import torch

import unbraid
from unbraid.core.errors import UnbraidError
from unbraid.runs import Run
from unbraid.runs.results import Measured, with_scores

REAL = huggingface_hub.HfApi
NoNetwork = type("ConnectError", (Exception,), {"__module__": "httpx"})


class Hub:
    """What the Hub does, in a folder; every call is one that the real client takes."""

    root: Path
    token: str | None

    def __init__(self, token: str | None = None) -> None:
        type(self).token = token

    def __getattr__(self, name: str) -> Any:
        real = getattr(REAL, name)

        def call(*args: Any, **options: Any) -> Any:
            given = inspect.signature(real).bind(self, *args, **options).arguments
            return getattr(self, f"_{name}")(given)

        return call

    def _create_repo(self, given: dict[str, Any]) -> str:
        if "forbidden" in given["repo_id"]:
            raise PermissionError("403 Forbidden:\nno right to write")
        (self.root / given["repo_id"]).mkdir(parents=True, exist_ok=given["exist_ok"])
        return f"https://huggingface.co/{given['repo_id']}"

    def _upload_folder(self, given: dict[str, Any]) -> None:
        shutil.copytree(given["folder_path"], self.root / given["repo_id"], dirs_exist_ok=True)

    def _snapshot_download(self, given: dict[str, Any]) -> str:
        if not (self.root / given["repo_id"]).is_dir():
            raise NoNetwork("no network")
        assert "config.json" in given["allow_patterns"]
        return str(self.root / given["repo_id"])


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    Hub.root = tmp_path / "hub"
    Hub.root.mkdir()
    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    return Hub.root


@pytest.fixture(scope="module")
def scored_run(tiny_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A copy of the run with a score that was compared with a run of a private folder."""
    folder = tmp_path_factory.mktemp("scored") / "run"
    shutil.copytree(tiny_run.folder, folder)
    run = Run(folder)
    score = unbraid.metrics.Score("mig", "20 | bins", 0.25, 0.125, {"seed": 0})
    about = Measured({"name": "npz"}, compared_with=("/home/someone/runs/other",))
    run.record(lambda result: with_scores(result, {"mig": score}, about))
    return run


def test_a_folder_to_pass_on_opens_anywhere(
    scored_run: Run, squares_npz: Path, tmp_path: Path
) -> None:
    folder = scored_run.save_pretrained(tmp_path / "out")
    names = {path.name for path in folder.iterdir()}
    pictures = {f"{name}.png" for name in unbraid.hub.PICTURES}
    assert names == pictures | {
        "README.md",
        "config.json",
        "metrics.jsonl",
        "model.safetensors",
        "result.json",
    }
    texts = [path.read_text() for path in folder.glob("*.[jm]*")]
    assert not [text for text in texts if str(squares_npz.parent) in text or "/home/" in text]
    run = unbraid.from_pretrained(folder)
    wanted, found = scored_run.model().state_dict(), run.model().state_dict()
    assert all(torch.equal(found[name], value) for name, value in wanted.items())
    assert run.history() == scored_run.history()
    assert run.scores()["mig"]["value"] == 0.25
    # its data are where the user says they are, and are compared with those it was trained on
    assert len(unbraid.from_pretrained(folder, data=squares_npz).unseen()) == 30
    with pytest.raises(UnbraidError, match=r"no longer at squares\.npz"):
        run.dataset()
    with pytest.raises(UnbraidError, match="already holds a run"):
        scored_run.save_pretrained(folder)


@pytest.mark.parametrize("name", ["README.md", "sample.png", "held_out.npz"])
def test_files_of_a_project_are_not_replaced(scored_run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UnbraidError, match=f"already holds a {name}, expected a new folder"):
        scored_run.save_pretrained(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_the_card_says_what_it_is(scored_run: Run, tmp_path: Path) -> None:
    folder = scored_run.save_pretrained(tmp_path / "out", repository="me/squares", pictures=())
    card = (folder / "README.md").read_text()
    head, body = card.removeprefix("---\n").split("\n---\n", 1)
    assert "library_name: unbraid" in head
    assert '- "vae"' in head
    assert "# vae on npz" in body
    assert 'unbraid.from_pretrained("me/squares")' in body
    assert "$ unbraid train vae --data squares.npz --latent-dim 4 --net mlp --epochs 3" in body
    assert "270 images of 16 x 16" in body
    assert r"| mig | 0.25 | 0.125 | 20 \| bins |" in body
    assert f"| kl | {scored_run.result['reconstruction_stats']['kl']:.4g} |" in body
    assert "![" not in body
    code = body.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(code.replace('"me/squares"', repr(str(folder))), names)
    assert names["codes"].shape == (16, 4)


def test_the_card_has_no_path_of_this_machine(scored_run: Run, tmp_path: Path) -> None:
    folder = scored_run.save_pretrained(tmp_path / "out", pictures=())
    card = (folder / "README.md").read_text()
    assert 'unbraid.from_pretrained("out")' in card
    assert str(tmp_path) not in card


def test_the_card_of_pairs_and_of_a_run_on_all_images(tmp_path: Path) -> None:
    """Pairs are chosen by the factors, so that it is not true that no label was used."""
    factors = np.stack([np.arange(60) % 4, np.arange(60) % 3], 1)
    images = np.zeros((60, 16, 16), np.uint8)
    images[np.arange(60), factors[:, 0], factors[:, 1]] = 255
    for method, told, share, said in (
        ("ada-gvae", "none of single images; pairs of images that have some", 0.1, "On validation"),
        ("vae", "none used", 0.0, "On training images, in nats"),
    ):
        config = unbraid.configure(method, latent_dim=2, net="mlp")
        data = unbraid.Dataset.from_arrays(images, factors)
        model = unbraid.train(config, data, epochs=1, batch_size=16, validation=share)
        run = unbraid.save(model, tmp_path / method)
        card = (run.save_pretrained(tmp_path / f"{method}-out") / "README.md").read_text()
        assert f"| labels | {told}" in card
        assert said in card


def test_a_model_trained_in_memory_brings_its_held_out_images(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16), np.uint8)
    config = unbraid.configure("vae", latent_dim=2, net="mlp")
    model = unbraid.train(config, images, epochs=1, batch_size=16)
    run = unbraid.save(model, tmp_path / "run")
    found = unbraid.from_pretrained(run.save_pretrained(tmp_path / "out", pictures=["sample"]))
    assert len(found.unseen()) == len(run.unseen()) == 6
    card = (found.folder / "README.md").read_text()
    assert "trained on images in memory" in card
    assert "$ unbraid" not in card
    assert "](sample.png)" in card


def test_the_hub_and_back(scored_run: Run, hub: Path) -> None:
    address = scored_run.push_to_hub("me/squares", private=True, token="secret", pictures=())
    assert address == "https://huggingface.co/me/squares"
    assert Hub.token == "secret"
    assert 'from_pretrained("me/squares")' in (hub / "me/squares/README.md").read_text()
    run = unbraid.from_pretrained("me/squares", revision="main")
    images = np.zeros((2, 1, 16, 16), np.uint8)
    assert torch.equal(run.model().encode(images), scored_run.model().encode(images))
    scored_run.push_to_hub("me/squares", pictures=())  # again, into the same repository


def test_what_cannot_be_passed_on_is_refused(
    scored_run: Run, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished = tmp_path / "unfinished"
    shutil.copytree(scored_run.folder, unfinished)
    (unfinished / "result.json").unlink()
    (hub / "me/other").mkdir(parents=True)
    (hub / "me/other/config.json").write_text(json.dumps({"model_type": "bert"}))
    (hub / "me/none").mkdir()
    for act, said in (
        (lambda: Run(unfinished).save_pretrained(tmp_path / "x"), "is not finished"),
        (lambda: Run(unfinished).push_to_hub("me/x"), "is not finished"),
        (lambda: scored_run.push_to_hub("squares"), "expected 'owner/name'"),
        (lambda: scored_run.push_to_hub("me/forbidden"), r"403 Forbidden: no right to write\)"),
        (lambda: unbraid.from_pretrained("me/nosuch"), "cannot download me/nosuch"),
        (lambda: unbraid.from_pretrained("me/none"), "holds no run of unbraid"),
        (lambda: unbraid.from_pretrained("me/other"), "is not a run's config"),
        (lambda: unbraid.from_pretrained(tmp_path / "nosuch"), "does not exist"),
        (lambda: unbraid.from_pretrained(unfinished / "config.json"), "is a file"),
        (lambda: scored_run.save_pretrained(tmp_path / "x", pictures="travers"), "unknown figure"),
    ):
        with pytest.raises(UnbraidError, match=said) as caught:
            act()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "x").exists()
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UnbraidError, match=r"pip install 'unbraid\[hub\]'"):
        unbraid.from_pretrained("me/squares")
