"""``unbraid show`` of sounds: spectrograms with axes, strips of factors, and a page that plays."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from scipy.io import wavfile

from tests.sound.voices import voice
from unbraid import sound, spectrograms
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset
from unbraid.figures import _voices, produce, show

STRIPS = ["pitch", "duration", "tract", "loudness"]


@pytest.fixture(scope="module")
def voices() -> Dataset:
    """Six voice pictures: two speakers at three pitches."""
    images = [
        sound.picture_of(*sound.canonical_of(sound.analyse(voice(hertz, 0.3 + place / 10), 8000)))
        for place in range(2)
        for hertz in (110, 140, 180)
    ]
    specs = (FactorSpec("speaker", "categorical", values=("ann", "bob")),)
    factors = np.array([[0], [0], [0], [1], [1], [1]])
    return Dataset("voices", np.stack(images), factors, specs, signal=sound.SIGNAL)


def test_a_spectrogram_shows_a_tone_where_it_is() -> None:
    for rate in (8000, 16_000, 44_100):
        tone = np.sin(2 * np.pi * 1000 * np.arange(rate // 2) / rate)
        levels = spectrograms.spectrogram(tone, rate)
        assert levels.shape[0] == 128
        assert levels.shape[1] * spectrograms.HOP == pytest.approx(0.5, rel=0.01)
        row = levels[:, 60].argmax()
        assert abs((row + 0.5) * 4000 / 128 - 1000) < 32
        assert levels[:, 60].max() == pytest.approx(0, abs=1.5)  # a sine of full scale
    assert spectrograms.spectrogram(np.zeros(800), 8000).max() == pytest.approx(-120)


def test_a_sheet_takes_no_settings_of_the_users_and_no_formulas() -> None:
    tone = 0.1 * np.sin(np.arange(4000))
    with matplotlib.rc_context({"image.origin": "lower", "axes.grid": True}):
        ax = spectrograms.sheet([("a $x_{ b$.wav", tone, 8000)]).axes[0]
    assert ax.images[0].origin == "upper"
    assert not ax.xaxis.get_gridlines()[0].get_visible()
    assert not ax.title.get_parse_math()


def test_axes_are_in_seconds_and_hertz(voices: Dataset, tmp_path: Path) -> None:
    config = show.Config(rows=1, columns=3, steps=3)
    figure = show.draw(voices, config)
    axes = figure.axes
    assert [ax.get_ylabel() for ax in axes] == [
        "Hz",
        *(f"{n}\nHz" for n in ["speaker", *STRIPS]),
    ]
    assert [tick.get_text() for tick in axes[0].get_yticklabels()][-1] == "4,000"
    assert [tick.get_text() for tick in axes[0].get_xticklabels()] == ["0", "0.5"] * 3
    texts = [text.get_text() for text in axes[2].texts]
    assert texts == ["80 Hz", "150 Hz", "280 Hz"]
    for place, hertz in enumerate((80, 150, 280)):  # the line is the pitch asked for
        heights = axes[2].lines[place].get_ydata()
        assert np.nanmedian(heights) == pytest.approx(hertz, rel=0.03)
    path = produce(show, "show", voices, config, tmp_path / "show.png")
    assert path.stat().st_size > 20_000
    assert "6 sounds as pictures of 64 x 64" in show.report(voices, config)[0]


def test_in_a_strip_one_factor_moves_alone(voices: Dataset) -> None:
    rows = {row.name: row for row in _voices.strips_of(voices, show.Config(steps=3))}
    assert list(rows) == ["speaker", *STRIPS]
    asked = {"pitch": (80, 150, 280), "duration": (250, 525, 800), "loudness": (-35, -25, -15)}
    for name, wanted in asked.items():
        found = [sound.measure_picture(image) for image in rows[name].images]
        for measure in asked:
            values = [
                each.hertz if measure == "pitch" else getattr(each, measure) for each in found
            ]
            if measure == name:
                np.testing.assert_allclose(values, wanted, rtol=0.05)
            else:
                assert np.ptp(values) / abs(np.mean(values)) < 0.08


def test_the_page_holds_each_sound_as_a_file(voices: Dataset, tmp_path: Path) -> None:
    config = show.Config(rows=1, columns=3, steps=3)
    page = produce(show, "show", voices, config, tmp_path / "show.html").read_text()
    files = re.findall(r'src="data:audio/wav;base64,([^"]+)"', page)
    assert len(files) == 3 + 2 + 4 * 3
    rate, samples = wavfile.read(io.BytesIO(base64.b64decode(files[5])))
    assert (rate, samples.dtype) == (8000, np.int16)
    assert sound.measure(samples, rate).hertz == pytest.approx(80, rel=0.03)
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    plain = Dataset("plain", np.zeros((3, 1, 8, 8), np.uint8))
    with pytest.raises(UnbraidError, match="has no sounds to be heard on a page"):
        produce(show, "show", plain, config, tmp_path / "plain.html")
    with pytest.raises(UnbraidError, match=r"ends in \.png, \.svg, \.pdf, \.html, found '\.txt'"):
        produce(show, "show", voices, config, tmp_path / "plain.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["show.html"]


LOOK: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "color_scheme": "dark",
}


def test_the_page_in_a_browser(voices: Dataset, tmp_path: Path, browser: Any) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright")
    config = show.Config(rows=1, columns=3, steps=3)
    path = produce(show, "show", voices, config, tmp_path / "show.html")
    heard = """() => {
        const boxes = [...document.querySelectorAll('.sound')];
        const on = () => boxes.flatMap((box, at) => (box.classList.contains('on') ? [at] : []));
        window.heard = [];  // which are marked, each time that one begins
        for (const box of boxes)
            box.querySelector('audio').addEventListener('playing', () => heard.push(on().join()));
    }"""
    context = browser.new_context(offline=True, **LOOK)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    found = axe.Axe().run(page)["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    width, screen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= screen
    page.evaluate(heard)
    first = page.locator(".sound .play").first
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => heard.join(' ') === '0'")
    assert page.evaluate("document.querySelector('audio').duration") > 0.3
    page.keyboard.press("ArrowRight")  # one plays at a time
    page.wait_for_function("() => heard.join(' ') === '0 1'")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Play")
    page.locator(".order").first.click()
    page.wait_for_function("() => heard.join(' ').startsWith('0 1 3 4')")  # the next by itself
    context.close()
    assert complaints == []
