"""What training shows, at any width and on what is no terminal, and what signals do to it."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import types
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from unbraid import progress
from unbraid.progress import Display, Status, terms_line
from unbraid.training import Progress

TERMS = ["reconstruction 81.23", "kl 23.1", "index code mi 5.5", "total correlation -1.234"]
WIDTHS = (1, 20, 40, 60, 80, 100, 140, 200)


def record(epoch: int, **terms: float) -> dict[str, Any]:
    named = {f"validation_{name}": value for name, value in {"loss": 1.0, **terms}.items()}
    return {"epoch": epoch, "step": 10 * epoch, "images_per_second": 1234.5, **named}


def rendered(status: Status, width: int) -> str:
    """Return what a terminal of a width shows, its one line."""
    console = Console(
        file=io.StringIO(), width=width, force_terminal=True, color_system=None, record=True
    )
    console.print(status)
    (line,) = console.export_text().splitlines()
    assert cell_len(line) <= width
    return line.rstrip()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("epochs", [3, 1000])
def test_epoch_bar_and_time_left_fit_any_width_and_terms_are_whole(width: int, epochs: int) -> None:
    status = Status(epochs, epochs, 900, 1000, 359_999.0, 12345.6, TERMS)
    line = rendered(status, width)
    epoch = f"epoch {epochs}/{epochs}"
    if width < 40:
        assert line == epoch[:width]
        return
    bar, after = line.split(f"  {epoch}  ")
    assert 4 <= len(bar) <= 40
    assert set(bar.strip()) <= set("━╸╺ ")
    left, *others = after.split("  ")
    assert left == "99:59:59 left"
    every = ["12,346 images/s", *TERMS]
    assert others == every[: len(others)]
    if width == 200:
        assert others == every


def test_terms_do_not_come_and_go_with_the_length_of_their_values() -> None:
    for width in WIDTHS[2:]:
        short, long = (Status(terms=[f"kl {v}", f"zeta {v}"]) for v in ("1", "12.3456"))
        assert len(short.words(width)) == len(long.words(width))


def test_known_terms_come_first_and_the_loss_not_at_all() -> None:
    terms = {"loss": 1.0, "zeta": 2.0, "active_units": 3, "kl": 4.56789, "reconstruction": 5.0}
    assert terms_line(terms) == "reconstruction 5  kl 4.568  active units 3  zeta 2"
    assert terms_line({"train_kl": 1.0, "epoch": 2}, "train_") == "kl 1"


def test_the_first_ctrl_c_asks_and_the_second_insists() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Display("test") as display:
        assert not display.stop_requested()
        os.kill(os.getpid(), signal.SIGINT)
        assert display.stop_requested()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_wish_to_end_and_a_closed_terminal_ask_too(number: signal.Signals) -> None:
    with Display("test") as display:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        assert display.stop_requested()
        assert display.stopped_by == number


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with Display("test") as display:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not display.stop_requested()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_nothing_is_shown_before_training_starts(capsys: pytest.CaptureFixture[str]) -> None:
    with Display("vae on [red]data:x:") as display:
        assert capsys.readouterr().err == ""
        display.start(Progress(step=0, steps_per_epoch=10, epochs=3))
        assert capsys.readouterr().err == (
            "training vae on [red]data:x:: epochs 3, steps per epoch 10\n"
        )
        progress = Progress(step=1, steps_per_epoch=10, epochs=3)
        display.step(progress, {"loss": 1.0}, 100.0)
        display.epoch(record(1, kl=2.0))
        display.warn("[/b] look")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("epoch 1/3  validation: kl 2  (1,234 images/s, ")
    assert lines[1:] == ["warning: [/b] look"]


def test_a_long_epoch_is_heard_of_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with Display("vae on mnist") as display:
        display.start(Progress(step=100, steps_per_epoch=1000, epochs=2))
        for step in range(101, 201):
            now += 1
            at = Progress(step=step, steps_per_epoch=1000, epochs=2)
            display.step(at, {"loss": 9.0, "kl": 1.0}, 128.0)
    first, *lines = capsys.readouterr().err.splitlines()
    assert first.endswith("steps per epoch 1,000, going on from step 100")
    assert len(lines) == 3  # of 100 seconds
    # a step a second, and 1,869 of them to go
    assert lines[0] == "epoch 1/2  step 131 of 1,000  kl 1  (128 images/s, 31:09 left)"


def test_a_negative_total_correlation_is_explained_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Display("test") as display:
        for epoch in (1, 2):
            display.epoch(record(epoch, total_correlation=-0.5))
    assert capsys.readouterr().err.count("note: the three terms of the KL are estimates") == 1


class Gone(io.StringIO):
    """A terminal that has been closed."""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("stream", [Gone(), None])
def test_a_terminal_that_is_gone_is_written_to_in_vain(
    stream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    with Display("test") as display:
        display.start(Progress(step=0, steps_per_epoch=10, epochs=1))
        display.shown = 0.0
        display.step(Progress(step=1, steps_per_epoch=10, epochs=1), {"kl": 1.0}, 1.0)
        display.epoch(record(1, kl=1.0))
        display.warn("nobody hears this")


def test_a_notebook_has_one_output_that_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Cell:
        texts: list[str] = []  # noqa: RUF012

        def update(self, data: dict[str, str], raw: bool) -> None:
            assert raw
            self.texts.append(data["text/plain"])

    class ZMQInteractiveShell:
        """What Jupyter's kernel runs."""

    shell = types.ModuleType("IPython")
    shell.get_ipython = ZMQInteractiveShell  # type: ignore[attr-defined]
    front = types.ModuleType("IPython.display")
    front.display = lambda *_, **__: Cell()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", front)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    assert progress.wanted(None)
    with Display("vae on mnist", signals=False) as display:
        display.start(Progress(step=0, steps_per_epoch=10, epochs=3))
        display.shown = 0.0
        display.step(Progress(step=4, steps_per_epoch=10, epochs=3), {"kl": 1.0}, 50.0)
        display.epoch(record(1, kl=2.0))
    first, moving, ended = (text.splitlines() for text in Cell.texts)
    assert first == ["training vae on mnist: epochs 3, steps per epoch 10"]
    assert moving[0] == first[0]
    assert re.fullmatch(r"epoch 1/3  \d+:\d\d left  50 images/s  kl 1", moving[1])
    assert ended[1].startswith("epoch 1/3  validation: kl 2  (")
    assert capsys.readouterr().err == ""


def test_training_is_shown_where_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert progress.wanted(True)
    assert not progress.wanted(False)
    monkeypatch.setattr(sys, "stderr", Gone())
    assert not progress.wanted(None), "under pytest nobody does"
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    assert progress.wanted(None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not progress.wanted(None)
