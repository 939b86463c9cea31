"""Tokens: the words and numbers of a request."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from unbraid.control.language.lexicon import NUMBERS, TENS

# A sign is part of a number only if no word ends before it: "size -3", but not "top-3".
_PIECE = re.compile(
    r"(?P<note>(?<!\w)[a-g][#b\u266f\u266d]?[0-8](?!\w))"
    # "30,5", "3-7", "3 to 7" and "1/2" are no single number, but a level may be called so
    r"|(?P<numbers>(?<![\w.])[+-]?[0-9]+(?:\.[0-9]+)?(?:(?:[,/-]| to )[0-9]+(?:\.[0-9]+)?)+)"
    r"|(?P<number>(?<![\w.])[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))"
    r"|(?P<word>[^\W\d_]+)"
    r"|(?P<other>\d+)"  # digits of other scripts count as words
    r"|(?P<unit>°[cf](?!\w)|[°%])"
    r"|(?P<sign>!=|[<>\u2264\u2265\u2260\u00b1])"
    r"|(?P<equals>[=:])"
    r"|(?P<stop>[,;.!?/\n()])"
)
_TAIL = re.compile(r"[+*#-]+(?!\w)")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_POWER = re.compile(r"(?<=\d)(?=[\u00b2\u00b3\u00b9\u2070-\u2079])")  # 10^2, not 102
_FRACTION = re.compile(r"(?<=\d)(?=[\u00bc-\u00be\u2150-\u215e\u2189])")  # 2 | 1/2
OPERATORS = frozenset("+-*^|&\u2044\u00d7\u00f7")
QUOTED = 40  # characters of a request that an error quotes at most
MAX_CHARACTERS = 1000  # characters of a request


class Token(NamedTuple):
    """A word or number of a request.

    Args:
        text: in lower case.
        number: the value of a number, in digits or spelt out; None for a word.
        starts_phrase: it is the first token, or follows a comma or another stop.
        given: as given, in its case and with signs that end it, such as "A+".
        before: what stands between it and the token before, if that holds a minus or another
            operator that is part of neither.
    """

    text: str
    number: float | None = None
    starts_phrase: bool = False
    given: str = ""
    before: str = ""


def joined(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return names that hold stops, in lower case, each with the same name without them.

    Longer names come first, since they may hold shorter ones.

    >>> joined(["Size (px)", "hue", "T-shirt/top"])
    [('t-shirt/top', 't-shirt top'), ('size (px)', 'size  px ')]
    """
    found = {}
    for name in map(plain_text, names):
        kinds = [(match.lastgroup, match.span()) for match in _PIECE.finditer(name)]
        spans = [span for kind, span in kinds if kind == "stop"]
        if spans and len(spans) < len(kinds):
            stops = {at for start, end in spans for at in range(start, end)}
            found[name] = "".join(" " if at in stops else sign for at, sign in enumerate(name))
    return sorted(found.items(), key=lambda each: (-len(each[0]), each[0]))


def tokenize(text: str, whole: Sequence[tuple[str, str]] = ()) -> list[Token]:
    """Split a text into tokens, in lower case.

    Args:
        text: a request, or a name.
        whole: names in which stops end no phrase, as ``joined`` returns them.

    >>> [token.text for token in tokenize("Small 7, top-left: 30.5°")]
    ['small', '7', 'top', 'left', '=', '30.5', '°']
    >>> tokenize("forty-five degrees")[0].number
    45.0
    >>> [token.text for token in tokenize("A3, F#2")]
    ['a3', 'f#2']
    >>> [token.starts_phrase for token in tokenize("size (px) 7", joined(["size (px)"]))]
    [True, False, False]
    """
    cased = _cased(text)
    plain = cased.casefold()
    if len(plain) != len(cased):  # a letter became two
        cased = plain
    for name, instead in whole:
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", plain):
            for at, (sign, other) in enumerate(zip(name, instead, strict=True), match.start()):
                if sign != other:  # a space takes its place
                    plain = f"{plain[:at]} {plain[at + 1 :]}"
                    cased = f"{cased[:at]} {cased[at + 1 :]}"
    tokens: list[Token] = []
    starts_phrase, last = True, 0
    for match in _PIECE.finditer(plain):
        kind, piece = match.lastgroup, match.group()
        between, last = plain[last : match.start()], match.end()
        between = between if OPERATORS & set(between) else ""
        tail = _TAIL.match(plain, match.end())
        given = cased[match.start() : tail.end() if tail else match.end()]
        if kind == "stop":
            starts_phrase = True
            continue
        if kind == "number":
            token = Token(piece, float(piece), starts_phrase, given, between)
        elif kind == "equals":
            token = Token("=", None, False, before=between)
        else:
            token = Token(piece, _spelled_number(piece), starts_phrase, given, between)
        before = tokens[-1] if tokens else None
        if before and not starts_phrase and before.text == "minus" and token.number is not None:
            tokens[-1] = Token(f"-{piece}", -token.number, before.starts_phrase)
            continue
        if before and not starts_phrase and before.text in TENS and token.text in NUMBERS:
            ones = NUMBERS[token.text]
            if 0 < ones < 10:  # "forty five"
                tokens[-1] = Token(
                    f"{before.text}-{piece}", TENS[before.text] + ones, before.starts_phrase
                )
                continue
        tokens.append(token)
        starts_phrase = False
    return tokens


def with_units(tokens: Sequence[Token], units: Iterable[str]) -> list[Token]:
    """Return tokens in which a unit of several tokens that follows a number is one.

    Args:
        tokens: of a request.
        units: in lower case, such as "m/s".

    >>> [token.text for token in with_units(tokenize("speed 3 m/s, 4 m"), ["m/s"])]
    ['speed', '3', 'm/s', '4', 'm']
    """
    split = {unit: tuple(map(_place, tokenize(unit))) for unit in units}
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        token, length = tokens[at], 1
        if found and found[-1].number is not None and not token.starts_phrase:
            for unit, parts in split.items():
                after = map(_place, tokens[at + 1 : at + len(parts)])
                if len(parts) > length and ((tokens[at].text, True), *after) == parts:
                    length = len(parts)
                    token = Token(unit, None, False, unit)
        found.append(token)
        at += length
    return found


def _place(token: Token) -> tuple[str, bool]:
    return token.text, token.starts_phrase


def plain_text(text: str) -> str:
    """Return a text in lower case, with one sign for each of minus, degree and per cent.

    >>> plain_text("Größe –3 per cent")
    'grösse -3 percent'
    """
    return _cased(text).casefold()


def _cased(text: str) -> str:
    cased = unicodedata.normalize("NFKC", _POWER.sub("^", _FRACTION.sub(" ", text)))
    cased = _DASHES.sub("-", cased).replace("º", "°")
    return re.sub(r"(?i)\bper cent\b", "percent", cased)  # not of "upper centre"


def printable(text: str) -> str:
    """Return a part of a request as an error quotes it: shortened, without control characters."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= QUOTED else f"{shown[:QUOTED]}..."


def note_hertz(text: str) -> float | None:
    """Return the frequency of a note, such as ``"a3"`` or ``"f#2"``; None for another word.

    Equal temperament with A4 at 440 Hz (ISO 16).

    >>> note_hertz("a3"), round(note_hertz("c4"), 1)
    (220.0, 261.6)
    """
    match = re.fullmatch("([a-g])([#b\u266f\u266d]?)([0-8])", text)
    if match is None:
        return None
    steps = dict(zip("cdefgab", (0, 2, 4, 5, 7, 9, 11), strict=True))[match[1]]
    steps += {"": 0, "#": 1, "\u266f": 1}.get(match[2], -1)
    return float(440 * 2 ** ((steps - 9) / 12 + int(match[3]) - 4))


def _spelled_number(word: str) -> float | None:
    """Return the number that a word spells, also in the plural ("sevens"); None if it is none."""
    for known in (NUMBERS, TENS):
        for end in ("", "s", "es"):
            if word.endswith(end) and word.removesuffix(end) in known:
                return known[word.removesuffix(end)]
    return None
