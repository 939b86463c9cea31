from __future__ import annotations

import base64
import hashlib
import re
import sys
from pathlib import Path

import pytest

from unbraid.pages import document, html
from unbraid.pages.commands import program, runnable
from unbraid.pages.document import Chapter, State


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
    growing = document.render("Title", "", chapters, State("half", True), "", generator="me")
    assert "location.reload" in growing
    assert "to come" in growing
    assert 'id="live"' in growing
    complete = document.render("Title", "", chapters[:1], State("all", False), "", generator="me")
    assert "location.reload" not in complete
    assert "to come" not in complete


def test_a_table_has_no_heading_without_words() -> None:
    with pytest.raises(AssertionError):
        html.table("caption", ["", "mean"], [["a", "1"]])


def test_the_contents_lead_to_chapters_and_to_what_can_be_moved() -> None:
    box = '<div id="try-plane" data-title="two numbers" data-touch="sliders" hidden></div>'
    chapters = [Chapter("one", "One", box), Chapter("two", "Two", None)]
    page = document.render(
        "Title", "", chapters, State("", False), "", "<section>papers</section>", generator="me"
    )
    nav = page.partition("<nav")[2].partition("</nav>")[0]
    assert [part.partition('"')[0] for part in nav.split('href="#')[1:]] == [
        "one", "try-plane", "two", "references",
    ]  # fmt: skip
    assert 'href="#try-plane" data-try hidden>Skip to the sliders' in page.partition("<header")[0]


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


def test_a_page_names_its_scripts_and_style_and_may_load_nothing() -> None:
    sound = html.sounds([html.sound(b"", b"", "a tone", "a tone", 1, 1)], "tones")
    chapters = [Chapter("one", "One", sound), Chapter("two", "Two", None)]
    page = document.render("Title", "", chapters, State("", True), "", generator="me")
    policy = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page)[0]
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert parts["default-src"] == "'none'"
    assert parts["img-src"] == parts["media-src"] == "data:"
    for tag, rule, count in (("style", "style-src", 1), ("script", "script-src", 4)):
        hashes = [
            f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
            for code in re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        ]
        assert parts[rule].split() == hashes
        assert len(hashes) == count
    assert not re.search(r"\sstyle=|\son[a-z]+=", page)  # which the policy would not let work
