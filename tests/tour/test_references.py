from __future__ import annotations

import re

from unbraid.tour.references import REFERENCES, cite, listed


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
