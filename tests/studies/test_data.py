"""What a study is measured on: corrected labels and images, and data that are the same twice."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.studies.conftest import Make
from tests.studies.test_study import Here, Watcher
from unbraid.datasets import load_dataset
from unbraid.runs import Run
from unbraid.studies import driver
from unbraid.studies.study import Study
from unbraid.studies.table import write_table

Opened = Callable[[Path], Study]
Unbraid = Callable[..., str]


class Split:
    """A file of squares with a test split, whose labels or images can be changed alone."""

    def __init__(self, squares: Path, folder: Path) -> None:
        with np.load(squares) as stored:
            self.stored = {name: np.tile(stored[name].T, 4).T for name in ("images", "factors")}
            self.names = stored["factor_names"]
        rows, numbers = folder / "rows.npz", np.arange(len(self.stored["images"]))
        told = np.array(["row"])
        images = self.stored["images"]
        np.savez(rows, images=images, factors=numbers[:, None] * 1.5, factor_names=told)
        test = load_dataset(str(rows), "test", kinds="row=continuous").factors
        assert test is not None
        self.test = np.round(test[:, 0] / 1.5).astype(int)

    def write(self, path: Path, *changed: str) -> Path:
        """Write the file, with the test split's ``factors`` or ``images`` in another order."""
        arrays = {name: values.copy() for name, values in self.stored.items()}
        for name in changed:
            arrays[name][self.test] = arrays[name][np.random.default_rng(0).permutation(self.test)]
        np.savez(path, **arrays, factor_names=self.names)
        return path


@pytest.fixture
def split(squares_npz: Path, tmp_path: Path) -> Split:
    return Split(squares_npz, tmp_path)


def spec_of(make_spec: Make, data: Path, name: str = "tiny") -> Path:
    """Write the file of a study on data with a test split."""
    spec = make_spec(name, data=data, seeds="0-1")
    spec.write_text(spec.read_text().replace("full = true\n", ""))
    return spec


def done(study: Study) -> dict[tuple[str, str], float]:
    """Do a study; return the numbers of its table by run and metric."""
    assert driver.drive(study, Here(), Watcher())
    write_table(study)
    with (study.folder / "results.csv").open(newline="") as file:
        return {(r["run"], r["metric"]): float(r["value"]) for r in csv.DictReader(file)}


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("changed", ["factors", "images"])
def test_a_corrected_test_split_is_measured_again_and_nothing_is_trained(
    make_spec: Make,
    opened: Opened,
    split: Split,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changed: str,
    old: bool,
) -> None:
    data = split.write(tmp_path / "split.npz", changed)
    spec = spec_of(make_spec, data)
    wrong = done(opened(spec))
    if old:  # states of earlier versions
        for cell in opened(spec).cells:
            path = opened(spec).run_folder(cell) / "state.json"
            stored: dict[str, Any] = json.loads(path.read_text())
            del stored["measured_on"]
            path.write_text(json.dumps(stored))
        monkeypatch.setattr("unbraid.studies.work.measure", lambda *_: pytest.fail("measured"))
        assert done(opened(spec)) == wrong
        monkeypatch.undo()
    split.write(data)
    monkeypatch.setattr("unbraid.runs.train.Loop.run", lambda self: pytest.fail("trained"))
    study = opened(spec)
    states = zip(study.cells, study.states(), strict=True)
    assert {state.status(cell) for cell, state in states} == {"unfinished"}
    found = done(study)
    monkeypatch.undo()
    # what a study of the right data from the start gives
    right = done(Study(study.spec, tmp_path / "other" / "tiny", study.cells, study.compared))
    assert found == right
    assert {key for key in right if right[key] != wrong[key]} >= {
        (cell.id, "mig") for cell in study.cells
    }
    assert all((right[key] == wrong[key]) == (changed == "factors")
               for key in right if key[1] == "reconstruction")  # fmt: skip
    for cell in study.cells:
        run = Run(study.run_folder(cell))
        assert run.dataset("test").split == "test"  # config.json tells the present ones
        assert len(run.result["scores"]) == 1


def test_changed_test_images_renew_the_numbers_of_training_where_nothing_else_is_measured(
    make_spec: Make, opened: Opened, split: Split, tmp_path: Path
) -> None:
    data = split.write(tmp_path / "split.npz", "images")
    spec = spec_of(make_spec, data)
    spec.write_text(spec.read_text().replace('[[metrics]]\nmetrics = ["mig"]\n', ""))
    # other images, in place of the same ones in another order, which reconstruct alike
    split.stored["images"][split.test] //= 2
    wrong = done(opened(spec))
    split.write(data)
    found = done(opened(spec))
    study = opened(spec)
    right = done(Study(study.spec, tmp_path / "other" / "tiny", study.cells, study.compared))
    assert found == right
    names = {(cell.id, "reconstruction") for cell in study.cells}
    assert all(right[name] != wrong[name] for name in names)


def test_data_that_differ_in_their_test_labels_alone_are_not_taken_for_one(
    make_spec: Make, unbraid: Unbraid, split: Split, tmp_path: Path
) -> None:
    first = split.write(tmp_path / "first.npz")
    second = split.write(tmp_path / "second.npz", "factors")
    spec = spec_of(make_spec, first)
    text = spec.read_text()
    spec.write_text(text.replace("[common]", f'[[data]]\nname = "{second}"\n[common]'))
    said = unbraid("run", spec, code=2)
    assert "the data first and second have the same training images and labels, and other" in said
    spec.write_text(text.replace("[common]", f'[[data]]\nname = "{first}"\n[common]'))
    assert "and labels, so that their runs are the same" in unbraid("run", spec, code=2)


def test_importance_samples_tell_log_likelihoods_of_two_studies_apart(
    make_spec: Make, opened: Opened
) -> None:
    first, second = make_spec("first"), make_spec("second")
    for spec, samples in ((first, 20), (second, 1)):
        asked = f'["log-likelihood", "mig"]\nsamples = {samples}'
        spec.write_text(spec.read_text().replace('["mig"]', asked))
    before, after = done(opened(first)), done(opened(second))
    name = "log-likelihood effective samples"
    assert {value for key, value in after.items() if key[1] == name} == {1.0}
    assert all(value > 1 for key, value in before.items() if key[1] == name)
    assert done(opened(first)) == before
