"""Completion in shells: the scripts know every command and option, and bash completes by them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from unbraid.cli import COMMANDS, main
from unbraid.cli import completion as completion_command
from unbraid.cli.completion import SHELLS, Words, collected
from unbraid.core import registry
from unbraid.core.parsing import options_in

BASH = shutil.which("bash") or "bash"


@pytest.fixture(scope="module")
def words() -> Words:
    return collected()


def test_every_command_name_and_option_is_known(
    words: Words, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(words.commands) == {*COMMANDS, *registry.names("figures")}
    assert words.first["train"] == registry.names("methods")
    assert words.options.keys() >= {f"train {name}" for name in registry.names("methods")}
    assert words.values["train --net"] == ["conv", "mlp", "conv-2019", "style", "residual"]
    assert words.values["score --protocol"][1:] == ["locatello2019", "chen2018", "hsu2023"]
    assert (
        "interpolate --pairs" not in words.values
    )  # a number there, a choice of methods elsewhere
    assert "mnist" in words.values["train --data"]
    assert "explore --data" not in words.values  # the path of data that were moved
    # options of a method that are taken from its Config are those of its help
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["train", "conditional-vae", "--help"]) == 0
    told = set(options_in(capsys.readouterr().out))
    assert set(words.options["train conditional-vae"]) == told


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("unbraid tra", "train traverse"),
        ("unbraid train beta-", "beta-tcvae beta-vae"),
        ("unbraid train beta-tcvae --bet", "--beta"),
        ("unbraid train beta-tcvae --net ''", "conv mlp conv-2019 style residual"),
        ("unbraid train vae --data mn", "mnist"),
        ("unbraid show dsp", "dsprites"),
        ("unbraid score codes.npz --protocol lo", "locatello2019"),
        ("unbraid nosuch --x", ""),
        ("unbraid completion ''", "bash zsh fish"),
        ("unbraid study ru", "run"),
        ("unbraid study run spec.toml --dry", "--dry-run"),
        ("unbraid study run spec.toml --on ''", "local ray slurm"),
    ],
)
def test_bash_completes(words: Words, tmp_path: Path, line: str, wanted: str) -> None:
    script = SHELLS["bash"][0](words)
    (tmp_path / "unbraid").write_text(script)
    code = (
        f"source ./unbraid; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); "
        '_unbraid; echo "${COMPREPLY[*]}"'
    )
    done = subprocess.run(
        [BASH, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == (wanted, "")


def test_the_other_shells_know_the_same(words: Words) -> None:
    zsh, fish = (SHELLS[name][0](words) for name in ("zsh", "fish"))
    for name, text in words.commands.items():
        assert f"{name}:{text}" in zsh.replace("'\"'\"'", "'")
        assert f"-a {name} -d " in fish
    assert zsh.startswith("#compdef unbraid\n")
    seen = "'__fish_seen_subcommand_from train; and __fish_seen_subcommand_from beta-tcvae'"
    assert f"complete -c unbraid -n {seen} -l estimator -x -a 'mss mws'" in fish
    for name in ("zsh", "fish"):
        if path := shutil.which(name):
            done = subprocess.run(
                [path, "-n"], input=SHELLS[name][0](words), text=True, capture_output=True
            )
            assert (done.returncode, done.stderr) == (0, "")


def test_the_command(
    words: Words, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(completion_command.__globals__, "collected", lambda: words)
    assert main(["completion", "bash"]) == 0
    assert capsys.readouterr().out == SHELLS["bash"][0](words)
    assert main(["completion", "--help"]) == 0
    assert "~/.config/fish/completions/unbraid.fish" in capsys.readouterr().out
    for args, said in ((["bsh"], "found 'bsh' (did you mean 'bash'?)"), (["zsh", "x"], "'zsh x'")):
        assert main(["completion", *args]) == 2
        assert said in capsys.readouterr().err
