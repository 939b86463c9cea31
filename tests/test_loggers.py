"""Logs beside metrics.jsonl: what they hold, and that no step is in them twice after a kill."""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from unbraid.cli import main
from unbraid.core.errors import UnbraidError
from unbraid.loggers import tensorboard
from unbraid.methods import configure
from unbraid.runs import Run, RunConfig, train_restarts, train_run
from unbraid.training import Loop, Progress, Recorder, TrainingConfig

BOTH = ("csv", "tensorboard")
STEPS = 15  # an epoch: 243 images in batches of 16


@pytest.fixture
def config(squares_npz: Path, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    monkeypatch.setattr(tensorboard, "EVERY", 4)
    return RunConfig(
        configure("vae", latent_dim=2, net="mlp"),
        "npz",
        {"path": str(squares_npz)},
        TrainingConfig(epochs=2, batch_size=16, precision="f32"),
    )


class Killed(Exception):
    """Stands for a kill."""


class KillAt(Recorder):
    """Kills a training at a step, without a checkpoint."""

    def __init__(self, step: int) -> None:
        self.at = step

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        if progress.step == self.at:
            raise Killed


def scalars(run: Run) -> dict[str, list[tuple[int, float]]]:
    """Return (step, value) of each tag, as TensorBoard shows them."""
    events = EventAccumulator(str(run.folder / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def check_logs(run: Run) -> dict[str, list[tuple[int, float]]]:
    """Compare the epochs in both logs with the run's history; return TensorBoard's scalars."""
    history = run.history()
    with (run.folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{name: float(cell) for name, cell in row.items()} for row in rows] == history
    found = scalars(run)
    for name in history[0]:
        split, _, term = name.partition("_")
        if split in ("train", "validation"):
            wanted = [(record["step"], pytest.approx(record[name])) for record in history]
            assert found[f"{split}/{term}"] == wanted, name
    assert {"step/loss", "epoch", "speed/images_per_second"} <= found.keys()
    return found


def test_both_logs_hold_what_the_history_holds(config: RunConfig, tmp_path: Path) -> None:
    run = train_run(config, tmp_path / "run", log=BOTH)
    found = check_logs(run)
    assert [step for step, _ in found["step/loss"]] == [4, 8, 12, 16, 20, 24, 28]


def test_a_killed_training_logs_no_step_twice(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in (10, 25):  # in the first epoch, and after its checkpoint at step 15
        with pytest.raises(Killed):
            train_run(config, tmp_path / "run", resume=True, display=KillAt(at), log=BOTH)
    # and between the last checkpoint and its logs
    with monkeypatch.context() as patch:
        patch.setattr(tensorboard.Log, "epoch", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            train_run(config, tmp_path / "run", resume=True, log=BOTH[1:])
    run = train_run(config, tmp_path / "run", resume=True, log=BOTH)
    found = check_logs(run)
    steps = [step for step, _ in found["step/loss"]]
    assert steps == sorted(set(steps))
    assert steps[-1] > STEPS


def test_a_log_that_is_asked_for_late_has_all_epochs(config: RunConfig, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train_run(config, tmp_path / "run", display=KillAt(20))
    run = train_run(config, tmp_path / "run", resume=True, log=BOTH)
    found = check_logs(run)
    # of a finished run, too, and as often as one asks
    for name in ("metrics.csv", "tensorboard"):
        (run.folder / name).rename(tmp_path / name)
    for _ in range(2):
        train_run(config, tmp_path / "run", resume=True, log=BOTH)
        assert scalars(run)["train/loss"] == found["train/loss"]
        assert (run.folder / "metrics.csv").read_bytes() == (tmp_path / "metrics.csv").read_bytes()


def test_logs_on_the_command_line_and_of_each_seed(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = config.data_options["path"]
    args = ["train", "vae", "--data", data, "--epochs", "1", "--batch-size", "16", "--net", "mlp"]
    assert main([*args, "--out", "run", "--log", "csv", "tensorboard"]) == 0
    check_logs(Run("run"))
    assert "log" not in (tmp_path / "run/config.json").read_text().split('"signal"')[0]
    run = train_restarts(config, tmp_path / "best", 1, log=["csv"])
    assert (run.folder / "seed-0/metrics.csv").is_file()


def test_what_cannot_be_logged_is_refused(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(log: Any) -> str:
        with pytest.raises(UnbraidError) as caught:
            train_run(config, tmp_path / "run", log=log)
        assert not (tmp_path / "run").exists()
        return str(caught.value)

    assert "unknown logger 'cvs' (did you mean 'csv'?)" in refused(["cvs"])
    assert "unknown logger 'cvs'" in refused("cvs")
    assert "the logs are csv, csv: name each once." in refused(["csv", "csv"])
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert "pip install 'unbraid[tensorboard]'" in refused(["tensorboard"])


def test_steps_that_are_reported_together_are_logged_as_what_they_are(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = Loop.flush

    def late(loop: Loop) -> None:
        if len(loop.pending) == 6 or loop.epoch_ends():  # as on a GPU
            flush(loop)

    one = train_run(config, tmp_path / "one", log=["tensorboard"])
    with monkeypatch.context() as patch:
        patch.setattr(Loop, "flush", late)
        other = train_run(config, tmp_path / "other", log=["tensorboard"])
    steps = scalars(other)["step/loss"]
    assert [step for step, _ in steps] == [4, 8, 12, 16, 20, 24, 28]
    assert steps == scalars(one)["step/loss"]


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


def test_a_log_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\n"
        "from unbraid.core.errors import UnbraidError\n"
        "from unbraid.loggers import make\n"
        "from unbraid.training import Progress\n"
        f"(log,) = make(['tensorboard'], Path({str(tmp_path)!r}))\n"
        "log.start(Progress(), [])\n"
        "found = []\n"
        "for step in range(1, 200):\n"
        "    for call in (\n"
        "        lambda: log.step(Progress(step=20 * step), {'loss': 1.0}, 1.0),\n"
        "        lambda: log.epoch({'epoch': step, 'step': 20 * step, 'train_loss': 1.0}),\n"
        "    ):\n"
        "        try:\n"
        "            call()\n"
        "        except UnbraidError as error:\n"
        "            found.append(str(error))\n"
        "try:\n"
        "    log.close()\n"
        "except UnbraidError as error:\n"
        "    found.append(str(error))\n"
        "print(set(found))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, preexec_fn=limit_files
    )
    assert done.returncode == 0, done.stderr
    assert f"cannot write {tmp_path / 'tensorboard'}: File too large" in done.stdout
