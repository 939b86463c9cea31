"""The command line: what it prints, and that invalid input gets one sentence and exit code 2."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unbraid.cli import main, print_table
from unbraid.core import registry
from unbraid.core.parsing import one_sentence
from unbraid.runs import Run

SHORT = ["--epochs", "1", "--batch-size", "64", "--net", "mlp"]
TINY = ["--epochs", "1", "--batch-size", "16", "--net", "mlp"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")  # whatever the terminal that runs the tests
    return tmp_path


def refused(args: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must be refused; return its sentence."""
    before = sorted(Path().rglob("*"))
    assert main(args) == 2
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    lines = errors.splitlines()
    assert len(lines) == 1, errors
    assert lines[0].startswith("unbraid: ")
    assert lines[0].endswith(".")
    assert sorted(Path().rglob("*")) == before, "a refused command left something behind"
    return lines[0]


def test_usage_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for args in ([], ["--help"], ["-h"]):
        assert main(args) == 0
        out, errors = capsys.readouterr()
        assert not errors
        for command in ("train", "methods", "datasets", *registry.names("figures")):
            assert re.search(rf"^  {command} +[A-Z].*\.$", out, re.M), command


@pytest.mark.parametrize("folder", ["methods", "datasets", "metrics", "recipes"])
def test_listings(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([folder]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == registry.names(folder)
    assert all(len(line.split()) > 3 for line in lines)


@pytest.mark.parametrize("name", registry.names("methods"))
def test_help_of_a_method_explains_each_option(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", name, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.replace("│", "").split())
    assert registry.summary("methods", name).split(":")[1].strip()[:30] in text
    for option in ("--data STR a data set", "--resume continue an", "--epochs INT passes over"):
        assert option in text


def test_help_of_train_names_the_methods(capsys: pytest.CaptureFixture[str]) -> None:
    for args in (["train"], ["train", "--help"]):
        assert main(args) == 0
        assert "beta-tcvae" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"unbraid \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_train_writes_a_run_and_says_so(
    squares_npz: Path, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["train", "beta-vae", "--data", str(squares_npz), *SHORT, "--beta", "2", "--seed", "3"]
    assert main(args) == 0
    out, errors = capsys.readouterr()
    assert out.startswith("runs/beta-vae-squares-3: reconstruction ")
    first = "training beta-vae on squares: epochs 1, steps per epoch 3\n"
    assert errors.startswith(f"{first}epoch 1/1  validation: ")
    run = Run("runs/beta-vae-squares-3")
    assert run.json["method"]["beta"] == 2
    assert run.json["data"] == {"name": "npz", "path": str(squares_npz)}
    # again with --resume: nothing left to do
    assert main([*args, "--resume"]) == 0
    assert capsys.readouterr().out == out
    assert "add --resume" in refused(args, capsys)
    assert "another method (beta 2.0, not 5.0)" in refused(
        [*args, "--resume", "--beta", "5"], capsys
    )


def test_train_takes_options_of_the_data(squares_npz: Path, elsewhere: Path) -> None:
    (elsewhere / "squares.npz").write_bytes(squares_npz.read_bytes())
    names = ["--data.factor-names", "a", "b", "c"]
    args = ["train", "ae", "--out", "one", *SHORT, "--data=squares.npz", *names]
    assert main(args) == 0
    assert Run("one").dataset().factor_names == ("a", "b", "c")
    assert main([*args, "--resume"]) == 0
    # by the name of the format, and of two --data the last one
    named = ["--data", "mnist", "--data", "npz", "--data.path", "squares.npz", "--data.full"]
    assert main(["train", "ae", "--out", "two", *SHORT, *named]) == 0
    assert len(Run("two").dataset()) == 300


def test_a_relative_path_to_data_is_found_from_everywhere(
    squares_npz: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "squares.npz").write_bytes(squares_npz.read_bytes())
    assert main(["train", "ae", "--out", "run", *SHORT, "--data", "squares.npz"]) == 0
    monkeypatch.chdir("/")
    assert len(Run(elsewhere / "run").dataset()) == 270


def labelled_folder(path: Path) -> None:
    """Forty images and, in a table elsewhere, a class and an age for half of them."""
    rng = np.random.default_rng(0)
    path.mkdir()
    rows = ["file,animal,age"]
    for each in range(40):
        pixels = rng.integers(0, 256, (20, 24), np.uint8)
        Image.fromarray(pixels).save(path / f"{each}.png")
        animal = ("cat", "dog")[each % 2] if each < 20 else ""
        rows.append(f"{each}.png,{animal},{each % 7 + 0.5}")
    Path("animals.csv").write_text("\n".join(rows))


def test_a_table_of_labels_is_found_from_everywhere(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled_folder(elsewhere / "photos")
    options = ["--data.labels", "animals.csv", "--data.size", "16", "--data.units", "age=years"]
    args = ["train", "s2-vae", "--data", "photos", "--out", "run", *TINY, *options]
    assert main(args) == 0
    told = capsys.readouterr().err
    assert told.count("note: 36 images: 24 x 20 centre-cropped and scaled to 16 x 16.") == 1
    monkeypatch.chdir("/")
    run = Run(elsewhere / "run")
    assert [spec.unit for spec in run.specs] == ["", "years"]
    factors = run.dataset().factors
    assert factors is not None
    assert np.isnan(factors).sum() > 15


def test_show_tells_what_is_known_of_the_data(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled_folder(elsewhere / "photos")
    options = ["--data.labels", "animals.csv", "--data.size", "16", "--data.full"]
    assert main(["show", "photos", *options, "--out", "a.png"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "photos, all: 40 images of 16 x 16, grey"
    assert lines[1] == "  animal: categorical, cat (10), dog (10), unknown for 20 (50%)"
    assert lines[2] == "  age: continuous, 0.5 to 6.5"
    assert lines[-1] == "a.png"
    assert main(["show", "--help"]) == 0
    assert main(["show", "photos", "--data.sise", "3"]) == 2


def test_advice_on_data_can_be_taken(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("odd.npz", pixels=np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8))
    assert main(["show", "odd.npz"]) == 2
    assert "with images_key (--data.images-key)" in capsys.readouterr().err
    assert main(["show", "odd.npz", "--data.images-key", "pixels"]) == 0


def test_runs_of_idx_sets_have_folders_of_their_own(elsewhere: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16), np.uint8)
    for name in ("fashion", "kmnist"):
        path = elsewhere / name / "train-images-idx3-ubyte"
        path.parent.mkdir()
        path.write_bytes(struct.pack(">2xBB3I", 8, 3, *images.shape) + images.tobytes())
        assert main(["train", "ae", "--data", str(path), *TINY]) == 0
        assert (elsewhere / "runs" / f"ae-{name}-0" / "result.json").is_file()


# -- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ("trian vae", "unknown command 'trian' (did you mean 'train'?): it is one of "),
        ("nosuch", "unknown command 'nosuch': it is one of "),
        ("--versoin", "unknown command '--versoin'"),
        ("methods extra", "methods takes no options but --json and --csv, found 'extra'."),
        ("datasets --all", "datasets takes no options but --json and --csv, found '--all'."),
        ("train beta-vea", "unknown method 'beta-vea' (did you mean 'beta-vae'?): known methods"),
        ("train beta_vae", "unknown method 'beta_vae' (did you mean 'beta-vae'?)"),
        ("train --data DATA vae", "unknown method '--data'"),
        ("train vae --data mnits", "unknown dataset 'mnits' (did you mean 'mnist'?)"),
        ("train vae --data nosuch.npz", "unknown dataset 'nosuch.npz'"),
        ("train vae --data npz", "--data.path"),
        ("train vae --data", "--data"),
        ("train vae --bata 4", "--bata"),
        ("train beta-vae --data DATA --bta 4", "--bta, 4 (did you mean '--beta'?)"),
        ("train vae --data DATA --discriminator-hidden 4", " (an option of factor-vae): see"),
        ("train vae --data DATA --neet mlp", "--neet, mlp (did you mean '--net'?): see"),
        ("train vae --data DATA --xeta 4", "--xeta, 4: see"),
        ("train vae --data DATA extra", "extra"),
        ("train vae --data DATA --epochs", "'--epochs'. Expected 1"),
        ("train vae --data DATA --epochs many", "--epochs: invalid literal for int()"),
        ("train vae --data DATA --epochs 1.5", "--epochs"),
        ("train vae --data DATA --epochs -1", "epochs is -1, expected a finite number at least 1."),
        ("train vae --data DATA --epochs 0", "epochs is 0, expected a finite number at least 1."),
        ("train vae --data DATA --lr nan", "lr is nan, expected a finite number above 0."),
        ("train vae --data DATA --lr -1e-3", "lr is -0.001, expected a finite number above 0."),
        ("train vae --data DATA --net cnov", "'cnov'"),
        ("train vae --data DATA --precision f16", "'f16'"),
        ("train vae --data DATA --latent-dim 0", "latent_dim is 0, expected a finite number at"),
        ("train vae --data DATA --sigma 0", "sigma is 0, expected a finite number above 0."),
        ("train vae --data DATA --warmup -1", "warmup is -1, expected"),
        ("train vae --data DATA --warmup inf", "warmup is inf, expected"),
        ("train vae --data DATA --validation 1", "validation is 1, expected a share in [0, 1)."),
        ("train vae --data DATA --seed -1", "seed is -1, expected"),
        ("train beta-vae --data DATA --beta -1", "beta is -1, expected a finite number at least"),
        ("train beta-vae --data DATA --beta nan", "beta is nan, expected a finite number"),
        ("train beta-vae --data DATA --beta inf", "beta is inf, expected a finite number"),
        ("train beta-tcvae --data DATA --alpha -inf", "alpha is -inf, expected"),
        ("train beta-tcvae --data DATA --estimator msw", "'msw'"),
        ("train vae --data DATA --batch-size 5000", "batch_size is 5000, but squares has 243"),
        (
            "train vae --data DATA --out TEXT/run",
            "cannot write TEXT/run: a part of that path is a file",
        ),
        ("train vae --data DATA --out TEXT", "cannot write TEXT: a part of that path is a file"),
        ("train vae --data DATA --data.images-key nosuch", "no array 'nosuch'"),
        (
            "train vae --data TEXT",
            "TEXT is in a format that is not supported: expected a folder of images,",
        ),
        ("train vae --data x.PNG", "x.PNG is a single image, expected a folder of images: give th"),
        ("show x.PNG", "x.PNG is a single image"),
        ("train vae --data B.NPZ", "B.NPZ has none of the arrays images, imgs, x, arr_0"),
        ("train vae --data ONE.npy", "ONE.npy holds a single array, expected a .npz file: save it"),
        ("train vae --data ALL.zip", "ALL.zip is a zip archive: unpack it and give the folder, or"),
        ("show KEYS.npz --data.images-key nosuch", "has no array 'nosuch'"),
        ("train vae --data RANDOM.npz", "RANDOM.npz"),
        ("train vae --data EMPTY", "EMPTY"),
        ("train vae --data SMALL.npz", "images are 8 by 8 pixels, expected at least 16 by 16"),
        ("train vae --data NAN.npz", "NaN"),
        ("train vae --data LABELS.npz", "7 rows, but there are 20 images"),
        ("train vae --data KEYS.npz", "has none of the arrays"),
        ("train vae --device mps --data DATA", "device 'mps' is not available here"),
    ],
)
def test_each_mistake_gets_one_sentence(
    args: str,
    sentence: str,
    squares_npz: Path,
    elsewhere: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    images = np.zeros((20, 16, 16))
    (elsewhere / "TEXT").write_text("these are no images")
    (elsewhere / "RANDOM.npz").write_bytes(np.random.default_rng(0).bytes(3000))
    (elsewhere / "EMPTY").mkdir()
    np.savez(elsewhere / "SMALL.npz", images=images[:, :8, :8])
    np.savez(elsewhere / "NAN.npz", images=images * np.nan)
    np.savez(elsewhere / "LABELS.npz", images=images, labels=np.arange(7))
    np.savez(elsewhere / "KEYS.npz", pictures=images)
    for name in ("B.NPZ", "ALL.zip"):
        (elsewhere / name).write_bytes((elsewhere / "KEYS.npz").read_bytes())
    np.save(elsewhere / "ONE.npy", images)
    Image.new("L", (16, 16)).save(elsewhere / "x.PNG")
    parts = args.replace("DATA", str(squares_npz)).split()
    assert sentence in refused(parts, capsys)


BOX = """\
╭─ Unrecognized options ───────────────────────╮
│ Unrecognized options: --bta, 3               │
│ ──────────────────────────────────────────── │
│ Perhaps you meant:                           │
│     --beta FLOAT                             │
│         (default: 1.0)                       │
│ ──────────────────────────────────────────── │
│ For full helptext, run unbraid train --help  │
╰──────────────────────────────────────────────╯
"""


def test_missing_arguments_are_named_without_their_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for command, missing in (
        ("edit", "IMAGE is missing"),
        ("swap", "A, B and FACTORS are missing"),
        ("swap a.png", "B and FACTORS are missing"),
    ):
        name = command.split()[0]
        said = f"unbraid: {missing}: see unbraid {name} --help."
        assert refused(command.split(), capsys) == said


def test_a_seed_or_number_out_of_range_gets_one_sentence(
    tiny_run: Run, squares_npz: Path, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, codes = str(tiny_run.folder), "codes.npz"
    np.savez(codes, codes=np.zeros((90, 2)), factors=np.zeros((90, 2)))
    of_runs = ("evaluate", "reconstruct", "interpolate", "scatter", "heatmap")
    for target in (*((name, run) for name in of_runs), ("show", str(squares_npz))):
        said = refused([*target, "--seed", "-1"], capsys)
        assert said.endswith("seed is -1, expected 0 or more.")
    for rows in ("0", "60"):
        said = refused(["score", codes, "--rows", rows, "--seed", "-1"], capsys)
        assert said.endswith("seed is -1, expected 0 or more.")
    for option in ("--images", "--samples"):
        for number in ("0", "-3"):  # -3 left out the last three images
            said = refused(["evaluate", run, option, number], capsys)
            assert said == f"unbraid: {option[2:]} is {number}, expected 1 or more."


@pytest.mark.parametrize("box", [BOX, re.sub("[│╭╮╰╯]", " ", BOX).replace("─", "-")])
def test_the_parsers_box_becomes_a_sentence_with_and_without_unicode(box: str) -> None:
    sentence = "Unrecognized options: --bta, 3 (did you mean '--beta'?): see unbraid train --help."
    assert one_sentence(box, "unbraid train", ["--lr", "--beta"]) == sentence


def test_a_figure_of_data_takes_the_options_of_the_data(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(elsewhere / "KEYS.npz", pictures=np.zeros((20, 16, 16)))
    args = ["show", "KEYS.npz", "--data.images-key", "pictures", "-o", "shown.pdf"]
    assert main(args) == 0
    assert capsys.readouterr().out.endswith("shown.pdf\n")
    assert (elsewhere / "shown.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("out", ["-o", "--out"])
def test_every_command_that_writes_takes_both_options(
    out: str, squares_npz: Path, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "ae", "--data", str(squares_npz), *SHORT, out, "run"]) == 0
    for command in (["sample", "run"], ["show", str(squares_npz)], ["generate", "seven"]):
        assert main([*command, out, "written.png"]) == 0
        assert (elsewhere / "written.png").is_file()
        (elsewhere / "written.png").unlink()
    capsys.readouterr()
    for name in ("train vae", "tour", "generate", "edit", "swap", *figures_of_runs(), "show"):
        assert main([*name.split(), "--help"]) == 0
        assert re.search(r"-o (PATH|PNG), --out (PATH|PNG)", capsys.readouterr().out), name


def test_names_of_metrics_stay_whole_at_any_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["dci disentanglement", "log-likelihood effective samples", "total-correlation"]
    rows = [(name, "-115.953", "undefined", "lightgbm boosted trees, 100 rounds") for name in names]
    for width in (0, 1, 20, 40, 60, 72, 80, 100, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        print_table("runs/[b]x:smile:", ("metric", "value", "± se", "variant"), rows, ["a note"])
        out = capsys.readouterr().out
        assert "runs/[b]x:smile:" in out
        assert "…" not in out
        words = re.findall(r"[^\s│┃]+", out)
        assert {"disentanglement", "total-correlation", "-115.953", "undefined"} <= set(words)


def figures_of_runs() -> list[str]:
    names = registry.names("figures")
    return [name for name in names if registry.load("figures", name).TARGET == "run"]


@pytest.mark.parametrize("name", figures_of_runs())
def test_a_figure_of_what_is_no_run_gets_one_sentence(
    name: str, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nosuch does not exist: expected a config.json" in refused([name, "nosuch"], capsys)
    (elsewhere / "empty").mkdir()
    assert "empty is not a run folder" in refused([name, "empty"], capsys)
    assert "run first" in refused([name, "--out", "x.png"], capsys)


def test_warnings_are_sentences_and_the_hook_is_put_back(
    squares_npz: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = warnings.showwarning
    crushed = ["--beta", "1e6", "--epochs", "3", "--lr", "0.01", "--batch-size", "32"]
    assert main(["train", "beta-vae", "--data", str(squares_npz), "--net", "mlp", *crushed]) == 0
    assert re.search(r"^warning: posterior collapse: no .*\.$", capsys.readouterr().err, re.M)
    assert warnings.showwarning is before


def test_a_reader_that_goes_away_is_no_error(elsewhere: Path) -> None:
    """As ``unbraid methods | head -0`` would do it."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "unbraid", "methods"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_messages_are_one_line_of_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    told = refused(["a\nb\x1b[31m\u202e"], capsys)
    assert told.startswith(r"unbraid: unknown command 'a\nb\x1b[31m\u202e': it is one of ")
    assert len(refused(["x" * 5000], capsys)) < 1500
