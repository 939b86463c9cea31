"""The explorer's page of a run on a user's folder of images, opened from disk in a real browser."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr

import unbraid
from unbraid.cli import main
from unbraid.control import loading
from unbraid.control.linear_gaussian.controller import Fitted
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.explorer import page as pages
from unbraid.explorer.api import Explorer
from unbraid.explorer.preparation import preparation
from unbraid.runs import Run
from unbraid.sound import SIGNAL

TITLE = "</script><b>&\"'"  # what a folder may be called
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
PIXELS = "explorer.state.run.decode(explorer.state.code)"
# nothing waits for a frame or for the worker, and each latent in sight has the strip of this code
RESTS = """() => {
    const {list, state, strips} = explorer;
    const drawn = (part) => {
        const others = Float32Array.from(state.code);
        part.row.set(others, 0);
        return part.visible === false || part.drawn === others.join();
    };
    return !state.dirty && strips.idle && [...list.parts.values()].every(drawn);
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Discs in four colours, 40 by 30 pixels; the colour is the subfolder."""
    root = tmp_path_factory.mktemp("discs")
    rng = np.random.default_rng(0)
    colours = {
        "red": (220, 40, 40),
        "green": (30, 180, 60),
        "blue": (50, 80, 230),
        "grey": (90,) * 3,
    }
    row, column = np.indices((30, 40))
    for name, colour in colours.items():
        (root / name).mkdir()
        for index in range(45):
            y, x, radius = rng.uniform(8, 22), rng.uniform(12, 28), rng.uniform(4, 8)
            inside = (row - y) ** 2 + (column - x) ** 2 < radius**2
            pixels = np.where(inside[..., None], colour, 245).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{index}.png")
    return root


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "discs"
    options = ["--net", "mlp", "--latent-dim", "3", "--epochs", "12", "--batch-size", "16"]
    data = ["--data", str(folder), "--data.size", "16", "--data.title", TITLE]
    assert main(["train", "vae", *data, *options, "--out", str(out)]) == 0
    return Run(out)


@pytest.fixture(scope="module")
def written(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "discs.html"
    assert main(["explore", str(run.folder), "--no-open", "--out", str(path)]) == 0
    return path


Opener = Callable[..., Any]


@pytest.fixture(scope="module")
def opening(browser: Any) -> Iterator[tuple[Opener, list[str]]]:
    """Open pages; with a list of what they complain of or ask for but themselves."""
    contexts, complaints = [], []

    def opened(path: Path, look: str = "light", fragment: str = "") -> Any:
        context = browser.new_context(offline=True, **LOOKS[look])
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        outside = ("file:", "blob:", "data:")
        page.on("request", lambda r: r.url.startswith(outside) or complaints.append(r.url))
        page.goto(path.as_uri() + fragment)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield opened, complaints
    for context in contexts:
        context.close()


@pytest.fixture
def opened(opening: tuple[Opener, list[str]]) -> Iterator[Opener]:
    """Open a page; a test fails if any page complains or asks for anything but itself."""
    opener, complaints = opening
    yield opener
    assert complaints == []


@pytest.fixture(scope="module")
def shared(opening: tuple[Opener, list[str]], written: Path) -> Any:
    """A page for most tests: opening one takes longer than what they do with it."""
    return opening[0](written)


@pytest.fixture
def page(opened: Opener, shared: Any) -> Any:
    """The shared page as it is when it is opened."""
    shared.mouse.move(0, 0)
    shared.evaluate("""() => {
        document.querySelectorAll(".toast").forEach(each => each.remove());
        document.querySelectorAll("html, .left, .right").forEach(each => each.scrollTo(0, 0));
        document.activeElement.blur();
        clearTimeout(explorer.state.timer);
        explorer.state.read("#image=0");
        explorer.state.save(false);
    }""")
    shared.wait_for_function("() => !explorer.state.dirty && !explorer.own.waiting")
    return shared


def choose(page: Any, tab: str) -> None:
    """Choose a tab, and wait until its panel is built: that of words is when it is first seen."""
    page.evaluate("tab => explorer.tabs.choose(tab)", tab)
    panel = page.locator(f"#panel-{tab}")
    panel.wait_for()
    panel.locator(".words-text" if tab == "ask" else "*").first.wait_for(state="attached")


def array(page: Any, expression: str) -> np.ndarray:
    return np.array(page.evaluate(f"Array.from({expression})"), np.float32)


def test_it_shows_what_torch_computes(page: Any, run: Run) -> None:
    page.wait_for_function(RESTS)
    model, data = run.model(), pages.sample(run)
    codes = model.encode(np.asarray(data.images[:]))
    assert np.abs(array(page, "explorer.state.run.codes") - codes.numpy().ravel()).max() < 2e-3
    code = array(page, "explorer.state.code")
    drawn = model.decode(torch.from_numpy(code)[None]).numpy().ravel()
    assert np.abs(array(page, PIXELS) - drawn).max() < 0.5 / 255
    assert page.locator("h1 small").text_content() == run.folder.name
    page.get_by_role("tab", name="About").click()
    assert TITLE in page.locator("#panel-about").text_content() or "folder" in (
        page.locator("#panel-about").text_content()
    )
    rows = page.evaluate("explorer.state.run.rows.map(row => [row.name, row.weight])")
    assert [weight for _, weight in rows] == sorted((w for _, w in rows), reverse=True)
    strip = "explorer.list.parts.get(explorer.state.run.rows[0]).images"
    first = page.evaluate("explorer.state.run.rows[0].strip()[0]")
    code[page.evaluate("explorer.state.run.rows[0].first")] = first
    drawn = model.decode(torch.from_numpy(code)[None]).numpy().ravel()
    assert np.abs(array(page, f"{strip}[0]") - drawn).max() < 0.5 / 255


def test_a_drawing_is_encoded_at_every_stroke(page: Any, run: Run) -> None:
    pad = page.locator(".pad")
    before = array(page, "explorer.state.code")
    page.get_by_role("button", name="Clear").click()
    assert (array(page, "explorer.state.code") == before).all()
    assert page.locator(".own .says").text_content() == ""
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 60)
    for step in range(4):
        code = page.evaluate("explorer.state.code.join()")
        if step:
            page.mouse.move(box["x"] + 50 + 20 * step, box["y"] + 70 + 10 * step)
        else:
            page.mouse.down()
        page.wait_for_function("code => explorer.state.code.join() !== code", arg=code)
    page.mouse.up()
    page.wait_for_function("() => !explorer.own.waiting")
    pixels = array(page, "explorer.state.pixels")
    exact = run.model().encode(torch.from_numpy(pixels).view(1, 3, 16, 16)).numpy()[0]
    assert np.abs(array(page, "explorer.state.code") - exact).max() < 1e-2
    assert "held-out images" in page.locator(".own .says").text_content()


def test_files_are_read_as_the_data_were(page: Any, run: Run, folder: Path, tmp_path: Path) -> None:
    path = folder / "blue" / "3.png"
    page.locator(".own input[type=file]").set_input_files(path)
    page.wait_for_function("() => explorer.state.image === null")
    (expected,) = np.asarray(
        unbraid.load_dataset("folder", path=str(_alone(path, tmp_path)), size=16, full=True).images
    )
    found = array(page, "explorer.state.pixels").reshape(3, 16, 16) * 255
    assert np.abs(found - expected).max() <= 1
    text = tmp_path / "notes.png"
    text.write_text("no image")
    page.locator(".own input[type=file]").set_input_files(text)
    page.wait_for_function(
        "() => document.querySelector('.own .says').textContent.includes('notes.png')"
    )


def _alone(path: Path, root: Path) -> Path:
    target = root / "alone"
    target.mkdir()
    (target / path.name).write_bytes(path.read_bytes())
    return target


def test_the_keyboard_moves_sliders_and_says_so(page: Any) -> None:
    page.keyboard.press("1")
    slider = page.locator("input.slider").first
    assert slider.evaluate("each => each === document.activeElement")
    told = [slider.get_attribute("aria-valuetext")]
    for key in ("ArrowRight", "ArrowUp", "PageUp", "ArrowLeft", "PageDown", "Home", "End", "0"):
        page.keyboard.press(key)
        told.append(slider.get_attribute("aria-valuetext"))
    page.keyboard.press("r")
    told.append(slider.get_attribute("aria-valuetext"))
    assert all(one != other for one, other in itertools.pairwise(told))
    before = page.evaluate("explorer.state.image")
    page.keyboard.press("n")
    assert page.evaluate("explorer.state.image") == before + 1
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")  # the browser closes it a little later
    page.keyboard.press("/")
    page.wait_for_function(  # the field of words is built when it is first asked for
        "() => document.activeElement.matches('input[type=text], input[type=search]')"
    )
    page.get_by_role("tab", name="Map").click()
    page.locator("canvas.over").focus()
    for key in ("ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    page.locator(".preview").wait_for()
    before = array(page, "explorer.state.code")
    page.keyboard.press("Enter")
    assert (array(page, "explorer.state.code") != before).sum() == 2


def test_the_map_previews_and_keeps(page: Any) -> None:
    before = array(page, "explorer.state.code")
    box = page.locator("canvas.over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.3)
    page.locator(".preview").wait_for()
    assert (array(page, "explorer.state.code") == before).all()
    page.mouse.down()
    page.mouse.up()
    place = page.evaluate(
        "[explorer.map.ax.of(explorer.state.code), explorer.map.ay.of(explorer.state.code)]"
    )
    ends = page.evaluate("[explorer.map.ax.low, explorer.map.ax.high]")
    assert place[0] == pytest.approx(ends[0] + 0.7 * (ends[1] - ends[0]), abs=0.02)
    page.get_by_role("button", name="PCA").click()
    level = page.get_by_role("button", name="red", exact=True)
    level.click()
    assert level.get_attribute("aria-pressed") == "false"


def test_the_address_holds_the_state(page: Any, opened: Opener, written: Path) -> None:
    page.evaluate("explorer.held.go(7)")
    page.locator("input.number").nth(1).fill("1.25")
    page.locator("input.number").nth(1).press("Enter")
    page.locator("input.name").first.fill("tilt & more")
    page.locator("input.name").first.press("Enter")
    page.get_by_role("tab", name="Two images").click()
    page.wait_for_function("() => location.hash.includes('tab=compare')")
    fragment = page.evaluate("location.hash")
    other = opened(written, fragment=fragment)
    assert (array(other, PIXELS) == array(page, PIXELS)).all()
    assert other.locator("input.name").first.input_value() == "tilt & more"
    assert other.get_by_role("tab", selected=True).text_content() == "Two images"
    page.evaluate("explorer.held.go(9)")
    page.go_back()
    page.wait_for_function("() => explorer.state.image === 7")
    assert (array(other, PIXELS) == array(page, PIXELS)).all()
    drawn = opened(written, fragment="#image=none&z0=0.5")  # a link to a drawing has its code alone
    assert array(drawn, "explorer.state.base")[0] == 0.5
    assert not any(drawn.locator(".trio figure").nth(at).is_visible() for at in (0, 1))
    wrong = opened(written, fragment="#image=99999")
    assert "does not fit" in wrong.get_by_role("alert").text_content()
    assert wrong.evaluate("explorer.state.image") == 0
    for broken in ("image=0&z1=high", "anything=1", "style=99", "tab=none"):
        wrong.evaluate("document.querySelectorAll('.toast').forEach(each => each.remove())")
        wrong.evaluate(f"location.hash = '{broken}'")
        assert "does not fit" in wrong.get_by_role("alert").text_content()


def test_factors_of_two_images_are_swapped(
    page: Any, opened: Opener, tiny_run: Run, tmp_path: Path
) -> None:
    choose(page, "compare")  # no latent of the discs depends on their colour
    assert page.get_by_role("group", name="Factors to swap").count() == 0
    run = Run(shutil.copytree(tiny_run.folder, tmp_path / "run"))  # its control is kept in it
    control = loading.open(run)
    assert isinstance(control, Fitted)
    pages.write([run], tmp_path / "squares.html")
    squares = opened(tmp_path / "squares.html", fragment="#tab=compare")
    squares.get_by_role("checkbox", name="row", exact=True).check()
    held = array(squares, "explorer.state.run.codes").reshape(-1, control.model.latent_dim)
    column = [spec.name for spec in control.specs].index("row")
    rows = control.read_codes(held.astype(np.float64))[:, column]
    others = [int(rows.argmin()), int(rows.argmax())]
    for row, button in zip(others, squares.get_by_text("take current image").all(), strict=True):
        squares.evaluate("row => explorer.held.go(row)", row)
        button.click()
    codes = held[others].astype(np.float64)
    read = control.read_codes(codes)
    target = read.copy()
    target[:, column] = read[::-1, column]
    found = array(squares, "explorer.compare.factors.pair.codes.flatMap(code => Array.from(code))")
    wanted = control.move(codes, read, target)
    assert np.abs(wanted - codes).max() > 0.1
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, atol=1e-3)
    image = squares.get_by_role("img", name="B with the ticked factors of the other")
    image.locator("..").get_by_role("button", name="show").click()
    assert np.abs(array(squares, "explorer.state.code") - wanted[1]).max() < 1e-3


def test_a_request_sets_the_code_and_is_in_the_address(
    page: Any, opened: Opener, written: Path
) -> None:
    page.keyboard.press("/")
    field = page.get_by_label("Describe an image")
    before = array(page, "explorer.state.code")
    field.fill("green")
    page.wait_for_function("() => location.hash.includes('ask=green')")
    page.locator(".words-hand").nth(2).click()
    page.wait_for_function("() => location.hash.includes('style=2')")
    assert (array(page, "explorer.state.code") != before).any()
    page.wait_for_function("""() => document.querySelector("canvas.big").toDataURL()
        === document.querySelectorAll(".words-image")[2].toDataURL()""")
    other = opened(written, fragment=page.evaluate("location.hash"))
    other.wait_for_function("() => document.querySelector('.words-text')?.value === 'green'")
    assert other.locator(".words-hand").nth(2).get_attribute("aria-pressed") == "true"
    assert np.abs(array(other, PIXELS) - array(page, PIXELS)).max() < 1 / 255
    code = array(page, "explorer.state.code")
    page.evaluate("explorer.held.go(5)")
    assert (array(page, "explorer.state.code") != code).any()
    page.evaluate("location.hash = 'ask=green&style=2'")  # as someone writes a link
    exact = "(other) => explorer.state.code.every((each, at) => Math.abs(each - other[at]) < 1e-6)"
    page.wait_for_function(exact, arg=code.tolist())


def test_the_keyboard_reaches_everything(page: Any) -> None:
    reached: set[str] = set()
    wanted: set[str] = set()
    mark = """() => [...document.querySelectorAll(
        "button, input, select, summary, canvas[tabindex], pre[tabindex], [role=tab]")]
        .filter(each => each.checkVisibility({visibilityProperty: true}) && each.type !== "file"
            && each.type !== "radio" && each.closest("dialog") === null && !each.disabled
            && each.tabIndex >= 0)
        .map((each, at) => each.dataset.at ??= `${at} ${each.outerHTML.slice(0, 80)}`)"""
    for tab in page.evaluate("explorer.tabs.panels.filter(each => !each.narrow).map(e => e.id)"):
        choose(page, tab)
        page.evaluate("document.querySelectorAll('[data-at]').forEach(e => delete e.dataset.at)")
        wanted = set(page.evaluate(mark))
        page.evaluate("document.activeElement.blur()")
        reached = set()
        for _ in range(len(wanted) + 4):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.dataset.at ?? ''"))
        assert wanted <= reached, tab


def test_print_shows_the_state_on_paper(page: Any) -> None:
    page.evaluate("explorer.tabs.choose('map')")
    page.emulate_media(media="print")
    try:
        for seen in ("#panel-latents .strip", "canvas.dots"):
            page.locator(seen).first.wait_for()
        for unseen in (".tabs", ".pad"):
            page.locator(unseen).wait_for(state="hidden")
    finally:
        page.emulate_media(media="screen")


def test_on_a_phone_a_panel_is_below_its_tab(opened: Opener, written: Path) -> None:
    page = opened(written, "phone")
    for tab, inside in (("Input", ".pad"), ("Map", "canvas.over"), ("Latents", ".strip")):
        page.get_by_role("tab", name=tab).click()
        page.locator(inside).first.wait_for()
        below = """look => {
            const {list} = explorer.tabs, inside = document.querySelector(look);
            return inside.getBoundingClientRect().top > list.getBoundingClientRect().top
                && Boolean(list.compareDocumentPosition(inside) & 4);
        }"""
        assert page.evaluate(below, inside)


@pytest.mark.parametrize(
    ("look", "tabs"),
    [("light", ("compare", "take")), ("dark", ("map", "ask")), ("phone", ("input",))],
)
def test_axe_finds_no_violation(
    page: Any, opened: Opener, written: Path, look: str, tabs: tuple[str, ...]
) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright")
    if look == "phone":
        page = opened(written, look)
    page.emulate_media(color_scheme="dark" if look == "dark" else "light")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    for tab in tabs:
        choose(page, tab)
        found = axe.Axe().run(page)["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    width, screen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= screen
    page.emulate_media(color_scheme="light")


def test_a_thousand_moves_leave_nothing_behind(page: Any) -> None:
    page.wait_for_function(RESTS)
    session = page.context.new_cdp_session(page)

    def used() -> float:
        session.send("HeapProfiler.collectGarbage")
        return float(session.send("Runtime.getHeapUsage")["usedSize"])

    moves = """async count => {
        const {state} = explorer;
        for (let at = 0; at < count; at++) {
            state.set(state.run.rows[at % 3], Math.sin(at));
            state.flush();
            if (at % 100 === 0) await new Promise(done => setTimeout(done, 1));
        }
    }"""
    page.evaluate(moves, 200)
    page.wait_for_function(RESTS)
    before = used()
    page.evaluate(moves, 1000)
    page.wait_for_function(RESTS)
    assert used() - before < 5e5


def test_what_is_taken_away(page: Any, opened: Opener, written: Path, run: Run) -> None:
    page.get_by_role("tab", name="Save").click()

    def taken(button: str) -> bytes:
        with page.expect_download() as download:
            page.get_by_role("button", name=button, exact=True).click()
        return Path(download.value.path()).read_bytes()

    picture = np.asarray(Image.open(io.BytesIO(taken("Image, PNG"))).convert("RGB"))
    exact = array(page, PIXELS).reshape(3, 16, 16).transpose(1, 2, 0) * 255
    assert np.abs(picture - exact).max() <= 0.51
    film = Image.open(io.BytesIO(taken("GIF")))
    assert (film.format, film.n_frames, film.size) == ("GIF", 24, (112, 112))
    film.seek(0)
    frames = "explorer.take.frames(explorer.state.run.rows[0])"
    first = array(page, f"{frames}[0].data").reshape(112, 112, 4)[..., :3]
    assert np.abs(np.asarray(film.convert("RGB")) - first).mean() < 2
    rows = list(csv.reader(io.StringIO(taken("All codes, CSV").decode())))
    assert rows[0] == ["image", "z0", "z1", "z2", "label"]
    codes = np.array([row[1:4] for row in rows[1:]], float)
    assert (
        np.abs(codes - run.model().encode(np.asarray(pages.sample(run).images[:])).numpy()).max()
        < 2e-3
    )
    assert {row[4] for row in rows[1:]} <= {"red", "green", "blue", "grey"}
    held = json.loads(taken("Code, JSON"))
    assert held["code"] == pytest.approx(array(page, "explorer.state.code").tolist())
    page.locator("input.name").first.fill("width")
    page.locator("input.name").first.press("Enter")
    again = written.with_name("again.html")
    again.write_bytes(taken("Save page with my names"))
    assert opened(again).locator("input.name").first.input_value() == "width"


def test_two_runs_are_matched_and_tied(
    opened: Opener, tiny_run: Run, squares: Dataset, tmp_path: Path
) -> None:
    model = unbraid.train("vae", squares, epochs=2, batch_size=16, progress=False)
    found = unbraid.explore(model, squares, other=tiny_run)
    page = opened(found.save(tmp_path / "two.html"))
    about = page.evaluate("JSON.parse(document.getElementById('about').textContent)")
    images = np.asarray(squares.images[:])
    codes = [each.encode(images).numpy() for each in (model, tiny_run.model())]
    for a, b, rho in about["matches"]:
        exact = spearmanr(codes[0][:, int(a[1:])], codes[1][:, int(b[1:])]).statistic
        assert rho == pytest.approx(exact, abs=0.01)
    page.get_by_role("tab", name="Two runs").click()
    a, b, _ = about["matches"][0]
    state = "explorer.state"
    before = page.evaluate(f"Array.from({state}.sides[1].code)")
    page.evaluate(f"{state}.set({state}.run.rows.find(row => row.name === '{a}'), 0.77)")
    after = page.evaluate(f"Array.from({state}.sides[1].code)")
    assert [f"z{at}" for at in range(len(after)) if after[at] != before[at]] == [b]


def test_each_of_two_runs_is_told_with_its_own_data(
    tiny_run: Run, squares: Dataset, tmp_path: Path
) -> None:
    other = dataclasses.replace(squares, name="others")
    model = unbraid.train("vae", other, epochs=1, batch_size=16, progress=False)
    second = unbraid.save(model, tmp_path / "run")
    first = Run(shutil.copytree(tiny_run.folder, tmp_path / "first"))  # its control is kept in it
    made = pages.write([first, second], tmp_path / "two.html").read_text("utf-8")
    told = re.search(r"<h1>(.*)</h1>", made)
    assert told is not None
    assert re.findall(r"on ([^ ]+) <small>", told[1]) == [tiny_run.unseen().name, "others"]


def test_pictures_of_recordings_are_not_to_be_drawn(opened: Opener, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, *SIGNAL.shape), np.uint8)
    songs = Dataset("songs", images, signal=SIGNAL)
    model = unbraid.train("vae", songs, net="mlp", steps=2, batch_size=16, progress=False)
    page = opened(unbraid.explore(model, songs).save(tmp_path / "songs.html"))
    assert page.locator(".pad").count() == 0
    assert "plays no sound" in page.locator(".own").text_content()
    page.evaluate("explorer.held.go(7)")
    assert page.locator(".trio figure").first.is_visible()


def test_a_notebook_shows_it_in_a_frame(browser: Any, written: Path, tmp_path: Path) -> None:
    frame = Explorer(written.read_text(encoding="utf-8"))._repr_html_()
    host = tmp_path / "notebook.html"
    host.write_text(f"<!doctype html><title>notebook</title><body>{frame}", encoding="utf-8")
    page = browser.new_page()
    page.goto(host.as_uri())
    inner = page.frame_locator("iframe")
    inner.locator("html[data-ready]").wait_for(state="attached")
    inner.locator("canvas.big").wait_for()
    page.close()


def test_names_end_no_element(run: Run, written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    assert text.count("</script") == text.count("<script")
    assert "<b>" not in text.replace(html.escape(TITLE), "")[:2000]
    assert "default-src 'none'" in text
    assert str(run.folder.parent) not in text
    assert f'"folder":"path/to/{run.folder.name}"' in text
    assert "http:" not in text
    assert "https:" not in text


def test_how_pictures_are_prepared_is_measured_from_the_data(tiny_run: Run) -> None:
    digits = unbraid.load_dataset("mnist", "test").take(np.arange(400))
    found = preparation(tiny_run, np.asarray(digits.images[:]))
    assert found["kind"] == "centred"
    assert found["extent"] == pytest.approx(20 / 28)
    squares = preparation(tiny_run, np.asarray(tiny_run.unseen().images[:]))
    assert (squares["kind"], squares["ground"]) == ("ink", [0, 0, 0])
    light = preparation(tiny_run, 255 - np.asarray(digits.images[:]))
    assert (light["kind"], light["ground"]) == ("centred", [255, 255, 255])


def test_what_is_no_page_is_refused(tiny_run: Run, run: Run, capsys: Any) -> None:
    assert main(["explore", str(tiny_run.folder), "--no-open", "--out", "page.png"]) == 2
    assert "ends in .html" in capsys.readouterr().err
    assert main(["explore"]) == 2
    with pytest.raises(UnbraidError, match="same images"):
        unbraid.explore(tiny_run, other=run)
