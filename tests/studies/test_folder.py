"""The folder of a study: read where its data are not, and kept from other files of its name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.studies.conftest import Make
from tests.studies.test_study import Here, Watcher
from unbraid.core.errors import UnbraidError
from unbraid.studies import driver
from unbraid.studies.study import Study, open_study
from unbraid.studies.table import table, write_table

Opened = Callable[[Path], Study]
Unbraid = Callable[..., str]


def test_a_folder_is_read_without_the_data(
    make_spec: Make, opened: Opened, unbraid: Unbraid, squares_npz: Path, tmp_path: Path
) -> None:
    data = tmp_path / "of" / "mine.npz"
    data.parent.mkdir()
    shutil.copy(squares_npz, data)
    study = opened(make_spec(data="of/mine.npz", seeds="0-1"))
    assert driver.drive(study, Here(), Watcher())
    write_table(study)
    before = table(study)
    summary = unbraid("summary", study.folder)
    copied = tmp_path / "laptop" / "studies"
    shutil.copytree(study.folder.parent, copied)
    plan = copied / "tiny" / "plan.json"
    stored = json.loads(plan.read_text())
    plan.write_text(json.dumps({**stored, "asked": "of another machine"}))
    shutil.rmtree(data.parent)
    said = unbraid("status", copied / "tiny")
    assert "6 finished" in said
    note = f"the plan of {stored['made'][:10]} is used, as it cannot be made again here: "
    assert note in said
    assert "mine.npz" in said
    assert summary in unbraid("summary", copied / "tiny")
    assert str(copied / "tiny" / "results.csv") in unbraid("table", copied / "tiny")
    assert "violins-mine.png" in unbraid("plots", copied / "tiny")
    with pytest.warns(UserWarning, match="cannot be made again here"):
        assert table(open_study(copied / "tiny", trains=False)) == before
    # what may train needs the data, and so does the file, which may ask for other runs
    assert "mine.npz" in unbraid("run", copied / "tiny", code=2)
    assert "mine.npz" in unbraid("status", tmp_path / "tiny.toml", code=2)
    # a damaged plan is no plan
    plan.write_text(json.dumps({**stored, "asked": "", "cells": 3}))
    assert "cannot be made again" not in unbraid("status", copied / "tiny", code=2)


def test_another_file_of_the_name_does_not_take_a_folder_over(
    make_spec: Make, opened: Opened, unbraid: Unbraid, tmp_path: Path
) -> None:
    spec = make_spec()
    open_study(spec, tmp_path / "studies", seeds=[7])
    before = (tmp_path / "studies" / "tiny" / "plan.json").read_text()
    other = tmp_path / "other" / "tiny.toml"
    other.parent.mkdir()
    text = spec.read_text()
    other.write_text(text.replace("steps = 12", "steps = 13"))
    folder = tmp_path / "studies" / "tiny"
    sentence = f"{folder} is the study of {spec}: choose another name, or another --root."
    for command in ("run", "status", "summary"):
        assert sentence in unbraid(command, other, code=2)
    with pytest.raises(UnbraidError, match="is the study of"):
        opened(other)
    assert (folder / "plan.json").read_text() == before
    # a copy of the file, or a version of it with more runs, is the same study
    other.write_text(text.replace("beta = [1, 4]", "beta = [1, 4, 8]"))
    assert len(opened(other).cells) == 8
    assert json.loads((folder / "plan.json").read_text())["file"] == str(other)
    assert open_study(folder).cells == opened(other).cells
    # the file itself may be changed altogether
    other.write_text(text.replace("steps = 12", "steps = 13"))
    assert len(opened(other).cells) == 6
    # plans of earlier versions name no file
    stored = json.loads((folder / "plan.json").read_text())
    del stored["file"]
    (folder / "plan.json").write_text(json.dumps(stored))
    assert len(opened(spec).cells) == 6
