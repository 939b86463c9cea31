"""Ray: the jobs of a study as tasks of a cluster, or of this machine.

Only a job goes to a worker and its end comes back: arrays stay in the run folders, which all
machines must see under the same paths. Nothing is retried by Ray: a study counts attempts itself.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from unbraid.core.errors import UnbraidError
from unbraid.studies.engines import Event, Job, do

STORE = 80 << 20  # bytes of Ray's object store, which holds no arrays here; near its minimum
LOOK = 0.5  # seconds between looks for the file that says stop


class Ray:
    """Tasks of Ray. It connects to ``RAY_ADDRESS``, or starts on this machine.

    Args:
        size: how many jobs run at once.
        threads: of each.
        scratch: a folder that all machines see, for the file that says stop.
    """

    def __init__(self, size: int, threads: int = 1, scratch: Path | None = None) -> None:
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
        self.ray: Any = ray
        self.size, self.threads = size, threads
        self.flying: dict[Any, Job] = {}
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
        if scratch is not None:
            scratch.mkdir(parents=True, exist_ok=True)
        self.stop_file = Path(mkdtemp(prefix=".ray-", dir=scratch)).absolute() / "stop"
        self.task: Any = ray.remote(num_cpus=threads, max_retries=0)(_work)

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
        return [self._end(each) for each in ready]

    def _end(self, reference: Any) -> Event:
        job = self.flying.pop(reference)
        try:
            return Event(*self.ray.get(reference))
        except Exception as error:  # the worker died, or the node it was on
            return Event(job.name, "died", f"{type(error).__name__}")

    def close(self) -> None:
        """Have all jobs save and stop, wait until they have, and leave Ray."""
        with suppress(OSError):
            self.stop_file.touch()
        if self.flying:
            self.ray.wait(list(self.flying), num_returns=len(self.flying))
        self.flying = {}
        self.ray.shutdown()
        with suppress(OSError):
            self.stop_file.unlink()
            self.stop_file.parent.rmdir()


def _work(job: Job, threads: int, stop_file: str) -> tuple[Any, ...]:
    """Do a job in a process of Ray."""
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

    return tuple(do(job, lambda event: None, stop))
