"""Discovery by file name, and configs built from options."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest

from unbraid.core import registry
from unbraid.core.errors import UnbraidError

FOLDERS = ("methods", "datasets", "metrics", "figures")


@dataclass(frozen=True)
class Config:
    path: str
    count: int = 1
    share: float = 0.5
    kind: Literal["a", "b"] = "a"
    full: bool = False
    size: tuple[int, int] | None = None
    most: int | None = None
    parts: tuple[int, ...] = ()
    words: tuple[str, ...] = ()


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_registered_with_a_summary_and_a_config(folder: str) -> None:
    found = registry.names(folder)
    assert found == sorted(found)
    for name in found:
        assert name == registry.check(folder, name)
        assert 10 < len(registry.summary(folder, name)) <= 100
        assert hasattr(registry.load(folder, name), "Config")


@pytest.mark.parametrize("name", ["_base", "base", "", "..", "beta_vae", "__init__"])
def test_what_is_not_registered_is_refused(name: str) -> None:
    with pytest.raises(
        UnbraidError, match=f"unknown method '{name}'.*: known methods are ada-gvae, "
    ):
        registry.load("methods", name)


def test_build() -> None:
    assert registry.build(Config, {"path": "x", "share": 1}, "thing") == Config("x", share=1)
    for options in ({"size": None, "most": None}, {"size": [1, 2], "most": np.int64(3)}):
        registry.build(Config, {"path": "x", **options}, "thing")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"count": np.int64(3)}, 3),
        ({"count": np.uint8(3)}, 3),
        ({"share": np.float32(0.25)}, 0.25),
        ({"share": np.float64(0.25)}, 0.25),
        ({"share": np.int64(2)}, 2),
        ({"full": np.bool_(True)}, True),
        ({"most": np.int64(3)}, 3),
        ({"size": (np.int64(1), 2)}, (1, 2)),
        ({"parts": np.arange(3)}, (0, 1, 2)),
        ({"parts": [1, 2]}, (1, 2)),
        ({"words": "one"}, ("one",)),
        ({"kind": np.str_("b")}, "b"),
    ],
)
def test_values_of_numpy_become_those_of_python(options: dict[str, Any], found: Any) -> None:
    option = next(iter(options))
    config = registry.build(Config, {"path": "x", **options}, "thing")
    by_hand = Config("x", **options)
    registry.check_types(by_hand, "thing")
    for each in (config, by_hand):
        value = getattr(each, option)
        assert value == found
        assert json.dumps(value) == json.dumps(found)
        assert type(value) is type(found)


@pytest.mark.parametrize("value", [True, np.bool_(True), 2.0, np.float64(2), "2", None, -1])
def test_what_is_no_whole_number_is_told(value: Any) -> None:
    with pytest.raises(UnbraidError, match=r"^seed is .*, expected a whole number, 0 or more\.$"):
        registry.whole_number(value, "seed")
    assert type(registry.whole_number(np.int16(3), "seed")) is int


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "thing needs its option 'path', which has no default."),
        ({"path": "x", "cuont": 1}, r"unknown option 'cuont' of thing \(did you mean 'count'\?\)"),
        ({"path": 3}, "option 'path' of thing is 3, expected a value of type str."),
        ({"path": "x", "count": 1.0}, "option 'count' of thing is 1.0, expected .* int"),
        ({"path": "x", "count": np.float64(1)}, "option 'count' of thing is 1.0, expected .* int"),
        ({"path": "x", "count": np.bool_(True)}, "option 'count' of thing is True, .* int"),
        ({"path": "x", "kind": 3}, "option 'kind' of thing is 3, expected one of 'a', 'b'."),
        ({"path": "x", "kind": "B"}, r"is 'B' \(did you mean 'b'\?\), expected one of"),
        ({"path": "x", "count": True}, "option 'count' of thing is True, expected .* int"),
        ({"path": "x", "full": 1}, "option 'full' of thing is 1, expected .* bool"),
        ({"path": "x", "share": "x"}, "option 'share' of thing is 'x', expected .* float"),
        (
            {"path": "x", "parts": 3},
            r"option 'parts' of thing is 3, .* several values, such as \(3,",
        ),
        ({"path": "x", "most": 2.5}, "option 'most' of thing is 2.5, expected a whole number"),
        ({"path": "x", "most": True}, "option 'most' of thing is True, expected a whole number"),
        ({"path": "x", "kind": "c"}, "option 'kind' of thing is 'c', expected one of 'a', 'b'."),
    ],
)
def test_build_refuses_what_does_not_fit(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        registry.build(Config, options, "thing")


def test_configs_made_by_hand_can_be_checked_too() -> None:
    registry.check_types(Config("x", size=(3, 4)), "thing")
    bad: Any = "c"
    with pytest.raises(UnbraidError, match="option 'kind' of thing is 'c'"):
        registry.check_types(Config("x", kind=bad), "thing")


def test_what_takes_an_option_is_found_beside_packages_that_are_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load(folder: str, name: str) -> Any:
        if name == "broken":
            raise UnbraidError("broken is announced")
        return SimpleNamespace(Config=None if name == "unfinished" else Config)

    monkeypatch.setattr(registry, "load", load)
    for names, said in (
        (["broken", "unfinished"], ""),
        (["a", "broken", "unfinished", "z-share"], " (an option of z-share, a)"),
        (list("abcde"), " (an option of a, b, c, d, e)"),
        (list("abcdef"), " (an option of a, b, c, d and 2 others)"),
    ):
        monkeypatch.setattr(registry, "names", lambda _, names=names: names)
        assert registry.with_option("methods", "share") == said
    assert registry.with_option("methods", "shares") == ""
    # a name of its own that starts with what was given is meant
    with pytest.raises(UnbraidError, match=r"'shar' of thing \(did you mean 'share'\?\)"):
        registry.build(Config, {"shar": 1}, "thing", "methods")
