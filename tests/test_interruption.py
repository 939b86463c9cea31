"""Real processes killed, interrupted and watched, as users do it."""

from __future__ import annotations

import json
import os
import pty
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from unbraid.methods import configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.training import TrainingConfig

UNBRAID = [sys.executable, "-m", "unbraid"]
EPOCHS, BATCH = 6, 16  # 15 steps an epoch: 243 images of the training split's 270


def options(data: Path, method: str, precision: str, out: str, every: float) -> list[str]:
    given = {
        "data": data,
        "out": out,
        "latent-dim": 3,
        "epochs": EPOCHS,
        "batch-size": BATCH,
        "precision": precision,
        "checkpoint-every": every,
    }
    return ["train", method, *(part for k, v in given.items() for part in (f"--{k}", str(v)))]


@pytest.fixture(scope="module")
def whole(
    squares_npz: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Run]:
    """The runs that no one interrupts."""
    runs = {}
    for method, precision in (("beta-tcvae", "f32"), ("vae", "bf16")):
        training: Any = {"epochs": EPOCHS, "batch_size": BATCH, "precision": precision}
        config = RunConfig(
            configure(method, latent_dim=3),
            "npz",
            {"path": str(squares_npz)},
            TrainingConfig(**training),
        )
        folder = tmp_path_factory.mktemp("whole") / method
        runs[method, precision] = train_run(config, folder)
    return runs


def start(args: list[str], cwd: Path, **streams: Any) -> subprocess.Popen[str]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.Popen([*UNBRAID, *args], cwd=cwd, text=True, **streams)


def wait_for(path: Path, process: subprocess.Popen[str], since: int = 0) -> None:
    """Wait until a file is there and was written after a moment, or the process ends."""
    deadline = time.monotonic() + 60
    while not (path.exists() and path.stat().st_mtime_ns > since):
        assert time.monotonic() < deadline, f"{path.name} never came"
        if process.poll() is not None:
            return
        time.sleep(0.002)


def steps_saved(folder: Path) -> int:
    """Return the step of the checkpoint, read from the header of its file."""
    data = (folder / "checkpoint.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return int(json.loads(header["__metadata__"]["progress"])["step"])


def assert_same(folder: Path, whole: Run) -> None:
    run, model = Run(folder), "model.safetensors"
    assert run.finished
    assert (folder / model).read_bytes() == (whole.folder / model).read_bytes()
    kept = [{**r, "images_per_second": 0} for r in run.history()]
    assert kept == [{**r, "images_per_second": 0} for r in whole.history()]
    assert [r["epoch"] for r in kept] == list(range(1, EPOCHS + 1))
    assert run.result["reconstruction_stats"] == whole.result["reconstruction_stats"]
    assert sorted(file.name for file in folder.iterdir()) == [
        "checkpoint.safetensors",
        "config.json",
        "metrics.jsonl",
        model,
        "result.json",
    ]


@pytest.mark.parametrize(("method", "precision"), [("beta-tcvae", "f32"), ("vae", "bf16")])
def test_killed_again_and_again_it_ends_in_the_same_bits(
    whole: dict[tuple[str, str], Run],
    squares_npz: Path,
    tmp_path: Path,
    method: str,
    precision: str,
) -> None:
    folder = tmp_path / "run"
    args = options(squares_npz, method, precision, "run", every=0.0)
    moments = random.Random(method)
    killed: list[int] = []
    for turn in range(4):
        process = start([*args, "--resume"], tmp_path)
        checkpoint = folder / "checkpoint.safetensors"
        if turn == 0:  # before the first checkpoint, which --resume then starts anew
            wait_for(folder / "config.json", process)
        else:
            wait_for(checkpoint, process, since=time.time_ns())
            time.sleep(moments.uniform(0, 0.1))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "it ended before it could be killed"
        killed.append(steps_saved(folder) if checkpoint.exists() else 0)
    assert killed == sorted(killed)
    assert any(step % 15 for step in killed), "no kill fell within an epoch"
    done = start([*args, "--resume"], tmp_path)
    _, errors = done.communicate()
    assert done.returncode == 0, errors
    assert_same(folder, whole[method, precision])


def test_ctrl_c_saves_and_names_the_command_that_goes_on(
    whole: dict[tuple[str, str], Run], squares_npz: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "my [b] run:x:"
    args = options(squares_npz, "vae", "bf16", folder.name, every=0.0)
    process = start(args, tmp_path)
    wait_for(folder / "checkpoint.safetensors", process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    found = re.search(r"stopped; all is saved. Continue with: (unbraid train .*)", errors)
    assert found, errors
    command = shlex.split(found[1])
    assert command[-1] == "--resume"
    saved = steps_saved(folder)
    assert 0 < saved < EPOCHS * 15

    again = start(command[1:], tmp_path)
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert_same(folder, whole["vae", "bf16"])


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_a_wish_to_end_saves_and_names_the_command_that_goes_on(
    whole: dict[tuple[str, str], Run], squares_npz: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    # no checkpoint within an epoch is due: what there is was saved for the signal
    args = options(squares_npz, "vae", "bf16", "run", every=1e6)
    process = start(args, tmp_path)
    wait_for(tmp_path / "run/checkpoint.safetensors", process)
    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + sent
    assert "Traceback" not in errors
    assert "stopped; all is saved. Continue with: unbraid train" in errors
    again = start([*args, "--resume"], tmp_path)
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert_same(tmp_path / "run", whole["vae", "bf16"])


def test_killed_while_epochs_are_added_it_ends_in_the_same_bits(
    whole: dict[tuple[str, str], Run], squares_npz: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    first = options(squares_npz, "vae", "bf16", "run", every=0.0)
    shorter = [str(EPOCHS // 2) if arg == str(EPOCHS) else arg for arg in first]
    done = start(shorter, tmp_path)
    _, errors = done.communicate(timeout=60)
    assert done.returncode == 0, errors
    result = (folder / "result.json").read_bytes()
    process = start([*first, "--resume"], tmp_path)
    wait_for(folder / "checkpoint.safetensors", process, since=time.time_ns())
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it ended before it could be killed"
    assert Run(folder).finished
    assert (folder / "result.json").read_bytes() == result
    again = start([*first, "--resume"], tmp_path)
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert_same(folder, whole["vae", "bf16"])


def test_ctrl_c_without_out_names_the_default_folder(squares_npz: Path, tmp_path: Path) -> None:
    args = ["train", "ae", "--data", str(squares_npz), "--epochs", "1000", "--batch-size", "64"]
    process = start(args, tmp_path)
    wait_for(tmp_path / "runs/ae-squares-0/metrics.jsonl", process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--out runs/ae-squares-0 --resume" in errors


def test_training_that_breaks_down_keeps_what_is_good(squares_npz: Path, tmp_path: Path) -> None:
    args = ["train", "vae", "--data", str(squares_npz), "--lr", "1e30", "--out", "run"]
    done = start([*args, "--batch-size", "64", "--net", "mlp"], tmp_path)
    out, errors = done.communicate(timeout=60)
    assert done.returncode == 2
    assert re.search(r"unbraid: training stopped: \w+ is not finite at epoch 1, batch \d", errors)
    assert "Traceback" not in errors
    assert not out
    assert not (tmp_path / "run/checkpoint.safetensors").exists()


SHORT = ["--epochs", "3", "--batch-size", "64", "--net", "mlp", "--out", "run"]


def test_plain_lines_where_there_is_no_terminal(squares_npz: Path, tmp_path: Path) -> None:
    process = start(["train", "vae", "--data", str(squares_npz), *SHORT], tmp_path)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    lines = errors.splitlines()
    assert lines[0] == "training vae on squares: epochs 3, steps per epoch 3"
    assert len(lines) == 4
    for epoch, line in enumerate(lines[1:], 1):
        assert line.startswith(f"epoch {epoch}/3  validation: reconstruction ")
        assert re.search(r"kl \S+  active units \d+  \([\d,]+ images/s, \d+:\d\d left\)$", line)
    assert "\x1b" not in errors
    assert re.fullmatch(r"run: reconstruction \S+, kl \S+, squared error \S+, active .*\n", out)


def test_a_bar_on_a_terminal(squares_npz: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with_terminal = {**os.environ, "TERM": "xterm", "COLUMNS": "160"}
    args = ["train", "vae", "--data", str(squares_npz), *SHORT]
    process = start(args, tmp_path, stderr=theirs, env=with_terminal)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 10_000)
        except OSError:  # the other side has closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"\x1b[" in shown
    text = re.sub(r"\x1b\[[0-9;?]*\w", "", shown.decode())
    assert text.startswith("training vae on squares: epochs 3, steps per epoch 3\r\n")
    assert re.search(r"━ +epoch \d/3  \d:\d\d left  [\d,]+ images/s  reconstruction ", text)
    assert "epoch 3/3  validation: reconstruction " in text
