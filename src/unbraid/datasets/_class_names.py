"""Whether the name of a column says that its whole numbers are classes, not quantities."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Words of a factor's name whose whole numbers are classes.
_CLASSES = frozenset(
    (
        *("label", "labels", "class", "classes", "category", "target", "y", "id", "identity"),
        *("type", "digit", "letter", "character", "species", "kind"),
    )
)
# Words that make a quantity of a class before them, as in "class size" but not in "size class".
_QUANTITIES = frozenset(
    (
        *("size", "width", "height", "length", "area", "angle", "count", "score", "weight"),
        *("position", "pos", "center", "centre", "coordinate", "coord", "offset"),
    )
)
_BESIDE_Y = _CLASSES | {"true", "train", "test"}  # with any other word, y is a direction
_BEFORE_AXIS = re.compile(r"(?<=[a-z])(?=[XY](?![a-z]))")  # as in posX


def name_suggests_classes(name: str, names: Iterable[str] = ()) -> bool:
    """Whether a factor's name suggests that its numbers stand for classes.

    Args:
        name: of the factor.
        names: of all columns of the table; beside an ``x``, a ``y`` is a place.

    >>> name_suggests_classes("y"), name_suggests_classes("y", ["x", "y"])
    (True, False)
    """
    if _is_place(name, names):
        return False
    words = _words(name)
    last = max((at for at, word in enumerate(words) if word in _QUANTITIES), default=-1)
    found = _CLASSES.intersection(words[last + 1 :])
    if not _BESIDE_Y.issuperset(words):
        found -= {"y"}
    return bool(found)


def may_be_place(name: str) -> bool:
    """Whether nothing but the word ``y`` in a factor's name suggests classes."""
    return "y" in _words(name) and not (_CLASSES - {"y"}).intersection(_words(name))


def words_of(name: str) -> set[str]:
    """Return the words of a factor's name, in lower case."""
    return set(_words(name))


def _is_place(name: str, names: Iterable[str]) -> bool:
    """Whether the table has the other direction of a name, such as ``x`` or ``posX`` for ``y``."""
    words = _axis_words(name)
    others = [_axis_words(other) for other in names]
    if words == ["y"]:
        return any("x" in other for other in others)
    swapped = [{"x": "y", "y": "x"}.get(word, word) for word in words]
    return swapped != words and swapped in others


def _axis_words(name: str) -> list[str]:
    return _words(_BEFORE_AXIS.sub(" ", name))


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", name.casefold()) if word]
