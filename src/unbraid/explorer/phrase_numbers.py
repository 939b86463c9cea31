"""Numbers, texts and values of a request that remember from which tokens they were computed."""

from __future__ import annotations

from typing import Any, NamedTuple

from unbraid.control.language.terms import FactorTerms
from unbraid.control.language.tokens import Token


class Affine(NamedTuple):
    """A value that is computed from the number of a token.

    Args:
        token: index of the token.
        steps: operations (``*``, ``/`` or ``+``, constant), in their order; or ``log``, the
            semitones above a frequency.
    """

    token: int
    steps: tuple[tuple[str, float], ...]


class TracedNumber(float):
    """A number that remembers what was computed from it, and at which numbers a choice changes."""

    token: int
    steps: tuple[tuple[str, float], ...]
    cuts: set[float]

    def after(self, value: float, step: str, constant: float) -> TracedNumber:
        """Return a number that is computed from this one."""
        found = TracedNumber(value)
        found.token, found.cuts = self.token, self.cuts
        found.steps = (*self.steps, (step, float(constant)))
        return found

    def __bool__(self) -> bool:
        return True  # "or 0.0" keeps the number

    def __mul__(self, other: float) -> TracedNumber:
        return self.after(float(self) * other, "*", other)

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> TracedNumber:
        return self.after(float(self) / other, "/", other)

    def __add__(self, other: float) -> TracedNumber:
        return self.after(float(self) + other, "+", other)

    __radd__ = __add__

    def _cut(self, at: float) -> None:
        """Note the number of the token at which this one is ``at``."""
        for step, constant in reversed(self.steps):
            if step == "*":
                at /= constant
            elif step == "/":
                at *= constant
            elif step == "log":
                at = constant * 2 ** (at / 12)
            else:
                at -= constant
        self.cuts.add(at)

    def __lt__(self, other: float) -> bool:
        self._cut(other)
        return float(self) < other

    def __le__(self, other: float) -> bool:
        self._cut(other)
        return float(self) <= other

    def __gt__(self, other: float) -> bool:
        self._cut(other)
        return float(self) > other

    def __ge__(self, other: float) -> bool:
        self._cut(other)
        return float(self) >= other

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int | float):
            self._cut(float(other))
        return float(self) == other

    __hash__ = float.__hash__


class TracedText(str):
    """A part of a request that knows its tokens."""

    tokens: tuple[int, int]


class TracedValue(float):
    """A stored value that is computed from a number."""

    affine: Affine
    given: str


class TracedTerms(FactorTerms):
    """A factor whose conversion of a traced number is left to the reader of the table."""

    def to_stored(self, number: float, clip: bool, given: str = "") -> float:
        """Return the stored value of a number, traced if the number is."""
        if not isinstance(number, TracedNumber):
            return super().to_stored(number, clip, given)
        found = TracedValue(0.0)
        found.affine = Affine(number.token, number.steps)
        found.given = "angle" if given == self.number(float(number)) and given else "nearest"
        return found

    def semitones(self, hertz: float) -> float:
        """Return the semitones of a frequency, traced if it is."""
        found = super().semitones(float(hertz))
        return (
            hertz.after(found, "log", self.reference) if isinstance(hertz, TracedNumber) else found
        )

    def number(self, number: float) -> str:
        """Return a number as text; how it is shown decides nothing."""
        return super().number(float(number))

    def differs(self, stored: float, number: float) -> bool:
        """Whether a stored value is another number; it may be, if it is traced."""
        return isinstance(stored, TracedValue) or super().differs(stored, number)


class TracedTokens(list[Token]):
    """Tokens that note the last one that was read."""

    last = -1

    def __getitem__(self, at: Any) -> Any:
        if type(at) is int:
            if at < 0:
                raise AssertionError("a phrase depends on what is before it")
            self.last = max(self.last, at)
        return super().__getitem__(at)


def traced(token: Token, at: int, cuts: dict[int, set[float]]) -> Token:
    """Return a token whose number is traced."""
    if token.number is None:
        return token
    number = TracedNumber(token.number)
    number.token, number.steps, number.cuts = at, (), cuts.setdefault(at, set())
    return Token(token.text, number, token.starts_phrase)
