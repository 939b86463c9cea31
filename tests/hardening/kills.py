"""Commands killed at random moments and run again: the same bits as if nobody had.

A case is a function of (seed, index): a subject, a signal and a share of the time that the command
takes undisturbed. After the kill every file in sight must be whole; after the same command has run
again, weights, scores and pictures must be those of the undisturbed run, and nothing may be left
over.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import safetensors
from PIL import Image

METHODS = ("ae", "infogan", "conditional-vae")
SMALLER = {
    "ae": ["--latent-dim", "2"],
    "infogan": ["--channels", "8", "--hidden", "64"],
    "conditional-vae": ["--labels", "30"],
}
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
TIMINGS = {"seconds", "images_per_second", "peak_memory_mb", "machine"}


@dataclass(frozen=True)
class Subject:
    """A command that is killed.

    Args:
        name: what it is called.
        words: of the command, given the folder of materials; run in a folder of its own.
        prepare: puts what it needs into that folder.
    """

    name: str
    words: Callable[[Path], list[str]]
    prepare: Callable[[Path, Path], None] = lambda materials, folder: None


def _train(method: str, *more: str) -> Callable[[Path], list[str]]:
    return lambda m: [
        *("train", method, "--data", str(m / "squares.npz"), "--batch-size", "64"),
        *("--checkpoint-every", "0", "--out", "run", "--resume", *SMALLER[method], *more),
    ]


def _tour(figure: str) -> Callable[[Path], list[str]]:
    return lambda m: [
        *("tour", "--quick", "--out", "run", "--seeds", "1", "--epochs", "1", "--images", "500"),
        *("--jobs", "1", "--figure", figure),
    ]


def _copied(method: str) -> Callable[[Path, Path], None]:
    def copy(m: Path, folder: Path) -> None:
        shutil.copytree(m / "killed" / method, folder / "run")

    return copy


def subjects() -> dict[str, Subject]:
    """Return every subject by name."""
    found = [Subject("tour, ae", _tour("wander")), Subject("tour, infogan", _tour("infogan"))]
    for method in METHODS:
        found += [
            Subject(f"train, {method}", _train(method, "--epochs", "8")),
            Subject(f"restarts, {method}", _train(method, "--epochs", "4", "--restarts", "2")),
            Subject(
                f"evaluate, {method}",
                lambda m: ["evaluate", "run", "--metrics", "mig,dci,modularity,reconstruction"],
                _copied(method),
            ),
            Subject(
                f"generate, {method}",
                lambda m: ["generate", "grey 1", "-n", "4", "--model", "run", "-o", "out.png"],
                _copied(method),
            ),
        ]
    return {subject.name: subject for subject in found}


def prepare(materials: Path, methods: Sequence[str] = METHODS) -> None:
    """Train what is evaluated and asked."""
    for method in methods:
        if not (materials / "killed" / method / "result.json").exists():
            words = _train(method, "--epochs", "2")(materials)
            words[words.index("run")] = str(materials / "killed" / method)
            subprocess.run(command(words), check=True, capture_output=True)


def command(words: list[str]) -> list[str]:
    """Return a command as a process of its own."""
    return [sys.executable, "-m", "unbraid", *words]


def start(subject: Subject, materials: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Start a subject in its folder, in a process group of its own."""
    with (folder / ".errors").open("wb") as errors:
        return subprocess.Popen(
            command(subject.words(materials)),
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )


def undisturbed(subject: Subject, materials: Path, folder: Path) -> tuple[float, dict[str, Any]]:
    """Return how long a subject takes, and what it leaves."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subject.prepare(materials, folder)
    begun = time.monotonic()
    code = start(subject, materials, folder).wait(600)
    seconds = time.monotonic() - begun
    assert code == 0, (folder / ".errors").read_text()
    return seconds, contents(folder)


def killed(
    subject: Subject, materials: Path, folder: Path, seconds: float, number: int, share: float
) -> bool:
    """Start a subject and kill it after a share of the seconds; return whether it still ran."""
    process = start(subject, materials, folder)
    try:
        process.wait(share * seconds)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, number)
        process.wait(240)
    deadline = time.monotonic() + 60
    while _group_lives(process.pid):  # trainings of a tour end by themselves
        assert time.monotonic() < deadline, "something it started runs on"
        time.sleep(0.02)
    return True


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def case(
    seed: int, index: int, materials: Path, folder: Path, known: dict[str, Any]
) -> dict[str, Any]:
    """Kill a subject once or twice, finish it and say what differs; see the file's docstring.

    Args:
        seed: of all cases.
        index: which case; subjects take turns.
        materials: see ``materials.make`` and ``prepare``.
        folder: where cases run, the same for all: some files name it.
        known: of each subject, what ``undisturbed`` returned; filled where it is missing.
    """
    rng = Random(f"{seed} {index}")
    every = list(subjects().values())
    subject, number = every[index % len(every)], SIGNALS[index // len(every) % len(SIGNALS)]
    if subject.name not in known:
        known[subject.name] = undisturbed(subject, materials, folder)
    seconds, expected = known[subject.name]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subject.prepare(materials, folder)
    shares = [rng.random() ** 0.5 for _ in range(rng.choice((1, 1, 2)))]  # rather late than early
    wrong: list[str] = []
    hit = 0
    for share in shares:
        hit += killed(subject, materials, folder, seconds, number, share)
        wrong += [f"{path} is half-written" for path in broken(folder)]
    process = start(subject, materials, folder)
    if (code := process.wait(600)) != 0:
        wrong.append(f"exit code {code} when run again: {(folder / '.errors').read_text()[-300:]}")
    wrong += differences(contents(folder), expected)
    return {
        "index": index,
        "subject": subject.name,
        "signal": number.name,
        "moments": [round(share, 3) for share in shares],
        "hit": hit,
        "faults": wrong,
    }


def broken(folder: Path) -> Iterator[str]:
    """Yield the files that cannot be read; what lies under a temporary name does not count."""
    for path in sorted(folder.rglob("*")):
        if path.name.startswith(".") or not path.is_file():
            continue
        try:
            if path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix == ".safetensors":
                with safetensors.safe_open(path, framework="np") as file:
                    _ = list(file.keys())
            elif path.suffix == ".png":
                with Image.open(path) as image:
                    image.load()
            elif path.suffix == ".html":
                assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
        except Exception as error:
            yield f"{path.relative_to(folder)} ({error})"


def contents(folder: Path) -> dict[str, Any]:
    """Return what a folder holds by path: bytes, or JSON without what a clock or a size gave."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_dir() or name in (".errors", "run/index.html"):
            continue
        if path.name.startswith("."):  # half a file
            found[name] = path.read_bytes()
        elif path.suffix == ".json":
            found[name] = timeless(json.loads(path.read_text(encoding="utf-8")))
        elif path.suffix == ".jsonl":
            lines = path.read_text(encoding="utf-8").splitlines()
            found[name] = [timeless(json.loads(line)) for line in lines]
        elif path.name == "checkpoint.safetensors":  # its metadata has the seconds spent
            data = path.read_bytes()
            start = 8 + int.from_bytes(data[:8], "little")
            header = json.loads(data[8:start])
            header.pop("__metadata__", None)
            found[name] = [header, data[start:]]
        else:
            found[name] = path.read_bytes()
    return found


def timeless(value: Any) -> Any:
    """Return JSON without the figures of a clock."""
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key not in TIMINGS}
    return [timeless(each) for each in value] if isinstance(value, list) else value


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return what one folder holds that another does not, in a line each."""
    wrong = [f"{name} is left over" for name in found.keys() - expected.keys()]
    wrong += [f"{name} is missing" for name in expected.keys() - found.keys()]
    both = found.keys() & expected.keys()
    return sorted(wrong + [f"{name} differs" for name in both if found[name] != expected[name]])
