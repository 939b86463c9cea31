"""Requests for a page to understand as Python does: valid, nearly valid and invalid, by a seed."""

from __future__ import annotations

import ast
import math
import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from unbraid.control.language import lexicon
from unbraid.control.language.parser import parse
from unbraid.control.language.terms import factor_terms
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec

ROOT = Path(__file__).parent.parent.parent
JOINTS = (", ", ", ", " ", " ", " and ", " with ", "; ", " in the ", "\n", ", a ", " at the ")
BEFORE = ("", "", "", "a ", "an image of a ", "please draw a ", "the ", "make it ", "one ", "some ")
TYPED = string.ascii_lowercase + string.digits + " ,.=%°:+-_'?"
_LOOSE = """
, . = % ° px degrees rad and of the to in at by a it not no 7 seven 30 -3 0.5 .5 1e9 999 forty five
minus up down corner half possible as more less further twice bigger thicker move turn blub smal
"""
LOOSE = _LOOSE.split()


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether values are the same: their logarithms may differ in the last digit."""
    return one.keys() == other.keys() and all(
        math.isclose(one[name], other[name], rel_tol=1e-12, abs_tol=1e-12) for name in one
    )


@dataclass
class Tally:
    """How a page's answers compare with Python's.

    Args:
        different: requests that the page understands and Python does not, or otherwise.
        refused: requests that only the page refuses.
    """

    requests: int = 0
    understood: int = 0
    same: int = 0
    same_words: int = 0
    both_refuse: int = 0
    same_sentence: int = 0
    different: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def add(self, text: str, specs: Sequence[FactorSpec], page: dict[str, Any]) -> None:
        """Count one request and the page's answer."""
        self.requests += 1
        try:
            wanted = parse(text, specs)
        except UnbraidError as error:
            if page["error"] is None:
                self.different.append(text)
            self.both_refuse += page["error"] is not None
            self.same_sentence += page["error"] == str(error)
            return
        self.understood += 1
        if page["error"] is not None:
            self.refused.append(text)
        elif not same(page["factors"], wanted.values) or tuple(page["free"]) != wanted.free:
            self.different.append(text)
        else:
            self.same += 1
            self.same_words += tuple(chip["text"] for chip in page["chips"]) == wanted.understood


def documented() -> list[str]:
    """Return every piece of code of docs/control.md and every text of the grammar's tests."""
    page = (ROOT / "docs/control.md").read_text(encoding="utf-8")
    found = re.findall(r"`([^`\n]+)`", page) + re.findall(r'"([^"\n]+)"', page)
    tests = (ROOT / "tests/control/language/test_request.py").read_text(encoding="utf-8")
    found += [
        node.value
        for node in ast.walk(ast.parse(tests))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return list(dict.fromkeys(found))


def requests(specs: Sequence[FactorSpec], count: int, seed: int) -> list[str]:
    """Return generated requests for factors: half of them phrases, the others spoilt or loose."""
    random = Random(seed)
    made = _Phrases(specs, random)
    found = []
    for _ in range(count):
        kind = random.random()
        if kind < 0.55:
            found.append(made.request())
        elif kind < 0.8:
            found.append(_spoilt(made.request(), random))
        elif kind < 0.95:
            words = random.choices([*made.words, *LOOSE], k=random.randint(1, 8))
            found.append(random.choice((" ", " ", ", ", "")).join(words))
        else:
            found.append("".join(random.choices(TYPED, k=random.randint(1, 30))))
    return found


class _Phrases:
    """Phrases about factors.

    Args:
        specs: the factors.
        random: draws them.
    """

    def __init__(self, specs: Sequence[FactorSpec], random: Random) -> None:
        self.random = random
        self.terms = factor_terms(specs)
        self.makers = [kind for each in self.terms for kind in self._of(each)]
        tables: list[Any] = [lexicon.SIZES, lexicon.THICKNESSES, lexicon.HORIZONTAL]
        tables += [lexicon.VERTICAL, lexicon.INTENSIFIERS, lexicon.ROTATED, lexicon.FILLERS]
        tables += [lexicon.LEVEL_WORDS, lexicon.HUES, lexicon.UPRIGHT, lexicon.CENTRES]
        known = {word for table in tables for word in table}
        self.words = sorted(known) + [word for each in self.terms for word in each.vocabulary()]

    def request(self) -> str:
        """Return a few phrases, mostly of different factors."""
        chosen = self.random.sample(self.makers, min(len(self.makers), self.random.randint(1, 4)))
        text = self.random.choice(BEFORE)
        for at, kind in enumerate(chosen):
            text += (self.random.choice(JOINTS) if at else "") + self.random.choice(list(kind()))
        return text.upper() if self.random.random() < 0.03 else text

    def _number(self, low: float, high: float) -> str:
        number = self.random.uniform(low - 0.1 * (high - low), high + 0.1 * (high - low))
        digits = self.random.choice((0, 0, 0, 1, 2))
        return f"{number:.{digits}f}"

    def _of(self, terms: Any) -> list[Any]:
        """Return functions that yield phrases about one factor."""
        draw = self.random.choice
        low, high = terms.ends
        unit = {"pixels": ["px", " px", " pixels"], "degrees": ["°", " degrees", " deg"]}
        own = terms.spec.unit
        units = ["", *unit.get(terms.unit, [own, f" {own}"] if own else [])]

        def name() -> str:
            return " ".join(draw(terms.names))

        def degree() -> str:
            return draw(("", "", "very ", "slightly ", "a bit ", "far ", "a little "))

        def plainly() -> Iterator[str]:
            levels = [str(value) for value in terms.spec.values or ()]
            number = draw(levels) if levels and draw((0, 1)) else self._number(low, high)
            yield f"{name()} {number}{draw(units)}"
            yield f"{name()}={number}{draw(units)}"
            yield f"{number}{draw(units[1:] or [''])} {name()}"
            yield f"{name()} {self.random.randint(0, 110)}%"
            yield f"any {name()}"
            if levels:
                yield draw(levels)
                yield f"{draw(levels)} {name()}"
            if terms.ordered:
                yield f"{name()} {draw(('low', 'high', 'medium', 'lowest', 'middle', 'max'))}"
                yield f"{draw(('low', 'high', 'medium', 'small', 'large'))} {name()}"

        makers = [plainly]
        own = {"size": lexicon.SIZES, "thickness": lexicon.THICKNESSES}.get(terms.role)
        sides = {"horizontal": lexicon.HORIZONTAL, "vertical": lexicon.VERTICAL}.get(terms.role)

        def adjectives() -> Iterator[str]:
            word = draw(list(own or ()))
            yield from (word, f"{degree()}{word}", f"{word} {name()}", f"as {word} as possible")
            yield f"{self._number(low, high)} px {draw(('big', 'thick', 'wide', 'small'))}"

        def places() -> Iterator[str]:
            word = draw(list(sides or ()))
            yield from (word, f"{degree()}{word}", f"in the {word}", f"{degree()}in the {word}")
            yield f"{self._number(low, high)} px to the {word}"
            yield f"{self._number(low, high)} px {word} of the centre"
            yield from ("in the centre", f"{word} corner", f"{name()} {word}", f"{word} half")

        def rotations() -> Iterator[str]:
            verb = draw((*lexicon.ROTATED, *lexicon.ROTATE))
            sense = draw(("clockwise", "counter-clockwise", "ccw", "anti clockwise", "cw"))
            side, angle = draw(("left", "right")), f"{self._number(low, high)}{draw(units)}"
            yield from (f"{verb} {angle}", f"{verb} by {angle}", f"{angle} {sense}", sense)
            yield from (f"{verb} {angle} {sense}", f"{verb} {angle} to the {side}")
            yield from (f"{degree()}{verb} {side}", f"{verb} {degree()}to the {side}", "upright")
            yield from (f"{verb} {side} by {angle}", f"at an {name()} of {angle}", verb)

        def hues() -> Iterator[str]:
            word = draw(list(lexicon.HUES))
            yield from (word, f"{word} {name()}", f"{name()} {word}")

        makers += [adjectives] * bool(own) + [places] * bool(sides)
        makers += [rotations] * (terms.role == "rotation") + [hues] * (terms.role == "hue")
        return makers


def _spoilt(text: str, random: Random) -> str:
    """Return a request with a word or letter changed, left out, doubled or moved."""
    for _ in range(random.randint(1, 2)):
        if random.random() < 0.5:
            words = text.split(" ")
            at, other = random.randrange(len(words)), random.randrange(len(words))
            change = random.randrange(4)
            if change == 0:
                words[at], words[other] = words[other], words[at]
            elif change == 1:
                words.insert(other, words[at])
            elif change == 2:
                words.insert(at, random.choice(LOOSE))
            else:
                del words[at]
            text = " ".join(words)
        elif text:
            at = random.randrange(len(text))
            text = text[:at] + random.choice(("", random.choice(TYPED))) + text[at + 1 :]
    return text
