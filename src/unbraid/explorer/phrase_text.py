"""Parts of a table of phrases as it is written: numbers as texts, and equal values once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from unbraid.explorer.phrase_numbers import Affine
from unbraid.explorer.phrase_trace import Level, Setting


class Shared:
    """Values that are stored once each."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._known: dict[Any, int] = {}

    def add(self, item: Any, key: Any = None) -> int:
        """Return the index of a value; ``key`` tells values apart that cannot be hashed."""
        at = self._known.setdefault(item if key is None else key, len(self.items))
        if at == len(self.items):
            self.items.append(item)
        return at


def runs_of(columns: tuple[int, ...]) -> list[int]:
    """Return ascending numbers as runs: how many, and each run's distance from the last one.

    The distance is from the last number, and the length of the run follows.

    >>> runs_of((3, 4, 5, 9))
    [2, 3, 3, 4, 1]
    """
    found: list[int] = []
    for before, at in pairwise((-2, *columns)):
        if at == before + 1:
            found[-1] += 1
        else:
            found += [at - max(before, 0), 1]
    return [len(found) // 2, *found]


def text_of(numbers: Iterable[int]) -> str:
    """Return whole numbers as a text, a letter each, that of 0 being ``#``.

    >>> text_of([0, 1, 2])
    '#$%'
    """
    return "".join(chr(number + ord("#")) for number in numbers)


def phrases_by_part(phrases: Sequence[list[Any]]) -> dict[str, Any]:
    """Return phrases by what they are made of: numbers as texts, and the different parts.

    ``stops`` are the tokens of each phrase or, where it has no ``settings``, its sentence. A
    setting has a factor and, as their indices in lists of all, a value, tokens, and a word and
    remark. ``more`` has (phrase, what else there is of it).
    """
    parts = {name: Shared() for name in ("value", "token", "word")}
    numbers: dict[str, list[int]] = {name: [] for name in ("stops", "settings", "factor", *parts)}
    more = []
    for at, phrase in enumerate(phrases):
        stop, settings, rest = (*phrase, None, None)[:3]
        numbers["stops"].append(stop)
        numbers["settings"].append(0 if settings is None else len(settings) + 1)
        for factor, value, start, end, *word in settings or ():
            numbers["factor"].append(factor)
            for name, part in (("value", value), ("token", [start, end]), ("word", word)):
                numbers[name].append(parts[name].add(part, repr(part)))
        if rest:
            more.append([at, rest])
    return {
        **{name: text_of(found) for name, found in numbers.items()},
        **{f"{name}s": shared.items for name, shared in parts.items()},
        "more": more,
    }


def setting_as_list(setting: Setting) -> list[Any]:
    """Return a value that a phrase sets: factor, value, tokens, word, remark."""
    value: Any = setting.value
    if isinstance(value, Level):
        value = ["level", value.token]
    elif isinstance(value, Affine):
        steps = [step for step in value.steps if step not in (("*", 1.0), ("/", 1.0), ("+", 0.0))]
        value = [value.token, *(part for step in steps for part in step)]
    word = list(setting.word) if isinstance(setting.word, tuple) else setting.word
    if setting.remark == "angle":
        word = ""  # the number that was asked for, as an angle
    found = [setting.factor, value, *setting.text, word, setting.remark]
    return found if word or setting.remark == "angle" else found[:4]
