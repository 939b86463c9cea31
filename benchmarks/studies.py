"""What a study survives, and what it costs: kills, two drivers, a full disk, Ray, overhead.

    python benchmarks/studies.py [--only PART ...] [--kills 20] [--seed 0]

Every part makes tiny studies in a temporary folder and compares their tables, without the column
of seconds, with that of an undisturbed study.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import _common
import numpy as np

from unbraid.core.files import read_object
from unbraid.studies.cells import State, write_state
from unbraid.studies.study import Study, open_study

SPEC = """
[study]
name = "bench"
seeds = "0-1"
[[data]]
name = "squares.npz"
full = true
[common]
steps = {steps}
batch_size = 32
latent_dim = 4
net = "mlp"
validation = 0.4
checkpoint_every = {every}
[[grid]]
method = "beta-vae"
beta = {beta}
[[grid]]
method = "dip-vae-i"
off_diagonal = [1, 5]
diagonal = "10 * off_diagonal"
{metrics}
[resources]
retries = 100
"""
RUNS, TURNS = 24, 3  # of the study that the overhead is told of; how often it is measured
METRICS = '[[metrics]]\nmetrics = ["mig", "sap"]'

# A driver that writes down which runs its own workers trained.
DRIVER = """
import json, sys
from pathlib import Path
from unbraid.studies import driver
from unbraid.studies.engines.local import Local
from unbraid.studies.study import open_study

class Told(Local):
    trained = set()
    def wait(self, seconds):
        events = super().wait(seconds)
        self.trained |= {event.job for event in events if event.kind == "step"}
        return events

class Watcher:
    def on_event(self, event): pass
    def stop_requested(self): return False

if __name__ == "__main__":
    spec, root, out = sys.argv[1:]
    assert driver.drive(open_study(spec, root), Told(1), Watcher())
    Path(out).write_text(json.dumps(sorted(Told.trained)))
"""


def make_data(folder: Path) -> None:
    """Write 600 images of 16 x 16: a square at each place, in 6 greys."""
    grey, row, column = np.indices((6, 10, 10)).reshape(3, -1)
    images = np.zeros((600, 16, 16), np.uint8)
    for image, g, r, c in zip(images, grey, row, column, strict=True):
        image[r + 1 : r + 6, c + 1 : c + 6] = 40 * (g + 1)
    np.savez(
        folder / "squares.npz",
        images=images,
        factors=np.stack([grey, row, column], 1),
        factor_names=np.array(["grey", "row", "column"]),
    )


class Bench:
    """The file of a tiny study, and its undisturbed table."""

    def __init__(self, folder: Path, kills: int, seed: int) -> None:
        self.folder, self.kills, self.rng = folder, kills, random.Random(seed)
        make_data(folder)
        self.spec = self.write("bench", steps=200, beta=[1, 4], metrics=METRICS)
        self.run("--jobs", "1", root="undisturbed")
        self.undisturbed = self.table("undisturbed")

    def write(self, name: str, every: float = 0.2, **values: Any) -> Path:
        path = self.folder / f"{name}.toml"
        path.write_text(SPEC.format(every=every, **values))
        return path

    def command(self, *more: str, root: str, spec: Path | None = None) -> list[str]:
        words = [sys.executable, "-m", "unbraid", "study", "run", str(spec or self.spec)]
        return [*words, "--root", str(self.folder / root), *more]

    def run(
        self, *more: str, root: str, spec: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        words = self.command(*more, root=root, spec=spec)
        return subprocess.run(words, capture_output=True, text=True)

    def table(self, root: str) -> str:
        """Return the hash of a study's table without its seconds."""
        with (self.folder / root / "bench/results.csv").open(newline="") as file:
            rows = [
                {key: value for key, value in row.items() if key != "seconds"}
                for row in csv.DictReader(file)
            ]
        assert len(rows) > 8
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]

    def study(self, root: str) -> Study:
        return open_study(self.spec, self.folder / root)

    def same(self, root: str) -> bool:
        return self.table(root) == self.undisturbed


def kills(bench: Bench) -> dict[str, Any]:
    """Kill the driver or a worker at random moments, by SIGKILL, until enough are killed."""
    killed: Counter[str] = Counter()
    process = None
    ended: list[bool] = []  # of each study that was done between two kills, whether it is the same
    while sum(killed.values()) < bench.kills:
        if process is None or process.poll() is not None:
            if (bench.folder / "killed").is_dir() and finished(bench.study("killed")):
                bench.run("--jobs", "1", root="killed")
                ended.append(bench.same("killed"))
                shutil.rmtree(bench.folder / "killed")
            process = subprocess.Popen(
                bench.command("--jobs", "1", root="killed"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        time.sleep(bench.rng.uniform(0.5, 12))
        workers = children(process.pid)
        if workers and bench.rng.random() < 0.5:
            os.kill(bench.rng.choice(workers), signal.SIGKILL)
            killed["worker"] += 1
        elif process.poll() is None:
            process.kill()
            process.wait()
            killed["driver"] += 1
    if process is not None:
        process.wait()
    done = bench.run("--jobs", "1", root="killed")
    return {
        "kills of": dict(killed),
        "studies": len(ended) + 1,
        "finished": done.returncode == 0 and finished(bench.study("killed")),
        "table is that of an undisturbed study": all([*ended, bench.same("killed")]),
    }


def finished(study: Study) -> bool:
    return all(
        state.status(cell) == "finished"
        for cell, state in zip(study.cells, study.states(), strict=True)
    )


def children(parent: int) -> list[int]:
    """Return the workers among a process's children."""
    found = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(parent)], capture_output=True, text=True
    )
    lines = [line.split(maxsplit=1) for line in found.stdout.splitlines()]
    return [int(pid) for pid, words in lines if "spawn_main" in words]


def drivers(bench: Bench) -> dict[str, Any]:
    """Let two drivers do one study at once."""
    script = bench.folder / "driver.py"
    script.write_text(DRIVER)
    outs = [bench.folder / f"driver-{number}.json" for number in range(2)]
    root = str(bench.folder / "two")
    both = [
        subprocess.Popen([sys.executable, str(script), str(bench.spec), root, str(out)])
        for out in outs
    ]
    for process in both:
        process.wait()
    trained = [name for out in outs for name in json.loads(out.read_text())]
    bench.run(root="two")
    return {
        "runs": len(bench.study("two").cells),
        "trained by each": [len(json.loads(out.read_text())) for out in outs],
        "trained twice": sum(count > 1 for count in Counter(trained).values()),
        "table is that of an undisturbed study": bench.same("two"),
    }


def rerun(bench: Bench) -> dict[str, Any]:
    """Time the rerun of a study of 1,000 finished runs."""
    spec = bench.write("bench", steps=200, beta=list(range(1, 499)), metrics=METRICS)
    study = open_study(spec, bench.folder / "thousand")
    assert len(study.cells) == 1000
    state = State(dict.fromkeys(study.cells[0].wanted, 0.1), trained=True)
    for cell in study.cells:
        write_state(study.run_folder(cell), state)
        (study.run_folder(cell) / "result.json").write_text("{}")
    (study.folder / "results.csv").write_text("run\n")  # as of the run that finished the last
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        done = bench.run(root="thousand", spec=spec)
        seconds.append(round(time.perf_counter() - begun, 3))
        assert "1000 of 1000 runs finished" in done.stdout, done
    bench.write("bench", steps=200, beta=[1, 4], metrics=METRICS)
    return {"runs": 1000, "seconds": seconds, "best": min(seconds), "limit": 2.0}


def disk(bench: Bench) -> dict[str, Any]:
    """Fill the disk during a study, and go on when there is room."""
    place = bench.folder / "full"
    place.mkdir()
    sizes = [path.stat().st_size for path in (bench.folder / "undisturbed").rglob("*")]
    # for some runs, not all of them; while one trains, its checkpoint is there twice
    room = sum(sizes) // 2 + 8 * max(sizes)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        return {"skipped": "mounting a small disk is not allowed here"}
    try:
        stopped = bench.run("--jobs", "1", root="full")
        partly = sum(state.trained for state in bench.study("full").states())
        subprocess.run(["mount", "-o", "remount,size=500m", str(place)], check=True)
        done = bench.run("--jobs", "1", root="full")
        return {
            "exit code": stopped.returncode,
            "sentence": stopped.stderr.strip().splitlines()[-1].replace(str(place), "ROOT"),
            "runs trained before": partly,
            "finished after": done.returncode == 0 and finished(bench.study("full")),
            "failures recorded": sum(len(s.failures) for s in bench.study("full").states()),
            "table is that of an undisturbed study": bench.same("full"),
        }
    finally:
        subprocess.run(["umount", str(place)], check=False)


def ray(bench: Bench) -> dict[str, Any]:
    """Do the same study by Ray, and compare weights and table bit by bit."""
    done = bench.run("--on", "ray", "--jobs", "2", root="ray")
    same = [
        (bench.study("ray").run_folder(cell) / "model.safetensors").read_bytes()
        == (bench.study("undisturbed").run_folder(cell) / "model.safetensors").read_bytes()
        for cell in bench.study("ray").cells
    ]
    return {
        "exit code": done.returncode,
        "runs": len(same),
        "runs of the same weights": sum(same),
        "table is that of an undisturbed study": bench.same("ray"),
    }


def overhead(bench: Bench) -> dict[str, Any]:
    """Compare the processor time of runs of a study with that of unbraid train.

    A machine shared with others is quicker at one moment than at another: each part is done in
    turns, and its least time counts.
    """
    spec = bench.write("bench", every=30.0, steps=1000, beta=[1, 4], metrics="")
    turns = [in_turn(bench, spec, f"overhead-{turn}") for turn in range(TURNS)]
    bench.write("bench", steps=200, beta=[1, 4], metrics=METRICS)
    of_one, of_four, *alone = (min(each) for each in zip(*turns, strict=True))
    # methods differ in time: each run of the study beside the same run by itself
    more = (of_four - of_one - sum(alone[1:])) / len(alone[1:])
    start, mean = of_one - alone[0] - more, sum(alone) / len(alone)
    return {
        "runs": RUNS,
        "turns": TURNS,
        "processor seconds per unbraid train": round(mean, 2),
        "processor seconds per run of the study": round(mean + more, 2),
        "processor seconds of its start and end": round(start, 2),
        "overhead": round((start + RUNS * more) / (RUNS * mean), 3),
        "limit": 0.03,
    }


def in_turn(bench: Bench, spec: Path, name: str) -> list[float]:
    """Return processor seconds of a study of one run, of one of four, and of each run alone."""

    def of_shard(shard: str) -> float:
        root = f"{name}-{shard[-1]}"
        return processor_time(bench.command("--jobs", "1", "--shard", shard, root=root, spec=spec))

    seconds = [of_shard("0/8"), of_shard("0/2")]
    study = open_study(spec, bench.folder / f"{name}-2").shard(0, 2)
    for index, cell in enumerate(study.cells):
        words = [sys.executable, "-m", "unbraid", "train", cell.method, "--data"]
        words += [str(bench.folder / "squares.npz"), "--data.full", "--seed", str(cell.seed)]
        names = ["steps", "batch_size", "latent_dim", "net", "validation", "checkpoint_every"]
        names += ["beta"] if cell.method == "beta-vae" else ["off_diagonal", "diagonal"]
        both = {**cell.config["training"], **cell.config["method"]}
        for option in [*names, "threads"]:
            words += [f"--{option.replace('_', '-')}", str(both[option])]
        out = bench.folder / f"{name}-alone/{index}"
        seconds.append(processor_time([*words, "--out", str(out)]))
        weights = [each / "model.safetensors" for each in (study.run_folder(cell), out)]
        assert weights[0].read_bytes() == weights[1].read_bytes()  # it was the same work
    return seconds


def processor_time(words: Sequence[str]) -> float:
    """Run a command; return the processor seconds of it and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


PARTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "rerun": rerun,
    "drivers": drivers,
    "disk": disk,
    "overhead": overhead,
    "ray": ray,
    "kills": kills,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    path = _common.RESULTS / "studies.json"
    parts = read_object(path).get("parts", {}) if path.is_file() else {}
    before = _common.load()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), given.kills, given.seed)
        for name in given.only:
            begun, load = time.perf_counter(), _common.load()
            parts[name] = PARTS[name](bench) | {"load before": load}
            print(f"{name} ({time.perf_counter() - begun:.0f} s):", parts[name], flush=True)
            _common.write("studies", {"load_before": before, "parts": parts})


if __name__ == "__main__":
    main()
