"""The finished report in a real browser: Chromium, driven by playwright, with axe-core.

The test extra has the last two. Chromium is the one on the path, the one that ``UNBRAID_CHROMIUM``
names, or playwright's own (``playwright install chromium``); without one these tests are skipped.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from unbraid.runs import Run
from unbraid.tour.statistics.infogan import generate_images

pytest.importorskip("playwright.sync_api")

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1100, "height": 1000}}
PIXELS = """canvas => [...canvas.getContext("2d").getImageData(
    0, 0, canvas.width, canvas.height).data].filter((_, at) => at % 4 === 0)"""
IN_SIGHT = """anchor => {
    const {top} = document.getElementById(anchor).getBoundingClientRect();
    const end = document.documentElement.scrollHeight - innerHeight - scrollY < 2;
    return location.hash === `#${anchor}` && (Math.abs(top) < 120 || end && top < innerHeight);
}"""
LOOKS: dict[str, dict[str, Any]] = {
    "light": DESK,
    "dark": {**DESK, "color_scheme": "dark"},
    "phone": PHONE,
}


@pytest.fixture(params=["light", "phone"])  # dark is another look at colours alone
def page(browser: Any, report: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The report, open; a test fails if the browser complains of anything."""
    context = browser.new_context(offline=True, **LOOKS[request.param])
    opened, complaints = context.new_page(), []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(report.as_uri())
    yield opened
    context.close()
    assert complaints == []


def test_nothing_is_wider_than_the_screen_and_every_image_is_there(page: Any) -> None:
    width, screen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= screen
    broken = "images => images.filter(image => !image.complete || !image.naturalWidth).length"
    page.wait_for_function("() => [...document.images].every(image => image.complete)")
    assert page.eval_on_selector_all("img", broken) == 0


@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_axe_finds_no_violation(page: Any) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright")
    page.eval_on_selector_all("details", "all => all.forEach(each => each.open = true)")
    found = axe.Axe().run(page)["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_the_keyboard_reaches_chapters_and_what_scrolls(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_url("**#chapters")  # the address follows a little later
    unreachable = """all => all.filter(each => each.scrollWidth > each.clientWidth + 1
                                       && each.tabIndex < 0).length"""
    assert page.eval_on_selector_all("pre, .wide", unreachable) == 0


def test_a_slider_is_a_few_keys_away(page: Any) -> None:
    for key in ("Tab", "Tab", "Enter"):  # skip to the chapters, skip to the sliders
        page.keyboard.press(key)
    page.wait_for_function("() => document.activeElement.id.startsWith('try-')")  # a little later
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"
    page.keyboard.press("End")
    shown = page.evaluate("document.activeElement.nextElementSibling.textContent")
    assert shown == page.evaluate("document.activeElement.getAttribute('aria-valuetext')")


def test_every_press_on_a_slider_is_told(page: Any) -> None:
    slider = page.locator('[data-touch="sliders"] input').first
    told = []
    for _ in range(6):
        slider.press("ArrowRight")
        told.append(slider.get_attribute("aria-valuetext"))
    assert len(set(told)) == len(told)


def test_the_contents_stay_in_sight(page: Any) -> None:
    nav = page.locator("nav")
    for anchor in ("latent-size", "beta-tcvae", "references"):
        page.evaluate(f"document.documentElement.style.scrollBehavior = 'auto'; "
                      f"location.hash = '{anchor}'")  # fmt: skip
        page.wait_for_function(IN_SIGHT, arg=anchor)
        box, covered = page.evaluate(
            "ids => ids.map(each => document.querySelector(each).getBoundingClientRect().toJSON())",
            ["nav", f"#{anchor}-title"],
        )
        assert 0 <= box["y"] < 100
        if page.viewport_size["width"] < 1000:  # above the text, and not over it
            assert box["y"] + box["height"] <= covered["y"]
            assert box["height"] < 80
        else:
            assert box["x"] + box["width"] <= covered["x"]
            assert nav.locator("a").first.is_visible()
    current = "() => document.querySelector('nav [aria-current]')?.hash === '#references'"
    page.wait_for_function(current)


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_on_a_phone_the_contents_fold_away(page: Any) -> None:
    entry = page.locator('nav a[href="#beta-vae"]')
    entry.wait_for(state="hidden")
    page.locator("nav summary").click()
    entry.click()
    page.wait_for_url("**#beta-vae")
    entry.wait_for(state="hidden")


@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_the_text_fills_what_is_beside_the_contents(page: Any) -> None:
    main = page.locator("main").bounding_box()
    text = page.locator("main p").first.bounding_box()
    assert text["width"] > 0.85 * main["width"]
    right = page.viewport_size["width"] - main["x"] - main["width"]
    assert right < 0.1 * page.viewport_size["width"]


def test_what_does_not_scroll_is_no_stop_for_the_keyboard(page: Any) -> None:
    idle = """all => all.filter(each => each.scrollWidth <= each.clientWidth
                                 && each.tabIndex >= 0).length"""
    assert page.eval_on_selector_all("pre, .wide", idle) == 0


def test_no_heading_is_empty_and_every_paper_is_in_the_list(page: Any) -> None:
    empty = "all => all.filter(each => !each.innerText.trim()).length"
    assert page.eval_on_selector_all("th", empty) == 0
    cited = page.eval_on_selector_all('main > section:not(#references) a[href^="#ref-"]',
                                      "all => all.map(each => each.hash.slice(1))")  # fmt: skip
    listed = page.eval_on_selector_all("#references li", "all => all.map(each => each.id)")
    assert len(listed) > 15
    assert set(cited) <= set(listed)
    page.locator(f'main a[href="#{cited[0]}"]').first.click()
    page.wait_for_url(f"**#{cited[0]}")


def test_sliders_decode_in_the_page_as_the_model_does(page: Any, report: Path) -> None:
    box = page.locator('[data-touch="sliders"]').first
    starts = json.loads(box.locator("script").text_content())["starts"]
    model = Run(next((report.parent / "runs").glob("vae-2d-0-*"))).model()
    seen = box.locator("canvas").first.evaluate(PIXELS)
    exact = model.decode(np.array(starts[:1], np.float32)).numpy().ravel() * 255
    assert np.abs(np.array(seen) - exact).max() < 6
    box.locator("input").first.press("End")
    assert box.locator("canvas").first.evaluate(PIXELS) != seen
    box.locator("button").click()
    exact = model.decode(np.array(starts[1:2], np.float32)).numpy().ravel() * 255
    assert np.abs(np.array(box.locator("canvas").first.evaluate(PIXELS)) - exact).max() < 6


def test_a_press_on_the_plane_of_two_latents_chooses_a_code(page: Any) -> None:
    box = page.locator("#try-plane")
    plane = box.locator(".plane[data-drawn]")
    plane.wait_for()
    plane.scroll_into_view_if_needed()
    place = plane.bounding_box()
    plane.click(position={"x": place["width"] * 0.25, "y": place["height"] * 0.25})
    for slider, share in zip(box.locator("input").all(), (0.25, 0.75), strict=True):
        low, high, value = slider.evaluate("each => [each.min, each.max, each.value].map(Number)")
        assert value == pytest.approx(low + share * (high - low), abs=0.02 * (high - low))
        assert slider.get_attribute("aria-valuetext") == f"{value:.2f}".replace("-", "\u2212")
    cell = "plane => [...plane.getContext('2d').getImageData(0, 0, 28, 28).data].slice(0, 40)"
    assert plane.evaluate(cell)[3] == 255


def test_codes_of_a_generator_are_chosen_in_the_page(page: Any, report: Path) -> None:
    box = page.locator('[data-touch="codes"]')
    value = box.locator(".value").first
    value.get_by_text("0.00").wait_for()  # once its picture is decoded
    middle = box.locator("canvas").evaluate(PIXELS)
    category = box.locator("option").first.text_content().split()[2].rstrip(":")
    model = Run(next((report.parent / "runs").glob("infogan-0-*"))).model()
    code = torch.zeros(1, model.layout.width)
    code[0, int(category)] = 1
    noise = model.draw_noise(1, torch.Generator().manual_seed(1))
    exact = generate_images(model, code, noise).ravel() * 255
    assert np.abs(np.array(middle) - exact).max() < 16  # the picture has 32 greys
    box.locator("input").first.press("End")
    assert value.text_content() == "2.00"
    assert box.locator("input").first.get_attribute("aria-valuetext") == "2.00"
    moved = box.locator("canvas").evaluate(PIXELS)
    box.locator("select").select_option(index=7)
    other = box.locator("canvas").evaluate(PIXELS)
    assert len({tuple(each) for each in (middle, moved, other)}) == 3


def test_requests_are_answered_in_the_page(page: Any) -> None:
    box = page.locator('[data-touch="requests"]')
    said, judged = box.locator("q"), box.locator("[aria-live] span")
    judged.get_by_text("The judge reads").wait_for()  # once its picture is decoded
    assert said.text_content() == "small seven in the top middle rotated 30 degrees"
    assert "The judge reads: seven, " in judged.text_content()
    before = box.locator("canvas").evaluate(PIXELS)
    box.locator("select").first.select_option("three")
    box.locator("input").first.press("End")
    assert said.text_content() == "big three in the top middle rotated 30 degrees"
    assert "The judge reads: three, " in judged.text_content()
    after = box.locator("canvas").evaluate(PIXELS)
    assert sum(after) > 1.2 * sum(before) > 0
    assert "of the image's 32 pixels" in judged.text_content()


def test_a_figure_is_downloaded_from_the_page_alone(
    browser: Any, report: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "page.html"  # nothing beside it, as when it was sent by mail
    shutil.copy(report, alone)
    opened = browser.new_page()
    opened.goto(alone.as_uri())
    for kind in ("png", "svg"):
        with opened.expect_download() as download:
            opened.locator(f'a[download="sizes.{kind}"]').click()
        download.value.save_as(tmp_path / f"sizes.{kind}")
    with opened.expect_download() as download:
        opened.locator('a[download="sizes.csv"]').click()
    download.value.save_as(tmp_path / "sizes.csv")
    opened.close()
    kept = report.parent / "figures"
    assert (tmp_path / "sizes.svg").read_bytes() == (kept / "sizes.svg").read_bytes()
    assert (tmp_path / "sizes.csv").read_bytes() == (kept / "sizes.csv").read_bytes()
    with Image.open(tmp_path / "sizes.png") as drawn:
        assert drawn.width > 1000
        assert len(drawn.convert("RGB").getcolors(1 << 20) or []) > 20  # not an empty sheet


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_every_sound_has_a_name_and_plays(page: Any) -> None:
    durations = """audios => Promise.all(audios.map(audio => new Promise((resolve, reject) => {
        audio.addEventListener("loadedmetadata", () => resolve(audio.duration));
        audio.addEventListener("error", () => reject(audio.error.message));
        audio.load();
    })))"""
    found = page.eval_on_selector_all(".sound audio", durations)
    assert len(found) > 20
    assert all(0.2 < each < 1.1 for each in found)
    names = page.eval_on_selector_all(
        ".sound .play", "all => all.map(each => each.getAttribute('aria-label'))"
    )
    assert len(names) == len(found)
    assert len({name for name in names if name.startswith("Play: ")}) == len(found)
    first = page.locator('[aria-label="Pitch alone"] .play').first
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector('[aria-label="Pitch alone"] .sound.on')
    page.keyboard.press("ArrowRight")  # the next one, alone
    page.wait_for_function("() => document.querySelectorAll('.sound')[11].classList.contains('on')")
    assert page.locator(".sound.on").count() == 1
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("Play: 100 Hz: heard by the judge as seven")
