"""Which engine does a study, how many runs at once, and on which GPUs. No GPU is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.studies.conftest import Make
from unbraid.core.errors import UnbraidError
from unbraid.studies.engines import Event
from unbraid.studies.engines.cards import shared_out
from unbraid.studies.engines.choosing import by_cores, engine_of, side_by_side
from unbraid.studies.engines.local import Local
from unbraid.studies.spec import Resources


class Seen:
    """A job that tells which GPUs its process sees."""

    def __init__(self, name: str) -> None:
        self.name = name

    def work(self, emit: Callable[[Event], None], stop: object) -> None:
        import os

        emit(Event(self.name, "warning", os.environ.get("CUDA_VISIBLE_DEVICES", "all")))


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let this machine have a number of GPUs."""

    def have(count: int, named: str | None = None) -> None:
        monkeypatch.setattr("torch.cuda.device_count", lambda: count)
        if named is None:
            monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        else:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)

    return have


def test_gpus_are_shared_out_in_turn(cards: Callable[..., None]) -> None:
    cards(5)
    assert shared_out(1) == ["0", "1", "2", "3", "4"]
    assert shared_out(2) == ["0,1", "2,3"]
    assert shared_out(0.5, 6) == ["0", "1", "2", "3", "4", "0"]
    assert len(shared_out(0.3)) == 15
    assert shared_out(2, 8) == ["0,1", "2,3"]  # each run has what it asks for
    cards(2, "3, GPU-7")
    assert shared_out(1) == ["3", "GPU-7"]
    for gpus, count in ((1, 0), (3, 2)):
        cards(count)
        with pytest.raises(UnbraidError, match=f"is {gpus}, and of GPUs this machine has {count} "):
            shared_out(gpus)


def test_each_worker_sees_its_own_gpus(cards: Callable[..., None]) -> None:
    cards(2)
    engine = engine_of("local", Resources(gpus=1), 0)
    try:
        assert engine.room == 2
        seen: dict[str, str] = {}
        for name in ("a", "b"):
            engine.submit(Seen(name))
        while len(seen) < 2 or engine.room < 2:
            seen |= {e.job: e.sentence for e in engine.wait(1.0) if e.kind == "warning"}
        assert seen == {"a": "0", "b": "1"}
        # a worker that ends leaves its GPU to the next
        assert isinstance(engine, Local)
        connection = next(each for each in engine.idle if engine.cards[each] == "0")
        engine.processes[connection].kill()
        engine.processes[connection].join()
        engine.idle = [connection]
        engine.submit(Seen("c"))
        while "c" not in seen:
            seen |= {e.job: e.sentence for e in engine.wait(1.0) if e.kind == "warning"}
        assert seen["c"] == "0"
    finally:
        engine.close()


def test_how_many_runs_are_done_at_once(
    cards: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unbraid.studies.engines.choosing.cores", lambda: 7)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    cards(4)
    for on, resources, jobs, expected in (
        ("local", Resources(), 0, 7),
        ("local", Resources(threads=2), 0, 3),
        ("local", Resources(threads=9), 0, 1),
        ("local", Resources(threads=2), 5, 5),
        ("local", Resources(gpus=2), 0, 2),
        ("ray", Resources(threads=2), 0, 3),
        ("ray", Resources(threads=2), 4, 4),
        ("slurm", Resources(), 0, 300),
        ("slurm", Resources(), 6, 6),
    ):
        assert side_by_side(on, resources, jobs, 300) == expected
    assert by_cores(2) == 3


@pytest.mark.parametrize("gpus", [-1, 1.5])
def test_a_number_of_gpus_that_cannot_be_is_refused(
    make_spec: Make, opened: Callable[[Path], object], gpus: float
) -> None:
    with pytest.raises(UnbraidError, match=f"gpus is {gpus}, expected a whole number, or a share"):
        opened(make_spec(more=f"gpus = {gpus}"))
