from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.studies.conftest import Make
from unbraid.core.errors import UnbraidError
from unbraid.methods import beta_vae, dip_vae_i
from unbraid.studies import spec as specs
from unbraid.studies.arithmetic import value_of
from unbraid.studies.plan import config_of, expand
from unbraid.studies.study import Study, open_study

Opened = Callable[[Path], Study]


def test_a_grid_is_every_setting_with_every_seed_and_computed_options(
    make_spec: Make, opened: Opened
) -> None:
    study = opened(make_spec(seeds="0-1", off_diagonal=[1, 2.5]))
    assert [(c.method, c.setting, c.seed) for c in study.cells] == [
        (method, setting, seed)
        for method, settings in (
            ("beta-vae", ("beta=1", "beta=4")),
            ("dip-vae-i", ("off_diagonal=1", "off_diagonal=2.5")),
        )
        for setting in settings
        for seed in (0, 1)
    ]
    config = config_of(study.cells[-1])
    assert dataclasses.asdict(config.method)["diagonal"] == 25.0
    assert (config.training.steps, config.training.threads) == (12, 1)
    assert study.cells[-1].strength == ("off_diagonal", 2.5)


def test_the_identity_is_of_what_decides_the_weights(
    make_spec: Make, opened: Opened, squares_npz: Path, tmp_path: Path
) -> None:
    first = [cell.id for cell in opened(make_spec()).cells]
    moved = tmp_path / "moved.npz"
    moved.write_bytes(squares_npz.read_bytes())
    # defaults written out, a whole number for a real one, other jobs, other paths: the same runs
    other = make_spec("other", data=moved, off_diagonal="1.0", more='jobs = 7\ntimeout = "1h"')
    text = other.read_text().replace("[common]", "[common]\nlr = 1e-3\ndevice = 'cpu'")
    other.write_text(text)
    assert [cell.id for cell in opened(other).cells] == first
    for old, new in (("steps = 12", "steps = 13"), ("full = true", "full = true\nsplit_seed = 1")):
        assert old in other.read_text()
        changed = tmp_path / "changed.toml"
        changed.write_text(other.read_text().replace(old, new).replace('"other"', '"changed"'))
        assert not {cell.id for cell in opened(changed).cells} & set(first)
    threads = make_spec("threads", more="threads = 2")
    assert not {cell.id for cell in opened(threads).cells} & set(first)


def test_what_only_names_things_is_no_part_of_the_identity(
    make_spec: Make, opened: Opened, tmp_path: Path
) -> None:
    first = opened(make_spec())
    named = make_spec("named")
    text = named.read_text().replace("full = true", 'full = true\ntitle = "My squares"')
    named.write_text(text)
    assert [cell.id for cell in opened(named).cells] == [cell.id for cell in first.cells]
    assert {cell.data for cell in opened(named).cells} == {"My squares"}


def test_settings_of_several_grids_are_told_apart(make_spec: Make, opened: Opened) -> None:
    spec = make_spec(seeds="0-1")
    grids = ['method = "beta-vae"\nbeta = 2\nlatent_dim = 2', 'method = "beta-vae"\nbeta = 3']
    grids.append('method = "vae"\nlr = [1e-3, 1.0000001e-3]')
    more = "".join(f"[[grid]]\n{grid}\n" for grid in grids)
    spec.write_text(spec.read_text().replace("[[metrics]]", f"{more}[[metrics]]"))
    cells = opened(spec).cells
    assert list(dict.fromkeys((cell.method, cell.setting) for cell in cells)) == [
        ("beta-vae", "beta=1 latent_dim=3"),
        ("beta-vae", "beta=4 latent_dim=3"),
        ("dip-vae-i", ""),
        ("beta-vae", "beta=2 latent_dim=2"),
        ("beta-vae", "beta=3 latent_dim=3"),
        ("vae", "lr=0.001"),
        ("vae", "lr=0.0010000001"),
    ]


def test_what_one_grid_fixes_and_another_varies_is_in_the_names_of_both(
    make_spec: Make, opened: Opened
) -> None:
    spec = make_spec()
    grids = ['method = "beta-vae"\nbeta = 16\nlr = [1e-3, 1e-4]']
    # what is computed is fixed by the rest within its grid, not beside another
    grids += ['method = "dip-vae-i"\noff_diagonal = 2\ndiagonal = 5']
    more = "".join(f"[[grid]]\n{grid}\n" for grid in grids)
    spec.write_text(spec.read_text().replace("[[metrics]]", f"{more}[[metrics]]"))
    cells = opened(spec).cells
    assert [(cell.method, cell.setting) for cell in cells] == [
        ("beta-vae", "beta=1 lr=0.001"),
        ("beta-vae", "beta=4 lr=0.001"),
        ("dip-vae-i", "off_diagonal=1 diagonal=10"),
        ("beta-vae", "beta=16 lr=0.001"),
        ("beta-vae", "beta=16 lr=0.0001"),
        ("dip-vae-i", "off_diagonal=2 diagonal=5"),
    ]
    assert [cell.strength for cell in cells if cell.method == "beta-vae"] == [
        ("beta", 1.0), ("beta", 4.0), ("beta", 16.0), ("beta", 16.0),
    ]  # fmt: skip


def test_a_metric_that_data_or_method_have_nothing_for_is_refused_before_training(
    make_spec: Make, opened: Opened, tmp_path: Path, squares_npz: Path
) -> None:
    plain = tmp_path / "plain.npz"
    with np.load(squares_npz) as stored:
        np.savez(plain, images=stored["images"])
    with pytest.raises(UnbraidError, match="mig needs codes and factors, which plain"):
        opened(make_spec(data=plain))


def test_few_images_are_enough_for_what_needs_no_rows_of_codes(
    make_spec: Make, opened: Opened
) -> None:
    spec = make_spec()
    text = spec.read_text().replace("validation = 0.4", "validation = 0.1")
    spec.write_text(text.replace('["mig"]', '["reconstruction", "log-likelihood"]\nimages = 10'))
    assert len(opened(spec).cells) == 3
    # 60 images are enough, unless a protocol fits on two thirds of them
    many = text.replace("validation = 0.1", "validation = 0.2").replace('"mig"', '"mig", "dci"')
    spec.write_text(many)
    assert len(opened(spec).cells) == 3
    spec.write_text(many.replace('["mig", "dci"]', '["mig"]\nprotocol = "locatello2019"'))
    with pytest.raises(UnbraidError, match="squares has 40 images to fit on, but metric mig"):
        opened(spec)


def test_labels_that_are_unknown_leave_too_few_images(
    make_spec: Make, opened: Opened, tmp_path: Path, squares_npz: Path
) -> None:
    path = tmp_path / "gaps.npz"
    with np.load(squares_npz) as stored:
        content = {name: stored[name] for name in stored.files}
    content["factors"] = content["factors"].astype(float)
    content["factors"][::4] = np.nan
    content["factors"][1::4] = np.nan
    np.savez(path, **content)
    sentence = r"gaps has \d\d images to measure on whose factors are all known, but metric mig"
    spec = make_spec(data=path)
    spec.write_text(spec.read_text().replace("validation = 0.4", "validation = 0.25"))
    with pytest.raises(UnbraidError, match=sentence):
        opened(spec)
    spec.write_text(spec.read_text().replace('["mig"]', '["gaussian-correlation"]'))
    assert opened(spec).cells


def test_a_byte_order_mark_changes_nothing(make_spec: Make, opened: Opened) -> None:
    spec = make_spec()
    before = opened(spec).cells
    spec.write_bytes(b"\xef\xbb\xbf" + spec.read_bytes())
    assert opened(spec).cells == before


def test_the_identity_is_of_the_version_of_an_objective(
    make_spec: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = specs.read(make_spec())
    before = [cell.id for cell in expand(spec)[0]]
    monkeypatch.setattr(beta_vae.Model, "semantics", 2)
    after = [cell.id for cell in expand(spec)[0]]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, False, True]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[common]", "[commun]", r"unknown table 'commun' \(did you mean 'common'\?\)"),
        ('method = "beta-vae"', 'method = "beta-vea"', r"'beta-vea' \(did you mean 'beta-vae'"),
        ("beta = [1, 4]", "btea = [1, 4]", r"'btea' of beta-vae .* \(did you mean 'beta'"),
        ("steps = 12", "stpes = 12", r"'stpes' of beta-vae in \[common\] \(did you mean 'steps'"),
        ("steps = 12", "seed = 1", r"\[study\] has 'seeds'"),
        ("beta = [1, 4]", "beta = [1, -4]", "beta is -4"),
        ("beta = [1, 4]", "beta = []", "has no values"),
        ("beta = [1, 4]", 'beta = "4; import os"', "is not arithmetic"),
        ('"10 * off_diagonal"', '"10 * of_diagonal"', r"'of_diagonal' \(did you mean 'off_dia"),
        ('"10 * off_diagonal"', '"diagonal"', "computed from each other"),
        ("off_diagonal = 1", 'off_diagonal = "1 / 0"', "has no value here"),
        ("steps = 12", 'steps = "5 / 2"', "expected a whole number"),
        ('metrics = ["mig"]', 'metrics = ["mgi"]', r"'mgi' \(did you mean 'mig'"),
        ('metrics = ["mig"]', 'protocol = "locatelo2019"', "did you mean 'locatello2019'"),
        ("retries = 2", "retrys = 2", "did you mean 'retries'"),
        ("full = true", "ful = true", "did you mean 'full'"),
        ('seeds = "0"', 'seeds = "9-0"', "no range from a lower"),
        ("batch_size = 32", "batch_size = 3000", "beta-vae on squares: batch_size is 3000"),
        ("batch_size = 32", "batch_size = 0", "batch_size is 0"),
        ('name = "tiny"', 'name = "../x"', "the name of its folder"),
        ("[study]", "[study", "no valid TOML"),
        # what the second setting cannot do
        ("batch_size = 32", "batch_size = [32, 3000]", "beta-vae on squares: batch_size is 3000"),
        ("steps = 12", 'steps = "1e308 * 10"', "has no value here"),
        ("beta = [1, 4]", f'beta = "{"-" * 100_000}1"', "is not arithmetic"),
        ("beta = [1, 4]", "beta = 2026-01-01", "'beta' is 2026-01-01, expected"),
        ("beta = [1, 4]", "beta = nan", "'beta' is nan, expected"),
        ("beta = [1, 4]", f"beta = 1{400 * '0'}", "'beta' is a number of 1329 bits, expected"),
        ("steps = 12", "steps = 12\nbatch-size = 16", "'batch_size' twice, also as 'batch-size'"),
        ('metrics = ["mig"]', 'metrics = ["mig"]\nimages = 0', "images of .* is 0"),
        ('metrics = ["mig"]', 'metrics = ["mig"]\nseed = -1', "seed of .* is -1"),
        ('metrics = ["mig"]', "metrics = []", r"metrics of \[\[metrics\]\] are \[\], expected at"),
        (
            'metrics = ["mig"]',
            'metrics = ["mig"]\nimages = 10',
            "beta-vae on squares: images is 10, but metric mig needs at least 50: measure it on",
        ),
        ('metrics = ["mig"]', 'metrics = "all"\nimages = 49', "images is 49, but metric"),
        (
            "validation = 0.4",
            "validation = 0.1",
            "squares has 30 images to measure on, but metric mig needs at least 50: hold out more",
        ),
        (
            'validation = 0.4\nprecision = "f32"\n',
            'validation = [0.4, 0.1]\nprecision = "f32"\n',
            "squares has 30 images to measure on",
        ),
        ('seeds = "0"', "seeds = [4294967296]", "is 4294967296, expected 999,999,999 at most"),
        ('seeds = "0"', 'seeds = "5-1000000000"', "is 1000000000, expected 999,999,999 at"),
        ('metrics = ["mig"]', 'metrics = ["clustering-accuracy"]', "it has no categorical code"),
        (
            "[resources]",
            '[[metrics]]\nmetrics = "mig"\nseed = 1\n[resources]',
            "twice with another",
        ),
    ],
)
def test_what_is_not_known_or_possible_is_refused_before_anything_trains(
    make_spec: Make, opened: Opened, tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path = make_spec()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UnbraidError, match=sentence):
        opened(path)
    assert not (tmp_path / "studies").exists()


def test_arithmetic_by_hand() -> None:
    assert value_of("-(a + 2) * 3 - 4 // 3 / 2", {"a": 1}, "x") == -9.5
    for text in ("a ** 2", "f(1)", "a.b", "[1]", "True", "'a'", "1 if 1 else 2", "a" * 300, "("):
        with pytest.raises(UnbraidError, match=re.escape("not arithmetic")):
            value_of(text, {"a": 1}, "x")


def test_trainings_that_are_usually_too_short_are_said(
    make_spec: Make, unbraid: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dip_vae_i.Model, "usual_steps", 13)
    expected = (
        "note: 1 run: 12 steps are few for dip-vae-i, which usually needs 13 or more: try "
        "steps = 13."
    )
    spec = make_spec()
    assert expected in unbraid("run", spec, "--dry-run")
    assert expected in unbraid("run", spec, "--jobs", "1")
    assert "note" not in unbraid("run", spec)  # nothing is left to train


def test_seeds_that_are_added_stay_and_are_the_only_new_runs(
    make_spec: Make, opened: Opened, unbraid: Callable[..., str], tmp_path: Path
) -> None:
    spec = make_spec()
    before = {cell.id for cell in opened(spec).cells}
    said = unbraid("extend", spec, "--seeds", "1-2", "--dry-run")
    assert "9 of 9 runs are left" in said
    assert {cell.id for cell in opened(spec).cells} == before  # a dry run changes nothing
    open_study(spec, tmp_path / "studies", seeds=[1, 2])
    cells = opened(spec).cells
    assert before < {cell.id for cell in cells}
    assert [cell.seed for cell in cells] == [0, 1, 2] * 3
