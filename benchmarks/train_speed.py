"""How many images a second training takes in: unbraid, a bare PyTorch loop and two peers.

All train the same networks on the same images. Contenders take turns, each in its own process,
and what they reach is compared within a case. ``python benchmarks/train_speed.py`` takes about ten
minutes and wants a quiet machine; it makes an environment for each peer, once. Writes
benchmarks/results/train_speed.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _common import load, write
from _contenders import CONTENDERS, Case

from unbraid.core.subsets import some_rows
from unbraid.datasets import load_dataset

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "unbraid-benchmarks"
# Packages of each peer, and those installed without what they ask for: disent asks for torchvision,
# which its VAEs do not use and which does not load beside a CPU build of torch.
PEERS: dict[str, tuple[list[str], list[str]]] = {
    "pythae": (["pythae"], []),
    "disent": (["lightning", "scipy", "scikit-learn", "h5py", "requests", "pillow"], ["disent"]),
}
METHODS = ["beta-vae", "beta-tcvae"]
NETS = {("mlp", 28): 16_384, ("conv", 28): 8192, ("conv", 64): 2560}  # images an epoch
BATCHES = [64, 256]
CAPTURE: dict[str, Any] = {"check": True, "capture_output": True, "text": True}


def digits(size: int, count: int) -> np.ndarray:
    """Return some of MNIST's digits, (count, 1, size, size), doubled and framed for size 64."""
    written = load_dataset("mnist", "train").images
    images = written[some_rows(len(written), count)]
    if size == 28:
        return images
    framed = np.zeros((count, 1, size, size), np.uint8)
    framed[:, :, 4:-4, 4:-4] = images.repeat(2, axis=2).repeat(2, axis=3)
    return framed


def peer_python(name: str, folder: Path) -> tuple[Path | None, str]:
    """Return the Python of a peer's environment, made if it is not there, or why there is none."""
    python = folder / name / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "-c", HERE.parent / "constraints.txt"]
    wanted, bare = PEERS[name]
    try:
        if not python.is_file():
            print(f"installing {name} into {folder / name}", flush=True)
            subprocess.run([sys.executable, "-m", "venv", folder / name], check=True)
            subprocess.run([*pip, "torch", "numpy", *wanted], check=True)
            if bare:
                subprocess.run([*pip, "--no-deps", *bare], check=True)
    except subprocess.CalledProcessError as error:
        return None, f"pip could not install it (exit code {error.returncode})"
    return python, ""


class Contender:
    """A process that trains one case whenever it is told to."""

    def __init__(self, name: str, case: Case, images: Path, python: Path) -> None:
        self.log = images.with_name(f"{name}.log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [python, HERE / "_contenders.py", name, json.dumps(vars(case)), images],
                env=os.environ | {"PYTHONPATH": str(HERE.parent / "src")},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.label = self._answer()

    def _answer(self) -> str:
        assert self.process.stdout
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RuntimeError(self.log.read_text().strip().splitlines()[-1])
        return answer

    def train(self) -> float:
        """Train an epoch and return its images per second."""
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def measure(case: Case, images: Path, pythons: dict[str, Path], repeats: int) -> dict[str, Any]:
    """Return each contender's images per second at each of its turns."""
    contenders, missing = {}, {}
    for name, python in pythons.items():
        if case.net == "mlp" and "layers" in name:  # it is the bare loop itself
            continue
        try:
            contenders[name] = Contender(name, case, images, python)
        except RuntimeError as error:
            missing[name] = str(error)
    turns: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, contender in contenders.items():
            turns[name].append(contender.train())
    labels = {name: contender.label for name, contender in contenders.items()}
    for contender in contenders.values():
        contender.close()
    rates = {
        name: {
            "best": round(max(found)),
            "median": round(statistics.median(found)),
            "all": [round(rate) for rate in found],
        }
        for name, found in turns.items()
    }
    return {**dataclasses.asdict(case), "rates": rates, "labels": labels, "missing": missing}


def ratios(case: dict[str, Any]) -> dict[str, float]:
    """Return a case's two comparisons, each of best with best."""
    best = {name: rate["best"] for name, rate in case["rates"].items()}
    found = {"f32 over bare": best["unbraid f32"] / best["bare"]}
    peers = [best[name] for name in PEERS if name in best]
    if peers:
        found["auto over fastest peer"] = best["unbraid auto"] / max(peers)
    return {name: round(value, 3) for name, value in found.items()}


def memory() -> dict[str, int]:
    """Return the peak memory in MB of ``unbraid train`` on MNIST, by network."""
    found = {}
    for net in ("conv", "mlp"):
        with tempfile.TemporaryDirectory() as folder:
            command = ["unbraid", "train", "beta-tcvae", "--net", net, "--epochs", "1"]
            subprocess.run([*command, "--out", f"{folder}/run"], **CAPTURE)
            result = json.loads(Path(folder, "run", "result.json").read_text())
        found[net] = result["training"]["peak_memory_mb"]
    return found


def import_seconds(repeats: int = 5) -> dict[str, float]:
    """Return what importing unbraid costs after torch: the package, and all that training needs."""
    found = {}
    for name in ("unbraid", "unbraid.train_run"):
        script = "import torch, time; start = time.perf_counter(); import unbraid; "
        script += f"{name}; print(time.perf_counter() - start)"
        times = [
            float(subprocess.run([sys.executable, "-c", script], **CAPTURE).stdout)
            for _ in range(repeats)
        ]
        found[name] = round(min(times), 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peers", type=Path, default=CACHE, help="folder of their environments")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    pythons = {name: Path(sys.executable) for name in CONTENDERS if name not in PEERS}
    missing = {}
    for name in PEERS:
        python, reason = peer_python(name, options.peers)
        if python:
            pythons[name] = python
        else:
            missing[name] = reason
    start, before = time.monotonic(), load()
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        for (net, size), count in NETS.items():
            images = Path(folder, f"{net}{size}.npy")
            np.save(images, digits(size, count))
            for method, batch in itertools.product(METHODS, BATCHES):
                case = Case(method, net, size, batch)
                found = measure(case, images, pythons, options.repeats)
                found["ratios"] = ratios(found)
                cases.append(found)
                best = {name: rate["best"] for name, rate in found["rates"].items()}
                print(f"{method:10} {net:4} {size} {batch:4}", best, found["ratios"], flush=True)
                for name, reason in found["missing"].items():
                    print(f"  {name}: {reason}", flush=True)
    result = {
        "load before": before,
        "repeats": options.repeats,
        "seconds": round(time.monotonic() - start),
        "cases": cases,
        "not installed": missing,
        "peak memory MB": memory(),
        "import seconds": import_seconds(),
    }
    write("train_speed", result)


if __name__ == "__main__":
    main()
