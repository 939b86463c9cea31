from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from unbraid.core.errors import UnbraidError
from unbraid.tour.formatting import number
from unbraid.tour.page import document, html
from unbraid.tour.page.commands import program, runnable
from unbraid.tour.page.document import Chapter, State
from unbraid.tour.page.references import REFERENCES, cite, listed


def test_numbers_are_typeset() -> None:
    assert number(-1234.56) == "\N{MINUS SIGN}1,234.6"
    assert number(-0.001, 2) == "0.00"
    assert number(3, 0) == "3"


def test_what_is_text_is_escaped() -> None:
    assert html.text("a < b's") == "a &lt; b\N{RIGHT SINGLE QUOTATION MARK}s"
    assert "<script>" not in html.table("<script>", ["<script>"], [["<script>"]])
    assert "<script>" not in html.commands(["<script>"])
    assert "<script>" not in html.figure([], "<script>")
    assert 'alt="&quot;' in html.image("png", b"", '"', 1, 1)
    assert "<script>" not in html.sheet_link("name", "<script>")


def test_commands_keep_their_quotes() -> None:
    assert "&#x27;my folder&#x27;" in html.commands(["unbraid scatter 'my folder'"])


def test_a_page_that_grows_says_what_is_to_come_and_loads_anew() -> None:
    chapters = [Chapter("one", "One", "<p>done</p>"), Chapter("two", "Two", None)]
    growing = document.render("Title", "", chapters, State("half", True), "")
    assert "location.reload" in growing
    assert "to come" in growing
    assert 'id="live"' in growing
    complete = document.render("Title", "", chapters[:1], State("all", False), "")
    assert "location.reload" not in complete
    assert "to come" not in complete


def test_a_table_has_no_heading_without_words() -> None:
    with pytest.raises(AssertionError):
        html.table("caption", ["", "mean"], [["a", "1"]])


def test_the_contents_lead_to_chapters_and_to_what_can_be_moved() -> None:
    box = '<div id="try-plane" data-title="two numbers" data-touch="sliders" hidden></div>'
    chapters = [Chapter("one", "One", box), Chapter("two", "Two", None)]
    page = document.render("Title", "", chapters, State("", False), "", "<section>papers</section>")
    nav = page.partition("<nav")[2].partition("</nav>")[0]
    assert [part.partition('"')[0] for part in nav.split('href="#')[1:]] == [
        "one", "try-plane", "two", "references",
    ]  # fmt: skip
    assert 'href="#try-plane" data-try hidden>Skip to the sliders' in page.partition("<header")[0]


def test_papers_are_named_and_listed() -> None:
    named = cite("holm1979") + cite("chen2018", ", section 4")
    assert ">Chen et al. 2018, section 4</a>" in named
    found = listed(named)
    assert found.count("<li ") == 2
    assert 'id="ref-chen2018"' in found
    assert "https://arxiv.org/abs/1802.04942" in found
    assert listed("<p>none</p>") == ""


def test_every_reference_is_whole() -> None:
    for key, each in REFERENCES.items():
        assert re.fullmatch(r"[a-z]+\d{4}[a-z]*", key)
        assert each.short.rpartition(" ")[2] == re.findall(r"\d{4}", key)[0]
        assert each.link.startswith("https://")
        assert all(each)


def test_commands_run_where_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / "here" / ".venv" / "bin"
    venv.mkdir(parents=True)
    for name in ("python", "unbraid"):
        (venv / name).write_text("#!/bin/sh\n")
        (venv / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(venv / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path / "here")
    assert program() == str(Path(".venv/bin/unbraid"))
    assert runnable("unbraid tour --quick") == ".venv/bin/unbraid tour --quick"
    monkeypatch.chdir(tmp_path)
    assert program() == str(Path("here/.venv/bin/unbraid"))
    monkeypatch.chdir("/")
    assert program() == str(tmp_path / "here/.venv/bin/unbraid").removeprefix("/")
    monkeypatch.setenv("PATH", str(venv))
    assert program() == "unbraid"
    (venv / "unbraid").unlink()
    assert runnable("unbraid methods").endswith("python -m unbraid methods")


def test_a_page_of_someone_elses_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    document.check_place(path)  # nothing there
    path.write_text(document.render("T", "", [], State("", False), ""), encoding="utf-8")
    document.check_place(path)  # a tour's own
    path.write_text("<html>my site</html>", encoding="utf-8")
    with pytest.raises(UnbraidError, match="not a page of the tour, so it is left as it is"):
        document.check_place(path)
