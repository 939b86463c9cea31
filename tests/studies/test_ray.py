"""The Ray engine on a stand-in for Ray; benchmarks/studies.py runs it on Ray itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from unbraid.core.errors import UnbraidError
from unbraid.studies.engines import Emit, Event, Stop
from unbraid.studies.engines.mailbox import Sender, file_of
from unbraid.studies.engines.ray import Ray
from unbraid.training import Interrupted


class StandIn(SimpleNamespace):
    """As much of Ray as is used: a task runs when it is waited for."""

    def __init__(self) -> None:
        super().__init__(started={}, asked={}, stopped=False, cancelled=[], machines=[(4, 0)])

    def init(self, **options: Any) -> None:
        self.started = options

    def remote(self, **options: Any) -> Any:
        self.asked = options

        def wrap(function: Any) -> Any:
            return SimpleNamespace(remote=lambda *args: (function, args))

        return wrap

    def nodes(self) -> list[dict[str, Any]]:
        told = [{"CPU": float(cpu), "GPU": float(gpu)} for cpu, gpu in self.machines]
        gone = {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}}
        return [gone, *({"Alive": True, "Resources": each} for each in told)]

    def cancel(self, reference: Any) -> None:
        self.cancelled.append(reference)

    def wait(self, flying: list[Any], num_returns: int, timeout: float | None = None) -> Any:
        if num_returns > 1 and timeout is None:
            raise AssertionError("it would wait for ever")
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
        emit(Event(self.name, "step", "", 3, 8, 50.0))
        emit(Event(self.name, "warning", "odd"))
        emit(Event(self.name, "step", "", 4, 8, 60.0))
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
        *told, event = engine.wait(0.0)
        assert [each[1:6] for each in told if each.kind == "warning"] == [
            ("warning", "odd", 0, 1, 0.0)
        ]
        # what a worker that died told is what it had written
        step = ("step", "", 3, 8, 50.0) if name == "dead" else ("step", "", 4, 8, 60.0)
        assert [each[1:6] for each in told if each.kind == "step"] == [step]
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
    assert engine.wait(0.0)[-1].kind == "stopped"
    engine.close()
    assert ray.stopped
    assert not list((tmp_path / "study").iterdir())


def test_a_cluster_keeps_its_own_options_and_is_filled(
    ray: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    ray.machines = [(7, 0), (16, 4)]
    for options, room in (
        ({"size": 3}, 3),
        ({}, 23),
        ({"threads": 4}, 1 + 4),
        ({"threads": 2, "gpus": 1}, 4),
        ({"threads": 2, "gpus": 0.4}, 8),
    ):
        engine = Ray(**options)  # type: ignore[arg-type]
        assert engine.room == room
        engine.close()
        assert "num_cpus" not in ray.started
        assert ray.asked.get("num_gpus") == options.get("gpus")


@pytest.mark.parametrize(("threads", "gpus"), [(8, 0), (1, 2)])
def test_a_run_that_no_machine_can_hold_is_refused(
    ray: StandIn, tmp_path: Path, threads: int, gpus: int
) -> None:
    ray.machines = [(4, 0), (2, 1), (4, 0)]
    said = f"needs {threads} CPUs and {gpus} GPUs: they have 4 CPUs and 0 GPUs, 2 CPUs and 1 GPUs;"
    with pytest.raises(UnbraidError, match=said):
        Ray(2, threads, tmp_path / "study", gpus)
    assert ray.stopped
    assert not (tmp_path / "study").exists()


def test_progress_is_told_while_a_job_runs_and_those_not_begun_are_withdrawn(
    ray: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unbraid.studies.engines.ray.EVERY", 0.0)
    engine = Ray(2, scratch=tmp_path)
    for name in ("running", "pending"):
        engine.submit(Task(name))
    monkeypatch.setattr(ray, "wait", lambda flying, num_returns, timeout: ([], flying))
    assert engine.wait(0.0) == []
    sender = Sender(engine.stop_file.parent, "running")
    sender.emit(Event("running", "step", "", 5, 10, 70.0))  # sent with the warning
    sender.emit(Event("running", "warning", "odd"))
    warning, step = engine.wait(0.0)
    assert (warning.kind, warning.sentence) == ("warning", "odd")
    assert step[:6] == ("running", "step", "", 5, 10, 70.0)
    assert engine.wait(0.0) == []  # each is told once
    file_of(engine.stop_file.parent, "running").write_text("half of")
    assert engine.wait(0.0) == []
    engine.close()
    assert [args[0].name for _, args in ray.cancelled] == ["pending"]
    assert ray.stopped
    assert engine.stop_file.is_file()  # for jobs that have not answered yet


def test_a_sender_writes_now_and_then_and_ends_no_run(tmp_path: Path) -> None:
    sender = Sender(tmp_path, "a")
    for done in range(3):
        sender.emit(Event("a", "step", "", done, 3, 1.0))
    assert json.loads(file_of(tmp_path, "a").read_text()) == {"step": [], "warnings": []}
    assert sender.told == ((2, 3, 1.0), [])
    sender.emit(Event("a", "step", "", 2, 3, float("nan")))
    sender.emit(Event("a", "warning", "odd"))  # NaN is no JSON
    gone = Sender(tmp_path / "gone", "a")
    gone.emit(Event("a", "warning", "odd"))
    assert not (tmp_path / "gone").exists()


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(UnbraidError, match=r"pip install 'unbraid\[ray\]'"):
        Ray(1)
