"""What does not fit into memory: refused with what it needs, or a sentence where it ran out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from unbraid import cli
from unbraid.core import hardware, memory, registry
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset, folder, load_dataset
from unbraid.methods import Method, build, configure, vae
from unbraid.training import Loop, Recorder, TrainingConfig, new_model, train


def test_free_memory_is_known_here() -> None:
    room = memory.free()
    assert room is None or 1 << 20 < room < 1 << 50


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "max").write_text("1000000\n")
    (tmp_path / "none").write_text("max\n")
    monkeypatch.setattr(memory, "LIMITS", (str(tmp_path / "max"), str(tmp_path / "none")))
    assert memory.free() == 1_000_000


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (MemoryError(), ""),
        (MemoryError("Unable to allocate 79.1 GiB for an array"), " (it asked for 79.1 GiB)"),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: "
                "you tried to allocate 205200000000 bytes. Error code 12 (Cannot allocate memory)"
            ),
            " (it asked for 205.2 GB)",
        ),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has"),
            " (it asked for 2.00 GiB)",
        ),
    ],
)
def test_failed_allocations_are_known_and_say_how_much(error: Exception, asked: str) -> None:
    with pytest.raises(UnbraidError) as caught, memory.enough("drawing", "draw fewer"):
        raise error
    assert str(caught.value) == f"drawing ran out of memory{asked}: draw fewer."


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes"), memory.enough("drawing", "draw fewer"):
        raise RuntimeError("shapes differ")


def test_a_real_failed_allocation_of_each_library() -> None:
    for allocate in (
        lambda: np.empty(1 << 58, np.uint8),
        lambda: torch.empty(1 << 58, dtype=torch.uint8),
    ):
        with pytest.raises(UnbraidError, match="ran out of memory"), memory.enough("it", "less"):
            allocate()


# -- models ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", registry.names("methods"))
def test_a_models_size_is_known_before_it_is_built(name: str) -> None:
    specs = load_dataset("digits", n=20, canvas=32, stream=True).specs
    config = configure(name)
    model = build(config, (1, 32, 32), specs)
    with hardware.Unallocated():
        counted = hardware.parameters(build(config, (1, 32, 32), specs))
    assert counted == hardware.parameters(model)


def test_large_tensors_take_no_memory() -> None:
    with hardware.Unallocated():
        large, small = nn.Linear(10**6, 10**6), nn.Linear(3, 3)
    assert large.weight.is_meta
    assert not small.weight.is_meta


def test_a_model_that_cannot_fit_is_refused_before_it_is_built(
    squares_npz: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "free", lambda: 10**9)
    args = ["train", "vae", "--data", str(squares_npz), "--out", str(tmp_path / "run")]
    assert cli.main([*args, "--latent-dim", "1000000"]) == 2
    said = capsys.readouterr().err
    assert "vae with" in said
    assert "GB of memory" in said
    assert "Traceback" not in said
    assert not (tmp_path / "run").exists()


def test_what_training_needs_besides_is_refused_too(
    squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = new_model(configure("vae"), squares, 0)
    monkeypatch.setattr(memory, "free", lambda: 10 * hardware.parameters(model))
    new_model(configure("vae"), squares, 0)  # the weights alone fit
    with pytest.raises(UnbraidError, match=r"training [\d,]+ parameters needs"):
        Loop(model, squares, TrainingConfig(), Recorder())


def test_memory_that_runs_out_in_a_step(squares: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: tried to allocate 8 bytes")

    monkeypatch.setattr(vae.Model, "terms", full)
    with pytest.raises(
        UnbraidError, match=r"training ran out of memory .*: choose a smaller batch"
    ):
        train("vae", squares, epochs=1)


def test_initialisation_does_not_depend_on_the_count(squares: Dataset) -> None:
    one: Method = new_model(configure("vae"), squares, 3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        drawn = torch.rand(1)
        torch.manual_seed(5)
        two = new_model(configure("vae"), squares, 3)
        assert torch.equal(torch.rand(1), drawn)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


# -- data -----------------------------------------------------------------------------------------


def test_a_folder_of_images_that_cannot_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(20):
        Image.new("RGB", (8, 8), (index, 0, 0)).save(tmp_path / f"{index:02}.png")
    monkeypatch.setattr(memory, "free", lambda: 10**7)
    with pytest.raises(UnbraidError, match=r"18 images of 1024 by 1024 pixels needs 56.6 MB"):
        load_dataset(str(tmp_path), size=1024)
    load_dataset(str(tmp_path), size=64)


def test_memory_that_runs_out_while_data_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError("Unable to allocate 79.1 GiB for an array")

    monkeypatch.setattr(folder, "load", full)
    with pytest.raises(UnbraidError, match=r"loading folder ran out of memory .*79.1 GiB"):
        load_dataset(str(tmp_path))


def test_any_command_that_runs_out_says_so(
    tiny_run: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise MemoryError("Unable to allocate 79.1 GiB for an array")

    monkeypatch.setattr("unbraid.runs.evaluating.evaluate", full)
    assert cli.main(["evaluate", "runs/any"]) == 2
    assert capsys.readouterr().err == (
        "unbraid: this ran out of memory (it asked for 79.1 GiB): use fewer or smaller images, or "
        "a smaller model.\n"
    )
