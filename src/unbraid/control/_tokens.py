"""A request cut into words and numbers."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from unbraid.control._words import NUMBERS, TENS

# A sign belongs to a number only where no word ends before it: "size -3", but not "top-3".
_PIECE = re.compile(
    r"(?P<number>(?<![\w.])[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))"
    r"|(?P<word>[^\W\d_]+)"
    r"|(?P<other>\d+)"  # digits of other scripts: a word like any
    r"|(?P<unit>[°%])"
    r"|(?P<equals>[=:])"
    r"|(?P<stop>[,;.!?/\n()])"
)
LONGEST = 1000  # characters of a request


class Token(NamedTuple):
    """A word or number of a request.

    ``number`` is its value if it is one, spelt out or not; ``fresh`` says that it starts a phrase:
    a comma stands before it, or nothing.
    """

    text: str
    number: float | None = None
    fresh: bool = False


def tokens_of(text: str) -> list[Token]:
    """Cut a text into tokens, in lower case.

    >>> [token.text for token in tokens_of("Small 7, top-left: 30.5°")]
    ['small', '7', 'top', 'left', '=', '30.5', '°']
    >>> tokens_of("forty-five degrees")[0].number
    45.0
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = plain.replace("\u2212", "-").replace("\u2013", "-").replace("º", "°")
    tokens: list[Token] = []
    fresh = True
    for match in _PIECE.finditer(plain):
        kind, piece = match.lastgroup, match.group()
        if kind == "stop":
            fresh = True
            continue
        if kind == "number":
            token = Token(piece, float(piece), fresh)
        elif kind == "equals":
            token = Token("=", None, False)
        else:
            token = Token(piece, _spelt(piece), fresh)
        before = tokens[-1] if tokens else None
        if before and not fresh and before.text == "minus" and token.number is not None:
            tokens[-1] = Token(f"-{piece}", -token.number, before.fresh)
            continue
        if before and not fresh and before.text in TENS and token.text in NUMBERS:
            ones = NUMBERS[token.text]
            if 0 < ones < 10:  # "forty five"
                tokens[-1] = Token(f"{before.text}-{piece}", TENS[before.text] + ones, before.fresh)
                continue
        tokens.append(token)
        fresh = False
    return tokens


def _spelt(word: str) -> float | None:
    """Return the number that a word spells, in the plural too: "sevens"."""
    for known in (NUMBERS, TENS):
        for end in ("", "s", "es"):
            if word.endswith(end) and word.removesuffix(end) in known:
                return known[word.removesuffix(end)]
    return None
