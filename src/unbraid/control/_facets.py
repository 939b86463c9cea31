"""A factor as a request sees it: how it is called, what its words and numbers mean, what it shows.

A number is one of the factor's unit. A deviation is a place in its range: -1 the low end, 0 the
middle, 1 the high end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.control import _words as words
from unbraid.control._tokens import tokens_of
from unbraid.errors import UnbraidError, did_you_mean
from unbraid.factors import FactorSpec

_SHOWN = 12  # levels listed before the rest is left out


@dataclass(frozen=True)
class Facet:
    """A factor and its meanings.

    Args:
        spec: the factor.
        role: ``size``, ``thickness``, ``across``, ``up``, ``turn`` or ``hue``, whose words it
            takes; empty for none.
        sense: 1 if its numbers rise to the right, upwards or counter-clockwise, -1 the other way,
            0 if nobody says.
        names: what it is called, as tokens.
    """

    spec: FactorSpec
    role: str
    sense: int
    names: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        """The factor's own name."""
        return self.spec.name

    @property
    def ordered(self) -> bool:
        """Whether more and less of it make sense."""
        return self.spec.kind != "categorical"

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return all(is_number(value) for value in self.spec.values or ())

    @property
    def unit(self) -> str:
        """Its unit's first word: ``pixels``, ``degrees``, ..., empty for none."""
        return self.spec.unit.split(" ")[0] if self.spec.unit else ""

    @property
    def ends(self) -> tuple[float, float]:
        """Its lowest and highest number; of levels that are words, their indices."""
        if self.spec.values is None:
            low, high = self.spec.range or (0.0, 0.0)
            return float(low), float(high)
        if self.numeric:
            numbers = [float(value) for value in self.spec.values]
            return min(numbers), max(numbers)
        return 0.0, len(self.spec.values) - 1.0

    # -- from numbers to what rows of factors hold, and back -----------------------------------

    def stored(self, number: float, clip: bool, given: str = "") -> float:
        """Return what a row holds for a number: itself, or the index of the nearest level.

        Raises:
            UnbraidError: no such level, or beyond the range and not to be clipped.
        """
        low, high = self.ends
        given = given or f"{number:g}"
        if not self.ordered:
            for index, value in enumerate(self.spec.values or ()):
                if is_number(value) and float(value) == number:
                    return float(index)
            raise self.no_level(given)
        if not self.numeric:
            raise self.no_level(given)
        inside = self._inside(number)
        if inside is None:
            if not clip or math.isnan(number):
                raise self.beyond(number, given)
            inside = min(max(number, low), high)
        return self._nearest(inside)

    def _inside(self, number: float) -> float | None:
        """Return the number within the range, full turns added where it turns; None if beyond."""
        low, high = self.ends
        turn = self.spec.period or self._turn
        if not math.isfinite(number):
            return None
        if turn and not low <= number <= high:
            number = low + (number - low) % turn
            if self.spec.period and self.spec.is_discrete:
                return number  # past the last level, the first is the next
            if number - low > turn - 1e-9:
                number = low
        return min(max(number, low), high) if low - 1e-9 <= number <= high + 1e-9 else None

    def _nearest(self, number: float) -> float:
        if self.spec.values is None:
            return number
        levels = np.array(self.spec.values, np.float64)
        away = np.abs(levels - number)
        if self.spec.period:
            away = np.minimum(away % self.spec.period, -away % self.spec.period)
        return float(np.argmin(away.round(9)))

    def at(self, deviation: float, word: str) -> float:
        """Return what a row holds at a deviation, -1 to 1.

        Raises:
            UnbraidError: it has but one value, which is neither high nor low.
        """
        low, high = self.ends
        if low == high and deviation:
            raise UnbraidError(
                f"{self.name} is always {self.number(low)} for this model, so it cannot be "
                f"'{word}': leave it out."
            )
        number = (low + high) / 2 + min(max(deviation, -1.0), 1.0) * (high - low) / 2
        if self.spec.values is not None and not self.numeric:
            return float(round(number))
        return self._nearest(number)

    def numbers(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the numbers of what rows hold, (N,); of levels that are words, their indices."""
        if self.spec.values is None or not self.numeric:
            return column
        levels = np.array(self.spec.values, np.float64)
        return levels[np.clip(np.rint(column), 0, len(levels) - 1).astype(np.int64)]

    def number_of(self, stored: float) -> float:
        """Return the number of what one row holds."""
        return float(self.numbers(np.array([stored]))[0])

    def is_off(self, stored: float, number: float) -> bool:
        """Whether what a row holds is not the number asked for, full turns aside."""
        turn = self.spec.period or self._turn
        away = self.number_of(stored) - number
        return abs(math.remainder(away, turn) if turn else away) > 1e-6

    @property
    def _turn(self) -> float | None:
        """A full turn of an angle that does not go all the way round."""
        full = {"degrees": 360.0, "radians": math.tau}
        return full.get(self.unit) if self.role == "turn" else None

    def moved(self, column: NDArray[np.float64], times: float, plus: float) -> NDArray[np.float64]:
        """Return what rows hold after ``number * times + plus``, kept within the range, (N,)."""
        low, high = self.ends
        moved = self.numbers(column) * times + plus
        if self.spec.period:
            moved = low + (moved - low) % self.spec.period
        else:
            moved = np.clip(moved, low, high)
        if self.spec.values is not None and not self.numeric:
            return np.rint(moved)
        return np.array([self._nearest(float(number)) for number in moved])

    # -- words ----------------------------------------------------------------------------------

    def level_word(self, word: str) -> float | None:
        """Return the deviation a word stands for after the factor's name, None if for none."""
        own = {"size": words.SIZES, "thickness": words.THICKNESSES}.get(self.role, {})
        return next(
            (
                table[word]
                for table in (own, words.AMOUNTS, words.MIDDLES, words.SIZES)
                if word in table
            ),
            None,
        )

    def vocabulary(self) -> list[str]:
        """Return words that speak of this factor, for the nearest match of a misspelt one."""
        known = [" ".join(name) for name in self.names]
        known += [str(value) for value in self.spec.values or ()]
        if self.spec.kind == "categorical":
            spelt = {f"{number:g}": word for word, number in words.NUMBERS.items()}
            known += [spelt[value] for value in known if value in spelt]
        tables: dict[str, list[Any]] = {
            "size": [words.SIZES, words.MIDDLES, words.BIGGER],
            "thickness": [words.THICKNESSES, words.MIDDLES, words.THICKER],
            "across": [words.ACROSS, words.CENTRES],
            "up": [words.UP, words.CENTRES],
            "turn": [
                words.TURNED,
                words.UPRIGHT,
                ("clockwise", "counter-clockwise", "anticlockwise", "degrees"),
            ],
            "hue": [words.HUES],
        }
        return known + [word for table in tables.get(self.role, ()) for word in table]

    # -- sentences ------------------------------------------------------------------------------

    def number(self, number: float) -> str:
        """Return a number with the factor's unit, as the echo says it."""
        if self.role == "turn" and self.sense and self.unit in ("degrees", "radians"):
            turned = number * self.sense
            if self.spec.period:
                turned = (turned + self.spec.period / 2) % self.spec.period - self.spec.period / 2
            way = "counter-clockwise" if turned > 0 else "clockwise"
            return f"{_short(abs(turned))} {self.unit}" + (f" {way}" if round(turned, 3) else "")
        text = _short(number)
        if self.role in ("across", "up") and number > 0 > self.ends[0]:
            text = f"+{text}"
        if not self.spec.unit:
            return text
        return f"{text} {'px' if self.unit == 'pixels' else self.spec.unit}"

    def shown(self, stored: float, word: str = "") -> str:
        """Return the echo of a value: ``size 26 px (small)``."""
        if self.spec.values is None:
            text = self.number(stored)
        else:
            value = self.spec.values[int(stored)]
            known = is_number(value) and self.ordered
            text = self.number(float(value)) if known else level_text(value)
        return f"{self.name} {text}" + (f" ({word})" if word and word != text else "")

    def step(self, plus: float) -> str:
        """Return the echo of a change by a number, in its unit."""
        if self.role == "turn" and self.sense:
            return f"{self.number(plus)} from where it is"
        unit = "px" if self.unit == "pixels" else self.spec.unit
        return f"{plus:+.3g}{' ' if unit else ''}{unit} from what it is"

    def offered(self) -> str:
        """Return the factor and what it can be: ``size (24 to 40 pixels)``."""
        return f"{self.name} ({self.extent()})"

    def extent(self) -> str:
        """Return what the factor can be: ``24 to 40 pixels``, ``0, 1, 2`` or ``cat or dog``."""
        values = self.spec.values
        unit = f" {self.spec.unit}" if self.spec.unit else ""
        low, high = self.ends
        if values is None or (self.ordered and self.numeric and len(values) > 4):
            return f"{_short(low)} to {_short(high)}{unit}"
        whole = all(isinstance(value, int) for value in values)
        if whole and len(values) > 3 and high - low == len(values) - 1:
            return f"{low:g} to {high:g}"
        listed = ", ".join(map(level_text, values[:_SHOWN]))
        return listed + (f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else unit)

    def beyond(self, number: float, given: str) -> UnbraidError:
        """Return the sentence for a number out of range."""
        low, high = self.ends
        advice = "ask within it"
        if math.isfinite(number):
            nearest = min(max(number, low), high)
            advice += f", or take the nearest, {_short(nearest)}, with --clip (clip=True)"
        return UnbraidError(
            f"{self.name} {given} is out of this model's range, {self.extent()}: {advice}."
        )

    def no_level(self, given: str) -> UnbraidError:
        """Return the sentence for a value the factor does not have."""
        values = [str(value) for value in self.spec.values or ()]
        near = "" if self.numeric else did_you_mean(given, values)
        return UnbraidError(
            f"there is no {self.name} {given}{near}: this model knows {self.extent()}."
        )


def facets_of(specs: Sequence[FactorSpec]) -> tuple[Facet, ...]:
    """Return a facet for each factor.

    >>> small = FactorSpec("size", "continuous", range=(24, 40), unit="pixels")
    >>> facets_of([small])[0].role
    'size'
    """
    roles = [_role(spec) for spec in specs]
    own = [_tokens(spec.name) for spec in specs]
    taken = set(own)
    heads = [name[:1] for name in own]
    facets = []
    for spec, role, name in zip(specs, roles, own, strict=True):
        names = [name]
        # "wall" for wall_hue, unless another factor starts like that
        if len(name) > 1 and heads.count(name[:1]) == 1 and name[:1] not in taken:
            names.append(name[:1])
        if roles.count(role) == 1:
            aliases = (tuple(alias.split()) for alias in words.ALIASES.get(role, ()))
            names += [alias for alias in aliases if alias not in taken]
        facets.append(Facet(spec, role, _sense(spec, role), tuple(dict.fromkeys(names))))
    return tuple(facets)


def _role(spec: FactorSpec) -> str:
    if spec.kind == "categorical":
        return ""
    name = _tokens(spec.name)
    for role, known in words.ROLES.items():
        if "".join(name) in known or (name and role in ("size", "hue") and name[-1] in known):
            return role
    return ""


def _sense(spec: FactorSpec, role: str) -> int:
    unit = set(spec.unit.replace("-", " ").split())
    if role == "across":
        return -1 if "left" in unit else 1
    if role == "up":
        return 1 if "up" in unit else -1 if "down" in unit else 0
    if role == "turn":
        if "clockwise" in unit:
            return 1 if "counter" in unit else -1
        # in the plane, mathematics turns counter-clockwise; an orientation may be of anything
        return 0 if spec.name.casefold() == "orientation" else 1
    return 1


def _tokens(name: str) -> tuple[str, ...]:
    return tuple(token.text for token in tokens_of(name))


def is_number(value: Any) -> bool:
    """Whether a level is a number and not a word."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def level_text(value: Any) -> str:
    """Return a level as a sentence says it: a class of 2.0 is a 2."""
    return f"{value:g}" if is_number(value) else str(value)


def _short(number: float) -> str:
    return f"{round(number, 2):g}" if abs(number) < 1e6 else f"{number:.3g}"
