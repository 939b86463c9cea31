"""What training shows, and what Ctrl-C does to it."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from unbraid.progress import Display, terms_line
from unbraid.training import Progress


def record(epoch: int, **terms: float) -> dict[str, Any]:
    named = {f"validation_{name}": value for name, value in {"loss": 1.0, **terms}.items()}
    return {"epoch": epoch, "step": 10 * epoch, "images_per_second": 1234.5, **named}


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


def test_nothing_is_shown_before_the_first_step(capsys: pytest.CaptureFixture[str]) -> None:
    with Display("vae on [red]data:x:") as display:
        assert capsys.readouterr().err == ""
        progress = Progress(step=1, steps_per_epoch=10, epochs=3)
        display.step(progress, {"loss": 1.0}, 100.0)
        display.step(progress, {"loss": 1.0}, 100.0)
        display.epoch(record(1, kl=2.0))
        display.warn("[/b] look")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "training vae on [red]data:x:"
    assert lines[1].startswith("epoch 1/3  validation: kl 2  (1,234 images/s, ")
    assert lines[2] == "warning: [/b] look"


def test_a_negative_total_correlation_is_explained_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Display("test") as display:
        for epoch in (1, 2):
            display.epoch(record(epoch, total_correlation=-0.5))
    assert capsys.readouterr().err.count("note: the three terms of the KL are estimates") == 1
