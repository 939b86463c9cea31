"""The machine's bad days: no space, no rights, no home, no terminal, odd names, two at once.

Each check is a function of the materials and an empty folder; it raises AssertionError with what
went wrong, or ``NotHere`` where the machine cannot stage it.
"""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import bound_by_permissions
from tests.hardening import kills, worker

Check = Callable[[Path, Path], None]
CHECKS: dict[str, Check] = {}
SHORT = ["--epochs", "1", "--batch-size", "64", "--latent-dim", "2", "--net", "mlp"]


FULL = False  # every command as a process of its own, and every variation


class Done(NamedTuple):
    """How a command ended: its exit code and what it wrote to standard error."""

    code: int
    errors: str


class NotHere(Exception):
    """The machine cannot stage this."""


def check(function: Check) -> Check:
    """Register a check under its name."""
    CHECKS[function.__name__.replace("_", " ")] = function
    return function


def some(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return all items, or those that come first where time is short."""
    return items if FULL else items[:2]


def run(
    words: list[str],
    folder: Path,
    *,
    env: dict[str, str] | None = None,
    without: tuple[str, ...] = (),
    bound: bool = False,
    fresh: bool = False,
) -> Done:
    """Run a command in a folder.

    Args:
        words: of the command.
        folder: where.
        env: variables that it has besides.
        without: names of variables that it does not have.
        bound: whether permissions hold for it.
        fresh: whether it must be a process of its own, rather than a fork of this one.
    """
    if FULL or fresh:
        kept = {key: value for key, value in os.environ.items() if key not in without}
        done = subprocess.run(
            kills.command(words),
            cwd=folder,
            env=kept | (env or {}),
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=300,
            preexec_fn=bound_by_permissions if bound else None,
        )
        return Done(done.returncode, done.stderr)

    def setup() -> None:
        for name in without:
            os.environ.pop(name, None)
        os.environ.update(env or {})
        if bound:
            bound_by_permissions()

    with tempfile.TemporaryDirectory() as place:  # for what it says
        found = worker.fork(words, folder, 120, setup, Path(place))
    return Done(found["code"], found["stderr"])


def train(m: Path, out: str = "run", *more: str) -> list[str]:
    """Return the words of a short training."""
    return ["train", "vae", "--data", str(m / "squares.npz"), *SHORT, "--out", out, *more]


def refused(done: Done, *parts: str) -> None:
    """Assert exit code 2 and one sentence with some parts in it."""
    assert "Traceback" not in done.errors, done.errors
    assert done.code == 2, (done.code, done.errors)
    told = [line for line in done.errors.splitlines() if line.startswith("unbraid: ")]
    assert len(told) == 1, done.errors
    for part in parts:
        assert part in told[0], told[0]


def fine(done: Done, code: int = 0) -> None:
    """Assert that a command did what it should."""
    assert "Traceback" not in done.errors, done.errors
    assert done.code == code, (done.code, done.errors)


@contextmanager
def tiny_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Lend a disk of a few kilobytes."""
    place = folder / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(place)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotHere(f"mount is not allowed here: {error}") from error
    if done.returncode:
        raise NotHere(f"mount is not allowed here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@check
def disk_full_while_training(m: Path, folder: Path) -> None:
    with tiny_disk(folder, 512) as disk:
        refused(run(train(m, str(disk / "run")), folder), "cannot write", "No space left")
        assert not list(kills.broken(disk)), "half-written"
        assert not [path for path in disk.rglob(".*") if path.is_file()], "left over"
        subprocess.run(["mount", "-o", "remount,size=32m", str(disk)], check=True)
        fine(run(train(m, str(disk / "run"), "--resume"), folder))


@check
def disk_full_while_asking(m: Path, folder: Path) -> None:
    with tiny_disk(folder, 4) as disk:
        (disk / "filler").write_bytes(bytes(4096))
        words = ["generate", "seven", "-n", "4", "-o", str(disk / "out.png")]
        refused(run(words, folder), "cannot write", "No space left")
        words = ["sample", str(m / "vae"), "--out", str(disk / "out.png")]
        refused(run(words, folder), "cannot write", "No space left")
        assert sorted(path.name for path in disk.iterdir()) == ["filler"]


@check
def disk_full_while_measuring(m: Path, folder: Path) -> None:
    with tiny_disk(folder, 8000) as disk:
        shutil.copytree(m / "vae", disk / "run", ignore=shutil.ignore_patterns("checkpoint.*"))
        before = (disk / "run/result.json").read_bytes()
        with suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
            while file.write(bytes(1024)):
                pass
        done = run(["evaluate", str(disk / "run"), "--metrics", "mig"], folder)
        refused(done, "cannot write")
        assert (disk / "run/result.json").read_bytes() == before


def unwritable(folder: Path) -> Path:
    """Return a folder that nobody may write to."""
    place = folder / "locked"
    place.mkdir()
    place.chmod(0o500)
    return place


@check
def no_right_to_write_a_run(m: Path, folder: Path) -> None:
    place = unwritable(folder)
    done = run(train(m, str(place / "run")), folder, bound=True)
    refused(done, "cannot write", "Permission denied")


@check
def no_right_to_write_a_picture(m: Path, folder: Path) -> None:
    place = unwritable(folder)
    for words in (
        ["generate", "seven", "-o", str(place / "x.png")],
        ["traverse", str(m / "vae"), "--out", str(place / "x.png")],
        ["tour", "--quick", "--out", str(place / "report")],
    ):
        refused(run(words, folder, bound=True), "cannot write")


@check
def a_run_that_may_only_be_read(m: Path, folder: Path) -> None:
    shutil.copytree(m / "vae", folder / "run")
    (folder / "run").chmod(0o500)
    try:
        words = ["sample", "run", "--out", "x.png"]
        fine(run(words, folder, bound=True))
        refused(run(["sample", "run"], folder, bound=True), "cannot write")
    finally:
        (folder / "run").chmod(0o700)


@check
def no_right_to_read(m: Path, folder: Path) -> None:
    shutil.copytree(m / "vae", folder / "run")
    shutil.copyfile(m / "squares.npz", folder / "x.npz")
    for path in (folder / "run/model.safetensors", folder / "run/config.json", folder / "x.npz"):
        path.chmod(0)
        words = ["show", "x.npz"] if path.suffix == ".npz" else ["sample", "run"]
        refused(run(words, folder, bound=True), "ermission denied", path.name)
        path.chmod(0o600)


@check
def a_home_that_may_only_be_read(m: Path, folder: Path) -> None:
    home = unwritable(folder)
    options: dict[str, Any] = {"env": {"HOME": str(home)}, "bound": True}
    gone = ("UNBRAID_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR")
    fine(run(train(m), folder, without=gone, **options))
    fine(run(["sample", "run"], folder, without=gone, **options))
    fine(run(["generate", "seven", "-n", "1"], folder, without=gone, **options))
    if FULL:  # its unpacked images are kept in the cache
        done = run(["train", "vae", "--data", "mnist", *SHORT], folder, without=gone, **options)
        if done.code:
            refused(done, "cannot write")


@check
def home_is_not_set(m: Path, folder: Path) -> None:
    gone = ("HOME", "UNBRAID_CACHE", "XDG_CACHE_HOME")
    fine(run(train(m), folder, without=gone))
    fine(run(["sample", "run"], folder, without=gone))
    fine(run(["generate", "seven", "-n", "1"], folder, without=gone))


@check
def a_clock_that_jumps(m: Path, folder: Path) -> None:
    code = (
        "import random, sys, time\n"
        "rng = random.Random(0)\n"
        "time.time = lambda: rng.choice((-1e9, 0.0, 1e10)) + rng.random()\n"
        "time.time_ns = lambda: int(time.time() * 1e9)\n"
        "from unbraid.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    every = ("--checkpoint-every", "0")
    fine(run(train(m, "plain", *every), folder))
    words = [sys.executable, "-c", code, *train(m, "jumps", *every)]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    fine(Done(done.returncode, done.stderr))
    plain, jumps = ((folder / name / "model.safetensors") for name in ("plain", "jumps"))
    assert plain.read_bytes() == jumps.read_bytes()
    os.utime(folder / "plain/config.json", (4e9, 4e9))  # written in the future
    os.utime(folder / "plain/model.safetensors", (1, 1))
    fine(run(["sample", "plain"], folder))


@check
def the_reader_of_a_pipe_goes(m: Path, folder: Path) -> None:
    measured = ["evaluate", str(m / "vae"), "--metrics", "mig"]
    for words in some((measured, ["methods"], ["--help"], ["metrics"], ["datasets"])):
        process = subprocess.Popen(
            kills.command(words), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait(120) == 0, errors
        assert "Traceback" not in errors
        assert "BrokenPipe" not in errors


def in_terminal(
    words: list[str], folder: Path, columns: str = "80", hang_up: bool = False
) -> tuple[int, str]:
    """Run a command on a terminal; return its exit code and what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        kills.command(words),
        cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": columns, "LINES": "10"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 10_000)
        except OSError:  # the other side has closed
            break
        shown += part
        if not part or (hang_up and b"epoch" in shown):
            break
    os.close(ours)
    return process.wait(300), shown.decode(errors="replace")


@check
def terminals_of_every_width(m: Path, folder: Path) -> None:
    for columns in some(("1", "0", "2", "7", "300")):
        code, shown = in_terminal(train(m, f"run{columns}"), folder, columns)
        assert code == 0, shown
        assert "Traceback" not in shown, shown
    code, shown = in_terminal(["methods"], folder, "1")
    assert code == 0, shown
    assert "Traceback" not in shown, shown


@check
def a_closed_terminal(m: Path, folder: Path) -> None:
    code, shown = in_terminal(train(m, "run", "--epochs", "3"), folder, hang_up=True)
    assert code in (0, 2), shown  # 2: what it prints at last reached nobody
    assert (folder / "run/result.json").is_file()


@check
def plain_language(m: Path, folder: Path) -> None:
    env = {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    commands = (
        ["train", "vae", "--data", str(m / "squares.npz"), *SHORT, "--out", "run"],
        ["evaluate", "run", "--metrics", "mig,active-units"],
        ["--help"],
        ["methods"],
        ["traverse", "run"],
        ["generate", "seven", "-n", "1"],
    )
    for words in commands if FULL else commands[:4]:
        fine(run(words, folder, env=env, fresh=True))
    refused(run(["generate", "gr\u00f6\u00dfer"], folder, env=env, fresh=True))


@check
def two_processes_on_one_run(m: Path, folder: Path) -> None:
    long = [*train(m), "--epochs", "300", "--checkpoint-every", "0", "--resume"]
    first = subprocess.Popen(
        kills.command(long), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 120
        while not (folder / "run/checkpoint.safetensors").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        refused(run(long, folder), "another process is training into run")
        fine(run(["sample", "run", "--out", "x.png"], folder))  # of the last checkpoint
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGINT)
        first.wait(240)
    assert not list(kills.broken(folder))


ODD = [
    "with space",
    'it\'s "quoted"',
    "$HOME `date` $(date)",
    "line\nbreak",
    "x" * 200,
    "-dash",
    "ünïcödé 日本",
    "[bold]markup",
    "100%",
    "a:b;c&d|e",
    "*?",
    "\\back",
]


@check
def folders_with_odd_names(m: Path, folder: Path) -> None:
    for name in ODD if FULL else ODD[:8]:
        inside = folder / name
        inside.mkdir()
        shutil.copyfile(m / "squares.npz", inside / "my data.npz")
        out = str(inside / "run")
        words = ["train", "vae", "--data", str(inside / "my data.npz"), *SHORT, "--out", out]
        fine(run(words, folder))
        fine(run(["traverse", out], folder))
        assert (inside / "run/traverse.png").is_file()
        fine(run(["evaluate", out, "--metrics", "active-units"], folder))
