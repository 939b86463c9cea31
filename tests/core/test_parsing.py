"""Help that can be read on any terminal, and mistakes in options as whole sentences."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from unbraid.cli import COMMANDS, main
from unbraid.core import registry
from unbraid.core.parsing import listing, without_empty_defaults

WIDTHS = ("0", "1", "40", "60", "200")
HELPS = [
    "--help",
    "methods",
    *(f"{name} --help" for name in COMMANDS if name not in ("methods", "datasets", "metrics")),
    *(f"train {name} --help" for name in ("conditional-vae", "s2-vae")),
    *(f"{name} --help" for name in registry.names("figures")),
    "show npz --help",
]


def helped(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(command.split()) == 0
    out, errors = capsys.readouterr()
    assert errors == ""
    return out


@pytest.mark.parametrize("command", HELPS)
def test_help_can_be_read_at_any_width(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    whole = set(re.findall(r"[^\s│]+", helped(command, capsys)))
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", width)
        text = helped(command, capsys)
        assert "``" not in text
        words = re.findall(r"[^\s│]+", text)
        assert not {w for w in whole - set(words) if not re.search(r"[─╭╰,/.{-]", w)}
        if width == "40":  # no word is broken, none runs off but those longer than a line
            for line in text.splitlines():
                known = line in (  # sentences of ours, which a terminal wraps
                    "usage: unbraid COMMAND [OPTIONS]      (unbraid COMMAND --help lists a "
                    "command's options)",
                    "unbraid: train, measure and control disentangled representations.",
                ) or line.startswith(("  unbraid train", "usage", "methods:", "unbraid train"))
                assert known or len(line) <= 40 or " " not in line.strip(), line


@pytest.mark.parametrize("name", registry.names("methods"))
def test_no_help_of_a_method_shows_markup(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = helped(f"train {name} --help", capsys)
    assert "`" not in text
    assert ">>>" not in text  # an example of the docstring


def test_a_line_of_help_is_broken_only_where_it_is_full(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    lines = [line.strip(" │") for line in helped("train vae --help", capsys).splitlines()]
    for start in ("'sigma', or", "'residual', see", "1; published"):
        assert not [line for line in lines if line.startswith(start)]


@pytest.mark.parametrize("columns", ["0", "1"])
def test_help_answers_in_a_process_of_any_terminal(columns: str) -> None:
    env = {"LANG": "C", "LC_ALL": "C", "TERM": "dumb", "COLUMNS": columns, "PATH": "/usr/bin"}
    env["PYTHONPATH"] = ":".join(sys.path)
    for command in (["--help"], ["tour", "--help"]):
        done = subprocess.run(
            [sys.executable, "-m", "unbraid", *command],
            capture_output=True,
            text=True,
            timeout=60,
            env=env,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "usage" in done.stdout


@pytest.mark.parametrize("width", WIDTHS)
def test_no_word_of_a_mistake_is_broken(
    width: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.chdir(tmp_path)
    path = "/a/very/long/path/" + "that-goes-on/" * 12
    option = "--data." + "-".join(["option"] * 20)
    for args, part in (
        (["train", "vae", "--epochs", path], f"'{path}'"),
        (["train", "vae", option, "3"], option),
        (["train", "vae", "--net", "x" * 200], "x" * 200),
        (["sample", "run", "--rows", path], f"'{path}'"),
    ):
        assert main(args) == 2
        sentence = capsys.readouterr().err
        assert part in sentence
        assert sentence.count("\n") == 1
        assert "  " not in sentence


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("--label 100", "--labels"),
        ("--label=100", "--labels"),
        ("--label-f digit", "--label-factors"),
        ("--lat 3", "--latent-dim"),
        ("--latentdim 3", "--latent-dim"),
        ("--latent_dims 3", "--latent-dim"),
        ("--epoch 3", "--epochs"),
        ("--batch 3", "--batch-size"),
        ("--output x", "--out"),
        ("--resum", "--resume"),
    ],
)
def test_the_nearest_option_is_suggested(
    given: str, nearest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "s2-vae", "--data", "digits", *given.split()]) == 2
    assert f"(did you mean '{nearest}'?)" in capsys.readouterr().err


def test_a_value_is_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "vae", "zzz"]) == 2
    assert "did you mean" not in capsys.readouterr().err


def test_lists_wrap_on_narrow_terminals_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"ae": "Codes, left to themselves, of images.", "beta-vae": "Codes."}
    monkeypatch.setenv("COLUMNS", "20")
    narrow = ["ae", "  Codes, left to", "  themselves, of", "  images.", "beta-vae", "  Codes."]
    assert listing(rows) == narrow
    monkeypatch.setenv("COLUMNS", "80")
    assert listing(rows)[0] == "ae        Codes, left to themselves, of images."


@pytest.mark.parametrize("width", ["40", "60", "61", "62", "63", "80", "120"])
def test_defaults_that_say_nothing_are_left_out(
    width: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    for command in ("evaluate", "generate", "train vae", "study run", "tour"):
        text = helped(f"{command} --help", capsys)
        lines = [line for line in text.splitlines() if line.startswith("│")]
        assert len({len(line) for line in lines}) <= 1
        assert all(set(line) - {"│", " "} for line in lines)
        flat = " ".join(re.sub("[│]", " ", text).split())
        assert "(default: " in flat
        assert not re.search(r"\(default: (''|None|False)|\(default: ?\)", flat)


def test_colours_and_boxes_of_help_stay() -> None:
    bold, blue, off = "\x1b[1m", "\x1b[36m", "\x1b[0m"
    line = f"│ {bold}--on{off}  a. {blue}(default:{off}   │\n"
    found = without_empty_defaults(f"{line}│       {blue}None){off}      │\n")
    assert found == line.replace("(default:", " " * len("(default:"))
    assert without_empty_defaults("(default: Falsetto)") == "(default: Falsetto)"
