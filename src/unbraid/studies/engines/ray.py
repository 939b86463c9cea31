"""Ray: the jobs of a study as tasks of a cluster, or of this machine.

Only a job goes to a worker and its end comes back: arrays stay in the run folders, which all
machines must see under the same paths. Progress and warnings come by files beside them. Nothing is
retried by Ray: a study counts attempts itself.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from unbraid.core.errors import UnbraidError
from unbraid.studies.engines import Event, Job, do
from unbraid.studies.engines.cards import fitting
from unbraid.studies.engines.choosing import by_cores
from unbraid.studies.engines.mailbox import EVERY, Receiver, Sender, Told

STORE = 80 << 20  # bytes of Ray's object store, which holds no arrays here; near its minimum
LOOK = 0.5  # seconds between looks for the file that says stop
GRACE = 60.0  # seconds that jobs have to save and stop


class Ray:
    """Tasks of Ray. It connects to ``RAY_ADDRESS``, or starts on this machine.

    Args:
        size: how many jobs run at once; 0 is as many as the machines have room for.
        threads: of each.
        scratch: a folder that all machines see, for progress and the file that says stop.
        gpus: of each job.

    Raises:
        UnbraidError: Ray is not installed or does not start, or no machine has room for a job.
    """

    def __init__(
        self, size: int = 0, threads: int = 1, scratch: Path | None = None, gpus: float = 0
    ) -> None:
        self.ray = _started(size or by_cores(threads), threads)
        self.threads = threads
        self.flying: dict[Any, Job] = {}
        try:
            room = _room(self.ray.nodes(), threads, gpus)
        except UnbraidError:
            self.ray.shutdown()
            raise
        self.size = size or room
        if scratch is not None:
            scratch.mkdir(parents=True, exist_ok=True)
        self.stop_file = Path(mkdtemp(prefix=".ray-", dir=scratch)).absolute() / "stop"
        self.mail = Receiver(self.stop_file.parent)
        self.looked = time.monotonic()
        needs = {"num_cpus": threads, **({"num_gpus": gpus} if gpus else {})}
        self.task: Any = self.ray.remote(**needs, max_retries=0)(_work)

    @property
    def room(self) -> int:
        """How many jobs may be submitted now."""
        return self.size - len(self.flying)

    def submit(self, job: Job) -> None:
        """Start a job."""
        self.flying[self.task.remote(job, self.threads, str(self.stop_file))] = job

    def wait(self, seconds: float) -> list[Event]:
        """Return the events since the last call; wait up to so many seconds for one."""
        if not self.flying:
            time.sleep(seconds)
            return []
        ready, _ = self.ray.wait(list(self.flying), num_returns=1, timeout=seconds)
        events = [event for each in ready for event in self._end(each)]
        if time.monotonic() - self.looked >= EVERY:
            self.looked = time.monotonic()
            events += [event for job in self.flying.values() for event in self.mail.look(job.name)]
        return events

    def _end(self, reference: Any) -> list[Event]:
        """Return what a job that has ended has not told yet, and its end."""
        job = self.flying.pop(reference)
        try:
            end, told = self.ray.get(reference)
            return [*self.mail.news(job.name, told), Event(*end)]
        except Exception as error:  # the worker died, or the node it was on
            return [*self.mail.look(job.name), Event(job.name, "died", f"{type(error).__name__}")]
        finally:
            self.mail.forget(job.name)

    def close(self) -> None:
        """Have all jobs save and stop, wait until they have, and leave Ray.

        Those that have not begun are withdrawn. Those that do not answer in time are left to Ray,
        which ends them: they go on from their last checkpoint.
        """
        with suppress(OSError):
            self.stop_file.touch()
        left: list[Any] = list(self.flying)
        try:
            for reference, job in self.flying.items():
                if not self.mail.has_begun(job.name):
                    self.ray.cancel(reference)
            if left:
                _, left = self.ray.wait(left, num_returns=len(left), timeout=GRACE)
        finally:
            self.flying = {}
            self.ray.shutdown()
            if not left:  # else a job may yet look for the file that says stop
                rmtree(self.stop_file.parent, ignore_errors=True)


def _started(size: int, threads: int) -> Any:
    """Connect to a cluster or start Ray for so many jobs; return its module."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # else Ray counts tasks without a GPU as ones that must see none, and says so
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # else its workers yield to any other program (nice 15), which those of this machine do not
    os.environ.setdefault("RAY_worker_niceness", "0")
    try:
        import ray  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise UnbraidError(
            "Ray is not installed: install it with pip install 'unbraid[ray]', or choose "
            "--on local."
        ) from error
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if not os.environ.get("RAY_ADDRESS"):
        options |= {
            "address": "local",
            "num_cpus": size * threads,
            "include_dashboard": False,
            "object_store_memory": STORE,
        }
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UnbraidError(f"Ray cannot be started: {error}") from error
    return ray


def _room(nodes: list[dict[str, Any]], threads: int, gpus: float) -> int:
    """Return how many jobs the machines of a cluster hold.

    Raises:
        UnbraidError: none holds one, so that Ray would wait for ever.
    """
    machines = [
        (each["Resources"].get("CPU", 0.0), each["Resources"].get("GPU", 0.0))
        for each in nodes
        if each["Alive"]
    ]
    found = sum(
        min(fitting(cpu, threads), fitting(gpu, gpus) if gpus else fitting(cpu, threads))
        for cpu, gpu in machines
    )
    if not found:
        have = dict.fromkeys(f"{cpu:g} CPUs and {gpu:g} GPUs" for cpu, gpu in machines)
        raise UnbraidError(
            f"no machine of Ray has room for a run, which needs {threads} CPUs and {gpus:g} GPUs: "
            f"they have {', '.join(have) or 'nothing'}; lower threads or gpus of [resources]."
        )
    return found


def _work(job: Job, threads: int, stop_file: str) -> tuple[tuple[Any, ...], Told]:
    """Do a job in a process of Ray; return its end, and what it told."""
    import torch

    torch.set_num_threads(threads)  # Ray sets OMP_NUM_THREADS to the task's number of processors
    looked = 0.0

    def stop() -> bool:
        nonlocal looked
        now = time.monotonic()
        if now - looked < LOOK:
            return False
        looked = now
        return os.path.exists(stop_file)

    sender = Sender(Path(stop_file).parent, job.name)
    return tuple(do(job, sender.emit, stop)), sender.told
