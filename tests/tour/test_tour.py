"""The whole tour on 500 images, and what must not go wrong around it."""

from __future__ import annotations

import csv
import importlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from tests.conftest import bound_by_permissions
from tests.tour.conftest import quick
from unbraid import cli
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.store import locked
from unbraid.core.subsets import some_rows
from unbraid.datasets import load_dataset
from unbraid.pages import document
from unbraid.pages.commands import program
from unbraid.pages.document import State
from unbraid.runs import Run
from unbraid.tour import Config, builder, cache, run
from unbraid.tour.builder import GENERATOR, Builder, check_place
from unbraid.tour.chapters import CHAPTERS
from unbraid.tour.context import Tour
from unbraid.tour.plan import plan
from unbraid.tour.references import REFERENCES
from unbraid.tour.terminal import Terminal
from unbraid.tour.time_left import TimeLeft


class Page(HTMLParser):
    """A page's elements as (tag, attributes), and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.code: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in ("meta", "link", "img", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data
        if "pre" in self.open:
            self.code += data.splitlines()

    def ids(self) -> set[str]:
        return {attributes["id"] for _, attributes in self.elements if "id" in attributes}

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_the_page_is_whole_and_needs_nothing_else(report: Path) -> None:
    page = Page(report)
    assert page.open == []
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    assert len(page.all("h2")) == len(CHAPTERS) + 1  # the references
    for tag, attributes in page.elements:
        for name in {"src", "href"} & attributes.keys():
            target = attributes[name]
            if target.startswith("https://"):  # a paper's, to be clicked and nothing else
                assert tag == "a"
            elif tag == "a" and "data-figure" in attributes:
                # for readers without scripts; a script takes the figure from the page itself
                assert (report.parent / target).is_file()
                assert attributes["data-figure"] in page.ids()
            else:
                assert target.startswith(("#", "data:"))
    assert "url(" not in report.read_text(encoding="utf-8")
    assert f"Complete: {len(plan(quick(report.parent)))} trainings" in page.text
    assert report.stat().st_size < 8e6


def test_figures_and_their_numbers_can_be_downloaded(report: Path) -> None:
    page = Page(report)
    folder = report.parent / "figures"
    svgs, pngs = ({path.stem for path in folder.glob(f"*.{kind}")} for kind in ("svg", "png"))
    assert svgs == pngs
    assert len(svgs) > 20
    links = {(a["download"], a.get("data-kind")) for a in page.all("a") if "download" in a}
    for stem in svgs:
        assert (f"{stem}.png", "png") in links
        assert (f"{stem}.svg", "svg") in links
    for sheet in folder.glob("*.csv"):
        (link,) = (a for a in page.all("a") if a.get("download") == sheet.name)
        kind, _, data = link["href"].partition(",")
        assert kind == "data:text/csv;charset=utf-8"
        assert unquote(data) == sheet.read_text(encoding="utf-8")
        rows = list(csv.reader(sheet.read_text(encoding="utf-8").splitlines()))
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}


def test_the_claims_numbers_are_those_of_the_runs(report: Path) -> None:
    def result(method: str, seed: int) -> float:
        job = plan(quick(report.parent))[f"{method}-b4-{seed}"]
        return float(Run(job.folder).result["reconstruction_stats"]["reconstruction"])

    text = (report.parent / "figures" / "claim.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["beta"] == "4"]
    (row,) = (row for row in rows if row["difference in"] == "reconstruction")
    differences = [result("beta-tcvae", seed) - result("beta-vae", seed) for seed in (0, 1)]
    assert float(row["mean"]) == pytest.approx(sum(differences) / 2)
    reach = 12.7062 * abs(differences[0] - differences[1]) / 2  # t of one degree of freedom
    assert float(row["low"]) == pytest.approx(sum(differences) / 2 - reach, rel=1e-4)
    text = Page(report).text
    assert "similar disentanglement”: cannot be decided with 2 seeds" in text
    assert re.search(r"any statement was made in \d\.\d%", text)


def test_scores_are_those_of_unbraid_evaluate(report: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(plan(quick(report.parent))["beta-vae-b1-0"].folder, folder)
    before = Run(folder).scores()
    assert cli.main(["evaluate", str(folder), "--metrics", "mig,dci"]) == 0
    after = Run(folder).scores()
    for name in ("mig", "dci"):
        assert after[name]["value"] == pytest.approx(before[name]["value"], abs=1e-12)


def test_every_link_has_its_place_and_every_image_its_words(report: Path) -> None:
    page = Page(report)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in page.all("a"):
        if "download" not in link and not link["href"].startswith("https://"):
            assert link["href"].removeprefix("#") in ids
    images = [image for image in page.all("img") if "hidden" not in image]
    assert len(images) > 12
    for image in images:
        assert len(image["alt"]) > 40
        assert int(image["width"]) > 0
    numbers = [image["alt"] for image in images if re.search(r"\d\.\d", image["alt"])]
    assert len(numbers) > 10


def test_every_paper_is_named_linked_and_listed(report: Path) -> None:
    page = Page(report)
    cited = {a["href"] for a in page.all("a") if a["href"].startswith("#ref-")}
    assert cited == {f"#ref-{key}" for key in REFERENCES}
    listed = [a["href"] for a in page.all("a") if a["href"].startswith("https://")]
    assert sorted(listed) == sorted(each.link for each in REFERENCES.values())
    assert "Feature Disentanglement - I" in page.text
    years = re.findall(r"[A-Z]\w+(?: et al\.)?,? (?:19|20)\d\d\b", page.text)
    names = {each.short.split()[-2] + " " + each.short.split()[-1] for each in REFERENCES.values()}
    dates = {f"{datetime.now():%B %Y}"}
    assert {" ".join(name.split()[-2:]) for name in years} <= names | dates


def test_no_heading_of_a_table_is_empty(report: Path) -> None:
    html = report.read_text(encoding="utf-8")
    cells = re.findall(r"<th [^>]*>(.*?)</th>", html)
    assert len(cells) > 50
    assert all(re.sub(r"<[^>]*>", "", cell).strip() for cell in cells)


def test_every_chapter_has_commands_that_exist(report: Path) -> None:
    page = Page(report)
    lines = [line.removeprefix(program()) for line in page.code if line]
    commands = [["unbraid", *shlex.split(line)] for line in lines]
    for _, command, target, *_ in commands:
        assert command in (*cli.COMMANDS, *registry.names("figures"))
        assert (
            command in ("train", "tour", "generate") or target == "digits" or Path(target).exists()
        )
    told = [words[words.index("--figure") + 1] for words in commands if "--figure" in words]
    tour = Tour(quick(report.parent))
    assert told == [name for chapter in tour.modules for name in tour.names(chapter)]


@pytest.mark.parametrize("command", ["scatter", "sample", "plane", "traverse"])
def test_a_figures_command_makes_it(report: Path, tmp_path: Path, command: str) -> None:
    line = next(line for line in Page(report).code if line.startswith(f"{program()} {command}"))
    out = tmp_path / "codes.png"
    assert cli.main([*shlex.split(line)[1:], "--out", str(out)]) == 0
    assert out.is_file()


def test_a_figure_alone_is_made_anew_and_trains_nothing(
    report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(builder, "run_all", lambda jobs, *_: jobs and pytest.fail("trains"))
    page = report.read_bytes()
    svg = (report.parent / "figures" / "stay-1.svg").read_bytes()
    line = next(line for line in Page(report).code if "--figure stay" in line)
    for path in (report.parent / "figures").glob("stay*"):
        path.unlink()
    assert cli.main(shlex.split(line)[1:]) == 0
    printed = capsys.readouterr().out.split()
    assert [Path(path).name for path in printed] == ["stay-0.png", "stay-1.png"]
    assert (report.parent / "figures" / "stay-1.svg").read_bytes() == svg  # to the byte
    assert (report.parent / "figures" / "stay.csv").is_file()
    assert report.read_bytes() == page


def test_a_figure_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match=r"no figure 'stey' \(did you mean 'stay'\?\): they are"):
        run(quick(tmp_path, figure="stey"))
    assert not list(tmp_path.iterdir())


def test_a_trainings_command_is_the_one_that_ran(report: Path) -> None:
    config = quick(report.parent)
    for job in plan(config).values():
        # the run is finished, so --resume says whether the options are its own and trains nothing
        assert cli.main([*shlex.split(job.command)[1:], "--resume"]) == 0


def untouched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let chapters be written by name alone; return the names of those that are."""
    wrote: list[str] = []

    def writer(name: str) -> Any:
        return lambda _: wrote.append(name) or f"<p>{name} anew</p>"

    for name in CHAPTERS:
        module = importlib.import_module(f"unbraid.tour.chapters.{name}")
        monkeypatch.setattr(module, "write", writer(name))
    return wrote


def test_chapters_are_not_rendered_again(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = report.read_text(encoding="utf-8")
    wrote = untouched(monkeypatch)
    run(quick(report.parent))
    assert wrote == []
    main = "<main.*</main>"
    assert (
        re.search(main, before, re.DOTALL)[0]
        == re.search(  # type: ignore[index]
            main, report.read_text(encoding="utf-8"), re.DOTALL
        )[0]
    )


def copied(report: Path, out: Path) -> Config:
    """Copy a report that is to be changed; its runs name their data by the first one's path."""
    shutil.copytree(report.parent, out)
    for path in out.glob("runs/*/config.json"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(str(report.parent), str(out)), encoding="utf-8")
    return quick(out)


@pytest.mark.parametrize(
    ("changed", "chapters"),
    [
        ("runs/vae-2d-1-*/result.json", ["ch03_vae_prior", "ch04_sampling"]),
        ("runs/vae-2d-1-*/model.safetensors", ["ch03_vae_prior", "ch04_sampling"]),
        ("figures/tradeoff.png", ["ch08_beta_tcvae"]),
        ("figures/left.csv", ["ch08_beta_tcvae"]),
        ("chapters/ch05_factors.json", ["ch05_factors"]),
    ],
)
def test_a_chapter_whose_input_changed_is_rendered_again(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str, chapters: list[str]
) -> None:
    config = copied(report, tmp_path / "report")
    tour = Tour(config)
    body = "<p>kept</p>"
    for name in CHAPTERS:
        kept = json.loads((config.out / "chapters" / f"{name}.json").read_text(encoding="utf-8"))
        Builder(tour).cache.write(name, body, [tour.figures / each for each in kept["figures"]])
    (path,) = config.out.glob(changed)
    path.write_bytes(path.read_bytes() + b" ")
    if path.name == "ch05_factors.json":
        path.write_text("[")  # broken
    wrote = untouched(monkeypatch)
    run(config)
    assert wrote == chapters


def test_other_options_and_other_code_render_chapters_again(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Builder(Tour(quick(report.parent))).cache
    assert kept.read("ch05_factors") is not None
    monkeypatch.setattr(cache, "code", lambda: "another version")
    assert kept.read("ch05_factors") is None
    monkeypatch.undo()
    monkeypatch.setattr(cache, "program", lambda: "elsewhere/unbraid")
    assert Builder(Tour(quick(report.parent))).cache.read("ch05_factors") is None
    monkeypatch.undo()
    assert Builder(Tour(Config(out=report.parent))).cache.read("ch05_factors") is None


def test_a_finished_tour_started_again_trains_nothing(
    report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_training(jobs: list[object], *_: object) -> None:
        assert not jobs

    monkeypatch.setattr(builder, "run_all", no_training)
    before = Page(report).text
    run(quick(report.parent))
    assert Page(report).text.splitlines()[:20] == before.splitlines()[:20]


def test_the_page_grows_chapter_by_chapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: Path
) -> None:
    seen: list[int] = []

    def look(path: Path, html: str) -> None:
        seen.append(html.count('class="waiting"'))
        assert ("location.reload" in html) == (seen[-1] > 0)

    monkeypatch.setattr(builder.document, "write", look)
    run(quick(report.parent))
    assert seen[0] == len(CHAPTERS) - 1  # the page from before stays until then
    assert seen[-1] == 0
    assert seen == sorted(seen, reverse=True)


def test_how_much_each_scale_trains(tmp_path: Path) -> None:
    def seeds(stem: str, **options: Any) -> int:
        names = plan(Config(out=tmp_path, **options))
        return sum(name.rpartition("-")[0] == stem for name in names)

    assert seeds("vae-2d") == seeds("ae-2d", quick=True) == 6
    assert seeds("beta-tcvae-b4") == 3
    assert seeds("beta-tcvae-b4", full=True) == seeds("beta-vae-b1", full=True) == 10
    assert seeds("infogan", full=True) == seeds("infogan-plain", full=True) == 5
    assert seeds("ae-20d", full=True) == 5
    assert seeds("beta-tcvae-b4", full=True, seeds=7) == seeds("ae-20d", full=True, seeds=7) == 7
    assert (seeds("infogan"), seeds("infogan-plain")) == (2, 1)
    assert seeds("vae-2d", full=True, seeds=10) == seeds("beta-vae-b16", full=True, seeds=10) == 10
    assert seeds("ae-2d", seeds=1) == seeds("ae-20d", seeds=1) == 1
    assert seeds("beta-tcvae-b1") == 0  # the same loss as beta-VAE's there


def test_ten_seeds_train_the_curves_that_full_does(tmp_path: Path) -> None:
    full, ten = (plan(Config(out=tmp_path, full=True, seeds=n)) for n in (0, 10))
    curves = [name for name in ten if name.startswith("beta-")]
    assert len(curves) == 130
    for name in curves:
        assert full[name] == ten[name]
    job = full["beta-vae-b4-3"]
    assert job.folder == tmp_path / "runs" / "beta-vae-b4-3-e40"
    training = job.config.training
    assert (training.epochs, training.batch_size, training.threads, training.seed) == (
        40,
        256,
        1,
        3,
    )


def test_some_images_are_a_random_subset_always_the_same(report: Path) -> None:
    (path,) = (report.parent / "data").iterdir()
    assert path.name == "mnist-random-500.npz"  # others by another name held the first ones
    with np.load(path) as found:
        images, digits = found["images"], found["factors"]
    every = load_dataset("mnist")
    rows = some_rows(len(every), 500)
    np.testing.assert_array_equal(images, np.asarray(every.take(rows).images[:]))
    np.testing.assert_array_equal(digits.ravel(), every.factor("digit")[rows])
    assert rows.max() > 50_000


def test_scales_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    by_folder: dict[Path, Any] = {}
    for options in ({}, {"quick": True}, {"full": True}, {"images": 500}, {"epochs": 5}):
        for job in plan(Config(out=tmp_path, **options)).values():
            assert by_folder.setdefault(job.folder, job.config) == job.config


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seeds": -1}, "seeds is -1, expected 0 or more"),
        ({"full": True, "seeds": 2}, "seeds is 2, expected 5 or more with full"),
        ({"quick": True, "full": True}, "quick and full are both given"),
        ({"epochs": 0}, "epochs is 0, expected 1 or more"),
        ({"images": 10}, "images is 10, expected 500 or more"),
        ({"jobs": -1}, "jobs is -1, expected 0 or more"),
    ],
)
def test_options_out_of_range_are_told(options: dict[str, int], said: str) -> None:
    with pytest.raises(UnbraidError, match=said):
        Config(**options)  # type: ignore[arg-type]


def test_someone_elses_page_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "index.html").write_text("mine")
    assert cli.main(["tour", "--out", str(tmp_path)]) == 2
    assert "not a page of the tour" in capsys.readouterr().err
    assert (tmp_path / "index.html").read_text() == "mine"
    assert os.listdir(tmp_path) == ["index.html"]


def test_a_page_of_someone_elses_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    check_place(path)  # nothing there
    path.write_text(
        document.render("T", "", [], State("", False), "", generator=GENERATOR), encoding="utf-8"
    )
    check_place(path)  # a tour's own
    path.write_text("<html>my site</html>", encoding="utf-8")
    with pytest.raises(UnbraidError, match="not a page of the tour, so it is left as it is"):
        check_place(path)


def test_a_file_in_the_way_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("mine")
    with pytest.raises(UnbraidError, match="report is a file, expected a folder"):
        run(quick(tmp_path / "report"))
    with pytest.raises(UnbraidError, match="a part of that path is a file"):
        run(quick(tmp_path / "report", figure="stay"))
    assert (tmp_path / "report").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_a_folder_not_to_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o500)
    words = ["tour", "--quick", "--out", str(tmp_path / "mine/report")]
    done = subprocess.run(
        [sys.executable, "-m", "unbraid", *words],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=bound_by_permissions,
    )
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "Permission denied" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_another_run_in_the_way_is_told_before_anything_is_trained(
    report: Path, tmp_path: Path
) -> None:
    config = quick(tmp_path)
    job = list(plan(config).values())[-1]
    job.folder.mkdir(parents=True)
    other = Run(next((report.parent / "runs").iterdir())).folder
    (job.folder / "config.json").write_text((other / "config.json").read_text())
    with pytest.raises(UnbraidError, match="holds a run that is not the tour's: move it away"):
        run(config)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [job.folder.name]


def test_a_file_in_the_way_of_a_run_is_told_and_the_page_says_so(
    report: Path, tmp_path: Path
) -> None:
    config = quick(tmp_path)
    job = next(iter(plan(config).values()))
    job.folder.parent.mkdir(parents=True)
    job.folder.write_text("mine")
    with pytest.raises(UnbraidError, match="cannot write"):
        run(config)
    assert job.folder.read_text() == "mine"
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert f"The tour was stopped. Continue it with: {program()} tour" in page
    assert "location.reload" not in page


@pytest.mark.parametrize(
    "found", ["{}", "[]", '{"figures": {}, "training": {}, "metrics": {"mig": null}}']
)
def test_a_result_that_is_none_is_told(report: Path, tmp_path: Path, found: str) -> None:
    config = quick(tmp_path)
    job = plan(config)["beta-vae-b1-0"]
    shutil.copytree(plan(quick(report.parent))[job.name].folder, job.folder)
    text = (job.folder / "config.json").read_text().replace(str(report.parent), str(tmp_path))
    (job.folder / "config.json").write_text(text)
    (job.folder / "result.json").write_text(found)
    with pytest.raises(UnbraidError, match=r"what a training writes: delete|or delete it"):
        run(config)


def test_a_broken_file_of_its_own_is_written_again(report: Path, tmp_path: Path) -> None:
    (source,) = (report.parent / "data").iterdir()
    broken = tmp_path / "data" / source.name
    broken.parent.mkdir()
    broken.write_bytes(source.read_bytes()[:1000])
    plan(quick(tmp_path))
    assert broken.stat().st_size == source.stat().st_size


def test_a_stop_before_the_first_chapter_leaves_an_older_page(
    report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise builder.Interrupted

    before = report.read_bytes()
    monkeypatch.setattr(builder, "run_all", stopped)
    monkeypatch.setattr(builder.Builder, "ready", lambda _: [])
    with pytest.raises(KeyboardInterrupt):
        run(quick(report.parent))
    assert report.read_bytes() == before


def test_what_is_ignored_stays_so_and_a_lost_terminal_raises_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as nohup does with SIGHUP
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Terminal(TimeLeft([])) as terminal:
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
            monkeypatch.setattr(terminal.bars.console, "print", lost)
            signal.raise_signal(signal.SIGINT)
            assert terminal.stop_requested()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, interrupt)


def test_a_second_tour_in_the_folder_leaves_the_page_alone(report: Path) -> None:
    before = report.read_bytes()
    with locked(report.parent), pytest.raises(UnbraidError, match="another process"):
        run(quick(report.parent))
    assert report.read_bytes() == before


def test_commands_quote_folders(tmp_path: Path) -> None:
    tour = Tour(quick(tmp_path / "my report"))
    assert shlex.split(tour.folder("vae-2d-0")) == [str(tour.jobs["vae-2d-0"].folder)]


def test_an_old_half_finished_report_is_gone_on_with(
    report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = quick(report.parent)
    job = plan(config)["vae-2d-1"]
    weights = (job.folder / "model.safetensors").read_bytes()
    for name in ("result.json", "model.safetensors"):
        (job.folder / name).unlink()
    (job.folder / ".model-half.safetensors").write_bytes(b"half")  # what a kill may leave
    report.write_text('<meta name="generator" content="unbraid tour 0.0.1"><p>hal')
    run_all, trained = builder.run_all, []
    monkeypatch.setattr(
        builder, "run_all", lambda jobs, *rest: trained.extend(jobs) or run_all(jobs, *rest)
    )
    run(config)
    assert [each.name for each in trained] == ["vae-2d-1"]
    assert (job.folder / "model.safetensors").read_bytes() == weights
    assert not (job.folder / ".model-half.safetensors").exists()
    assert "Complete" in Page(report).text


FULL_DISK = """
import resource, sys
from unbraid import cli
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files")
def test_a_full_disk_is_told_and_the_tour_goes_on_when_there_is_room(
    report: Path, tmp_path: Path
) -> None:
    # no file may grow beyond a megabyte: as a full disk, this fails in the middle of a write
    words = ["tour", "--figure", "wander", "--out", str(tmp_path), "--quick", "--seeds", "1"]
    words += ["--epochs", "1", "--images", "500", "--jobs", "1"]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "free some space or choose a folder" in done.stderr
    assert "Traceback" not in done.stderr
    (job,) = (tmp_path / "runs").iterdir()
    assert not (job / "model.safetensors").exists()
    assert not list(job.glob(".*"))  # nothing half is left
    assert cli.main(words) == 0
    assert list((tmp_path / "figures").glob("wander*.png"))


def start(out: Path, jobs: int) -> subprocess.Popen[str]:
    """Start a long tour in a process of its own, and wait until it trains."""
    words = ["tour", "--out", str(out), "--images", "1000", "--epochs", "9999", "--seeds", "1"]
    # whatever started the tests may have had signals ignored, as nohup does
    code = (
        "import signal, sys; from unbraid.cli import main; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "
        "[signal.signal(each, signal.SIG_DFL) for each in (signal.SIGTERM, signal.SIGHUP)]; "
        f"sys.exit(main({[*words, '--jobs', str(jobs)]}))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", f"if __name__ == '__main__':\n  {code}"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(list(out.glob("runs/*/metrics.jsonl"))) < jobs:
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP", "SIGTERM"])
def test_a_stop_saves_and_says_how_to_go_on(tmp_path: Path, name: str) -> None:
    process = start(tmp_path / "report", jobs=2)
    os.killpg(process.pid, getattr(signal, name))  # as a terminal does: to all of them
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 130
    assert f"Continue with: {program()} tour --out {tmp_path / 'report'}" in errors
    assert "Traceback" not in errors
    assert len(list(tmp_path.glob("report/runs/*/checkpoint.safetensors"))) == 2
    page = Page(tmp_path / "report" / "index.html")
    assert f"The tour was stopped. Continue it with: {program()} tour" in page.text


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")
def test_trainings_save_and_end_if_the_tour_is_killed(tmp_path: Path) -> None:
    process = start(tmp_path / "report", jobs=2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 120
    while _alive(process.pid):
        assert time.monotonic() < deadline, "its trainings run on"
        time.sleep(0.1)
    assert len(list(tmp_path.glob("report/runs/*/checkpoint.safetensors"))) == 2


def _alive(group: int) -> bool:
    """Whether a process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
