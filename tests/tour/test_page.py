from __future__ import annotations

from pathlib import Path

import pytest

from unbraid.errors import UnbraidError
from unbraid.tour import _page
from unbraid.tour._page import Chapter, State


def test_numbers_are_typeset() -> None:
    assert _page.number(-1234.56) == "\N{MINUS SIGN}1,234.6"
    assert _page.number(-0.001, 2) == "0.00"
    assert _page.number(3, 0) == "3"


def test_what_is_text_is_escaped() -> None:
    assert _page.text("a < b's") == "a &lt; b\N{RIGHT SINGLE QUOTATION MARK}s"
    assert "<script>" not in _page.table("<script>", ["<script>"], [["<script>"]])
    assert "<script>" not in _page.commands(["<script>"])
    assert "<script>" not in _page.figure([], "<script>")
    assert 'alt="&quot;' in _page.image("png", b"", '"', 1, 1)
    assert "<script>" not in _page.sheet_link("name", "<script>")


def test_commands_keep_their_quotes() -> None:
    assert "&#x27;my folder&#x27;" in _page.commands(["unbraid scatter 'my folder'"])


def test_a_page_that_grows_says_what_is_to_come_and_loads_anew() -> None:
    chapters = [Chapter("one", "One", "<p>done</p>"), Chapter("two", "Two", None)]
    growing = _page.render("Title", "", chapters, State("half", True), "")
    assert "location.reload" in growing
    assert "to come" in growing
    assert 'id="live"' in growing
    complete = _page.render("Title", "", chapters[:1], State("all", False), "")
    assert "location.reload" not in complete
    assert "to come" not in complete


def test_a_page_of_someone_elses_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    _page.check_place(path)  # nothing there
    path.write_text(_page.render("T", "", [], State("", False), ""), encoding="utf-8")
    _page.check_place(path)  # a tour's own
    path.write_text("<html>my site</html>", encoding="utf-8")
    with pytest.raises(UnbraidError, match="not a page of the tour, so it is left as it is"):
        _page.check_place(path)
