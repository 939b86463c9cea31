"""The Ray engine on a stand-in for Ray; benchmarks/studies.py runs it on Ray itself."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from unbraid.core.errors import UnbraidError
from unbraid.studies.engines import Emit, Event, Stop
from unbraid.studies.engines.ray import Ray
from unbraid.training import Interrupted


class StandIn(SimpleNamespace):
    """As much of Ray as is used: a task runs when it is waited for."""

    def __init__(self) -> None:
        super().__init__(started={}, asked={}, stopped=False)

    def init(self, **options: Any) -> None:
        self.started = options

    def remote(self, **options: Any) -> Any:
        self.asked = options

        def wrap(function: Any) -> Any:
            return SimpleNamespace(remote=lambda *args: (function, args))

        return wrap

    def wait(self, flying: list[Any], num_returns: int, timeout: float | None = None) -> Any:
        return flying[:num_returns], flying[num_returns:]

    def get(self, reference: Any) -> Any:
        function, args = reference
        return function(*args)

    def shutdown(self) -> None:
        self.stopped = True


class Task:
    def __init__(self, name: str) -> None:
        self.name = name

    def work(self, emit: Emit, stop: Stop) -> None:
        emit(Event(self.name, "step"))
        if self.name == "bad":
            raise UnbraidError("it failed")
        if self.name == "dead":
            raise SystemError  # as Ray raises for a worker that died
        if stop():
            raise Interrupted


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    found = StandIn()
    monkeypatch.setitem(__import__("sys").modules, "ray", found)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    monkeypatch.delenv("RAY_worker_niceness", raising=False)
    return found


def test_jobs_are_tasks_and_ends_are_events(ray: StandIn, tmp_path: Path) -> None:
    engine = Ray(2, threads=1, scratch=tmp_path / "study")
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert dict(os.environ)["RAY_worker_niceness"] == "0"
    assert ray.started["include_dashboard"] is False
    assert ray.started["num_cpus"] == 2
    assert ray.asked == {"num_cpus": 1, "max_retries": 0}
    ends = {}
    for name in ("good", "bad", "dead"):
        engine.submit(Task(name))
        assert engine.room == 1
        (event,) = engine.wait(0.0)
        ends[event.job] = (event.kind, event.sentence)
        assert engine.room == 2
    assert ends == {
        "good": ("done", ""),
        "bad": ("failed", "it failed"),
        "dead": ("died", "SystemError"),
    }
    assert engine.wait(0.0) == []
    engine.stop_file.touch()
    engine.submit(Task("good"))
    (event,) = engine.wait(0.0)
    assert event.kind == "stopped"
    engine.close()
    assert ray.stopped
    assert not list((tmp_path / "study").iterdir())


def test_a_cluster_keeps_its_own_options(ray: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    Ray(2).close()
    assert "num_cpus" not in ray.started


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(UnbraidError, match=r"pip install 'unbraid\[ray\]'"):
        Ray(1)
