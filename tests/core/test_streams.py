"""Real processes whose terminal, reader or disk goes away while they show and print."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from unbraid.cli import main
from unbraid.runs import Run

UNBRAID = f"{sys.executable} -m unbraid"
SHORT = "--epochs 3 --batch-size 64 --net mlp --latent-dim 3 --out run"
FULL = Path("/dev/full")

needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


def shell(command: str, cwd: Path) -> tuple[int, str, str]:
    """Run a line of bash; return the exit code of its first command, and what is printed."""
    line = f"{command}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=cwd, capture_output=True, text=True, timeout=90)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "way", ["2>&-", pytest.param("2>/dev/full", marks=needs_full), "2>&1 | head -1"]
)
def test_training_outlives_the_loss_of_its_display(
    way: str, squares_npz: Path, tmp_path: Path
) -> None:
    code, out, errors = shell(f"{UNBRAID} train vae --data {squares_npz} {SHORT} {way}", tmp_path)
    assert (code, errors) == (0, "")
    assert out.startswith("training vae" if "head" in way else "run: reconstruction ")
    run = Run(tmp_path / "run")
    assert run.finished
    assert len(run.history()) == 3
    run.model()  # nothing was written into a file in the place of the closed stream


@needs_full
def test_a_result_that_cannot_be_printed_is_said_and_the_run_is_whole(
    squares_npz: Path, tmp_path: Path
) -> None:
    command = f"{UNBRAID} train vae --data {squares_npz} {SHORT}"
    for way, reason in ((">/dev/full", "No space left on device"), (">&-", "it is closed")):
        code, _, errors = shell(f"{command} --resume {way}", tmp_path)
        assert code == 2
        last = errors.splitlines()[-1]
        assert last.startswith(f"unbraid: cannot write to standard output: {reason}; ")
        assert "Traceback" not in errors
        assert Run(tmp_path / "run").finished


COMMANDS = ["methods", "--help", "sample --help"]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_printed_is_said_in_a_sentence(command: str, tmp_path: Path) -> None:
    ways = [">&-", ">/dev/full"] if FULL.exists() else [">&-"]
    for way in ways:
        code, out, errors = shell(f"{UNBRAID} {command} {way}", tmp_path)
        assert (code, out) == (2, "")
        assert len(errors.splitlines()) == 1
        assert errors.startswith("unbraid: cannot write to standard output: ")
    assert shell(f"{UNBRAID} {command} >&- 2>&-", tmp_path) == (2, "", "")


@pytest.mark.parametrize("command", [*COMMANDS, "evaluate run --metrics active-units --data DATA"])
def test_a_reader_that_leaves_is_no_error(command: str, tiny_run: Run, tmp_path: Path) -> None:
    shutil.copytree(tiny_run.folder, tmp_path / "run")
    images = np.random.default_rng(0).integers(0, 256, (600, 16, 16), np.uint8)
    np.savez(tmp_path / "data.npz", images=images)
    code, _, errors = shell(f"{UNBRAID} {command.replace('DATA', 'data.npz')} | true", tmp_path)
    assert (code, errors) == (0, "")


def test_a_sentence_nobody_can_be_told_keeps_its_exit_code(tmp_path: Path) -> None:
    for way in ("2>&-", "2>/dev/full" if FULL.exists() else "2>&-"):
        assert shell(f"{UNBRAID} nosuch {way}", tmp_path) == (2, "", "")


def test_characters_that_the_output_lacks_are_escaped(tmp_path: Path) -> None:
    code, out, errors = shell(f"PYTHONIOENCODING=ascii {UNBRAID} show mnist -o 'é.png'", tmp_path)
    assert (code, out.splitlines()[-1], errors) == (0, "\\xe9.png", "")


def started(squares_npz: Path, tmp_path: Path, stream: int) -> subprocess.Popen[bytes]:
    """Start a training whose output is a terminal, and wait until it has shown its first epoch."""
    options = SHORT.replace("--epochs 3", "--epochs 40").split()
    process = subprocess.Popen(
        [*UNBRAID.split(), "train", "vae", "--data", str(squares_npz), *options],
        cwd=tmp_path,
        stdin=stream,
        stdout=stream,
        stderr=stream,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "run/checkpoint.safetensors").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    return process


def test_a_terminal_that_breaks_does_not_end_training(squares_npz: Path, tmp_path: Path) -> None:
    """Every write to it fails, with EIO."""
    ours, theirs = pty.openpty()
    process = started(squares_npz, tmp_path, theirs)
    os.close(theirs)
    os.close(ours)
    # the run is complete; what it comes to could not be printed
    assert process.wait(timeout=90) == 2
    assert len(Run(tmp_path / "run").history()) == 40
    assert Run(tmp_path / "run").finished


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_closed_terminal_stops_training_and_keeps_all(
    number: signal.Signals, squares_npz: Path, tmp_path: Path
) -> None:
    process = started(squares_npz, tmp_path, os.open(os.devnull, os.O_RDWR))
    process.send_signal(number)
    assert process.wait(timeout=60) == 128 + number
    history = Run(tmp_path / "run").history()
    assert 0 < len(history) < 40
    assert (tmp_path / "run/checkpoint.safetensors").is_file()
    options = SHORT.replace("--epochs 3", "--epochs 40").split()
    args = ["train", "vae", "--data", str(squares_npz), *options[:-1], str(tmp_path / "run")]
    assert main([*args, "--resume"]) == 0
    assert Run(tmp_path / "run").history()[: len(history)] == history
