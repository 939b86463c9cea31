"""How much of a tour is done, how long the rest may take, and that no minute is silent."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from unbraid.studies.engines import Event
from unbraid.tour import Config, terminal, time_left
from unbraid.tour.plan import Job, plan
from unbraid.tour.terminal import Terminal
from unbraid.tour.time_left import TimeLeft


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    every = plan(Config(out=tmp_path, quick=True))
    return [every[name] for name in ("ae-5d-0", "ae-5d-1", "beta-vae-b4-0", "infogan-0")]


def test_nothing_is_said_of_time_before_something_was_timed(jobs: list[Job]) -> None:
    estimate = TimeLeft(jobs, 2)
    assert estimate.left() is None
    assert "0 of 4 trainings, 0% of the work; time left unknown" in estimate.summary()


def test_the_time_left_is_exact_on_a_machine_of_constant_speed(jobs: list[Job]) -> None:
    clock = Clock()
    estimate = TimeLeft(jobs, 1, clock=clock)
    slow = 3.0  # times the seconds expected
    whole = {job.name: sum(time_left.expected(job, None)) for job in jobs}
    for job in jobs:
        training, after = time_left.expected(job, None)
        estimate.on_event(Event(job.name, "step", "", 0, 100))
        clock.now += slow * training / 2
        estimate.on_event(Event(job.name, "step", "", 50, 100))
        rest = sum(whole[j.name] for j in jobs[jobs.index(job) + 1 :])
        left = slow * (rest + training / 2 + after)
        assert estimate.left() == pytest.approx(left)
        clock.now += slow * (training / 2 + after)
        estimate.on_event(Event(job.name, "done"))
        assert estimate.left() == pytest.approx(slow * rest)
    assert estimate.share == 1.0
    assert estimate.summary() == "all trainings are done; under a minute left"


def test_each_kind_is_estimated_by_its_own_speed(jobs: list[Job]) -> None:
    clock = Clock()
    estimate = TimeLeft(jobs, 1, clock=clock)
    for name in ("ae-5d-0", "beta-vae-b4-0"):
        expected = sum(estimate.expected[name])
        estimate.on_event(Event(name, "step", "", 0, 100))
        clock.now += expected * (1 if name == "ae-5d-0" else 5)
        estimate.on_event(Event(name, "done"))
    rest = {name: sum(estimate.expected[name]) for name in ("ae-5d-1", "infogan-0")}
    # of InfoGAN nothing is known but the machine's mean
    assert estimate.left() == pytest.approx(rest["ae-5d-1"] + 3 * rest["infogan-0"])


def test_one_training_is_never_split_between_processes(jobs: list[Job]) -> None:
    clock = Clock()
    estimate = TimeLeft(jobs, 4, clock=clock)
    estimate.on_event(Event("ae-5d-0", "step", "", 0, 100))
    clock.now += sum(estimate.expected["ae-5d-0"])
    estimate.on_event(Event("ae-5d-0", "done"))
    assert estimate.left() == pytest.approx(max(sum(each) for each in estimate.expected.values()))


def test_a_resumed_training_counts_what_it_does_now(jobs: list[Job]) -> None:
    clock = Clock()
    estimate = TimeLeft(jobs[:1], 1, clock=clock)
    training, after = estimate.expected["ae-5d-0"]
    estimate.on_event(Event("ae-5d-0", "step", "", 80, 100))  # where it was stopped
    clock.now += 100.0
    estimate.on_event(Event("ae-5d-0", "step", "", 90, 100))
    assert estimate.left() == pytest.approx(100.0 * (0.1 * training + after) / (0.1 * training))


def test_an_event_that_waits_counts_from_when_it_happened(jobs: list[Job]) -> None:
    clock = Clock()
    estimate = TimeLeft(jobs[:2], 1, clock=clock)
    estimate.on_event(Event("ae-5d-0", "step", "", 0, 100, at=10.0))
    clock.now += 500.0  # a chapter was being written
    estimate.on_event(Event("ae-5d-0", "done", at=30.0))
    assert estimate.left() == pytest.approx(20.0)


def test_chapters_still_to_be_written_count_too(jobs: list[Job]) -> None:
    estimate = TimeLeft([])
    estimate.writing = {"ch09_control": 40.0, "ch10_speech": 2.0}
    assert estimate.left() == 42.0
    estimate.writing.pop("ch09_control")
    estimate.wrote = [80.0, 40.0]  # on half as fast a machine
    assert estimate.left() == 4.0


def test_where_output_is_no_terminal_no_minute_is_silent(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert terminal.SILENCE + terminal.BEAT < 60
    monkeypatch.setattr(terminal, "SILENCE", 0.2)
    monkeypatch.setattr(terminal, "BEAT", 0.02)
    with Terminal(TimeLeft(jobs, 2)) as display:
        display.on_event(Event("infogan-0", "step", "", 30, 100))
        display.doing = "writing chapter 3"
        time.sleep(1.0)  # nothing happens, as while InfoGAN trains
    lines = capfd.readouterr().err.splitlines()
    assert 2 <= len(lines) <= 6
    assert all("0 of 4 trainings" in line and "now infogan-0" in line for line in lines)
    assert all(line.endswith("writing chapter 3") for line in lines)


def test_a_training_that_ends_is_told_with_what_is_left(
    jobs: list[Job], capfd: pytest.CaptureFixture[str]
) -> None:
    with Terminal(TimeLeft(jobs, 2)) as display:
        display.on_event(Event("ae-5d-0", "step", "", 0, 100, at=1.0))
        display.on_event(Event("ae-5d-0", "done", at=400.0))
    assert "trained ae-5d-0 (1 of 4, about " in capfd.readouterr().err
