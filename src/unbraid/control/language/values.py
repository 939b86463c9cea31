"""The values of a factor: numbers in its unit, what rows of factors store, and how both are shown.

A row stores an index for a level and the number itself for a continuous factor. A position is a
number relative to the range: -1 is the low end, 0 the middle, 1 the high end.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.control.language.lexicon import UNITS
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec

_SHORT_UNITS = {"pixels": "px", "milliseconds": "ms"}
_SHOWN = 12  # levels listed before the others are only counted
FULL_TURN = {"degrees": 360.0, "radians": math.tau}


@dataclass(frozen=True)
class FactorValues:
    """Conversions between a factor's numbers, stored values and text.

    Args:
        spec: the factor.
        role: ``size``, ``thickness``, ``horizontal``, ``vertical``, ``rotation``, ``hue``,
            ``length``, ``pitch``, ``duration``, ``loudness`` or ``tract``; empty for none.
        direction: 1 if numbers increase to the right, upwards or counter-clockwise, -1 for the
            opposite direction, 0 if the data set does not define it.
        subject: what has this factor, as messages call it.
    """

    spec: FactorSpec
    role: str
    direction: int
    subject: str = field(default="this model", kw_only=True)

    @property
    def name(self) -> str:
        """The factor's name."""
        return self.spec.name

    @property
    def label(self) -> str:
        """The name without its unit in brackets, to stand beside a number with the unit."""
        if not self.spec.unit:
            return self.name
        bracket = rf"(?<=\S)\s*[(\[]\s*{re.escape(self.spec.unit)}\s*[)\]]\s*$"
        return re.sub(bracket, "", self.name)

    @property
    def ordered(self) -> bool:
        """Whether values can be compared as more and less."""
        return self.spec.kind != "categorical"

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return all(is_number(value) for value in self.spec.values or ())

    @property
    def unit(self) -> str:
        """The first word of its unit, such as ``pixels`` or ``degrees``; empty for none."""
        word = self.spec.unit.replace("per cent", "percent").split(" ")[0]
        return UNITS.get(word.casefold(), word)

    @property
    def reference(self) -> float:
        """The frequency in hertz from which semitones count, 0 if it has another unit."""
        match = re.search(r"from ([0-9.]+) Hz", self.spec.unit)
        return (float(match[1]) if match else 100.0) if self.unit == "semitones" else 0.0

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and highest number; the lowest and highest index if levels are words."""
        if self.spec.values is None:
            low, high = self.spec.range or (0.0, 0.0)
            return float(low), float(high)
        if self.numeric:
            numbers = [float(value) for value in self.spec.values]
            return min(numbers), max(numbers)
        return 0.0, len(self.spec.values) - 1.0

    @property
    def limits(self) -> tuple[float, float]:
        """The ends, or as ``describe_range`` shows them where that is further out."""
        low, high = self.ends
        shown = [float(text) for text in self._span()]
        if self.reference:
            shown = [self.semitones(hertz) for hertz in shown]
        return min(low, shown[0]), max(high, shown[1])

    @cached_property
    def places(self) -> int:
        """The decimals that show a hundredth of the range, and each level as another number.

        Negative for ranges above 100 units; of frequencies, whose steps grow with them, 0.
        """
        if self.reference:
            return 0
        low, high = self.ends
        places = _decimals_of((high - low) / 100)
        levels = np.unique([value for value in self.spec.values or () if is_number(value)])
        if len(levels) > 1:
            places = max(places, _decimals_of(float(np.diff(levels.astype(np.float64)).min())))
        return places

    def _span(self) -> tuple[str, str]:
        """Return both ends as text, the smaller one as it stands beside the other."""
        low, high = map(self.hertz, self.ends) if self.reference else self.ends
        return _short(low, self.places, high), _short(high, self.places, low)

    # -- numbers and stored values --------------------------------------------------------------

    def to_stored(self, number: float, clip: bool, given: str = "") -> float:
        """Return the stored value of a number: itself, or the index of the nearest level.

        Args:
            number: in the factor's unit.
            clip: replace a number out of range by the nearest end of the range.
            given: how an error quotes the number, if not as it is.

        Raises:
            UnbraidError: no such level, or a number out of range without ``clip``.
        """
        low, high = self.ends
        given = given or f"{number:g}"
        if not self.ordered:
            for index, value in enumerate(self.spec.values or ()):
                if is_number(value) and float(value) == number:
                    return float(index)
            raise self.no_level_error(given)
        if not self.numeric:
            raise self.no_level_error(given)
        inside = self._inside(number)
        if inside is None:
            if not clip or math.isnan(number):
                raise self.out_of_range_error(number, given)
            inside = min(max(number, low), high)
        return self._nearest(inside)

    def _inside(self, number: float) -> float | None:
        """Return the number within the range, modulo full turns; None if it is out of range."""
        low, high = self.ends
        least, most = self.limits
        turn = self.spec.period or self._full_turn
        if not math.isfinite(number):
            return None
        if turn and not least <= number <= most:
            number = low + (number - low) % turn
            if self.spec.period and self.spec.is_discrete:
                return number  # after the last level comes the first
            if number - low > turn - 1e-9:
                number = low
        return min(max(number, low), high) if least - 1e-9 <= number <= most + 1e-9 else None

    def _nearest(self, number: float) -> float:
        if self.spec.values is None:
            return number
        levels = np.array(self.spec.values, np.float64)
        difference = np.abs(levels - number)
        if self.spec.period:
            difference = np.minimum(difference % self.spec.period, -difference % self.spec.period)
        return float(np.argmin(difference.round(9)))

    def at_position(self, position: float, word: str) -> float:
        """Return the stored value at a position from -1 to 1.

        Raises:
            UnbraidError: the factor has a single value, which is neither high nor low.
        """
        low, high = self.ends
        if low == high and position:
            raise UnbraidError(
                f"{self.name} is always {self.number(low)} for {self.subject}, so it cannot be "
                f"'{word}': leave it out."
            )
        number = (low + high) / 2 + min(max(position, -1.0), 1.0) * (high - low) / 2
        if self.spec.values is not None and not self.numeric:
            return float(round(number))
        return self._nearest(number)

    def numbers(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the numbers of stored values (N,); the indices themselves if levels are words."""
        if self.spec.values is None or not self.numeric:
            return column
        levels = np.array(self.spec.values, np.float64)
        return levels[np.clip(np.rint(column), 0, len(levels) - 1).astype(np.int64)]

    def number_of(self, stored: float) -> float:
        """Return the number of one stored value."""
        return float(self.numbers(np.array([stored]))[0])

    def differs(self, stored: float, number: float) -> bool:
        """Whether a stored value is another number than the given one, modulo full turns.

        A number within ``limits`` is that of the end which it is taken as.
        """
        turn = self.spec.period or self._full_turn
        (low, high), (least, most) = self.ends, self.limits
        if self.ordered and self.numeric and least <= number <= most:
            number = min(max(number, low), high)
        difference = self.number_of(stored) - number
        return abs(math.remainder(difference, turn) if turn else difference) > 1e-6

    @property
    def _full_turn(self) -> float | None:
        """A full turn of an angle whose range is less than one."""
        return FULL_TURN.get(self.unit) if self.role == "rotation" else None

    def changed(
        self, column: NDArray[np.float64], scale: float, offset: float
    ) -> NDArray[np.float64]:
        """Return stored values (N,) after ``number * scale + offset``, clipped to the range."""
        low, high = self.ends
        changed = self.numbers(column) * scale + offset
        if self.spec.values is not None and not self.numeric:
            turn = self.spec.stored_turn
            return np.rint(changed) % turn if turn else np.rint(np.clip(changed, low, high))
        if self.spec.period:
            changed = low + (changed - low) % self.spec.period
        else:
            changed = np.clip(changed, low, high)
        return np.array([self._nearest(float(number)) for number in changed])

    # -- text -----------------------------------------------------------------------------------

    def number(self, number: float) -> str:
        """Return a number with the factor's unit, and its direction if it is an angle."""
        if self.role == "rotation" and self.direction and self.unit in FULL_TURN:
            angle = number * self.direction
            if self.spec.period:
                angle = (angle + self.spec.period / 2) % self.spec.period - self.spec.period / 2
            direction = "counter-clockwise" if angle > 0 else "clockwise"
            return f"{_short(abs(angle), self.places)} {self.unit}" + (
                f" {direction}" if round(angle, 3) else ""
            )
        if self.reference:
            return f"{_short(self.hertz(number))} Hz"
        text = _short(number, self.places)
        if self.unit == "percent":
            return f"{text}%"
        if self.role in ("horizontal", "vertical") and number > 0 > self.ends[0]:
            text = f"+{text}"
        return f"{text} {self.short_unit}" if self.spec.unit else text

    @property
    def short_unit(self) -> str:
        """The unit as it stands beside a number, such as ``px``."""
        return _SHORT_UNITS.get(self.unit, self.spec.unit)

    def hertz(self, number: float) -> float:
        """Return the frequency of a number of semitones."""
        return float(self.reference * 2.0 ** (number / 12))

    def semitones(self, hertz: float) -> float:
        """Return the number of semitones of a frequency."""
        return 12 * math.log2(hertz / self.reference)

    def show(self, stored: float, word: str = "") -> str:
        """Return a stored value as text, such as ``size 26 px (small)``."""
        if self.spec.values is None:
            text = self.number(stored)
        else:
            value = self.spec.values[int(stored)]
            known = is_number(value) and self.ordered
            text = self.number(float(value)) if known else level_text(value)
        return f"{self.label} {text}" + (f" ({word})" if word and word != text else "")

    def show_change(self, offset: float) -> str:
        """Return a change by a number as text, in the factor's unit."""
        if self.role == "rotation" and self.direction:
            return f"{self.number(offset)} from its current value"
        unit = _SHORT_UNITS.get(self.unit, self.spec.unit)
        if self.unit in ("semitones", "dbfs", "percent"):
            unit = {"dbfs": "dB"}.get(self.unit, self.unit)
        return f"{offset:+.3g}{' ' if unit else ''}{unit} from its current value"

    def describe(self) -> str:
        """Return the factor and its possible values, such as ``size (24 to 40 pixels)``."""
        return f"{self.label} ({self.describe_range()})"

    def describe_range(self) -> str:
        """Return the possible values: ``24 to 40 pixels``, ``0, 1, 2`` or ``cat, dog``."""
        values = self.spec.values
        unit = f" {self.spec.unit}" if self.spec.unit else ""
        unit = " ms" if self.unit == "milliseconds" else unit
        low, high = self.ends
        if self.reference and values is None:
            unit = " Hz"
        if self.unit == "percent" and values is None:
            unit = "%"
        if values is None or (self.ordered and self.numeric and len(values) > 4):
            return f"{' to '.join(self._span())}{unit}"
        whole = all(isinstance(value, int) for value in values)
        if whole and len(values) > 3 and high - low == len(values) - 1:
            return f"{low:g} to {high:g}"
        listed = ", ".join(map(level_text, values[:_SHOWN]))
        return listed + (f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else unit)

    def out_of_range_error(self, number: float, given: str) -> UnbraidError:
        """Return the error for a number out of range."""
        low, high = self.ends
        advice = "use a value within it"
        if math.isfinite(number):
            nearest = min(max(number, low), high)
            shown = self.number(nearest) if self.reference else _short(nearest, self.places)
            advice += f", or take the nearest, {shown}, with --clip (clip=True)"
        return UnbraidError(
            f"{self.name} {given} is out of {self.subject}'s range, {self.describe_range()}: "
            f"{advice}."
        )

    def no_level_error(self, given: str) -> UnbraidError:
        """Return the error for a value that is no level of the factor."""
        values = [str(value) for value in self.spec.values or ()]
        near = "" if self.numeric else did_you_mean(given, values)
        return UnbraidError(
            f"there is no {self.name} {given}{near}: {self.subject} knows {self.describe_range()}."
        )


def is_number(value: Any) -> bool:
    """Whether a level is a number and not a word."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def level_text(value: Any) -> str:
    """Return a level as text, whole numbers without a decimal point: 2.0 is ``2``."""
    if not is_number(value):
        return str(value)
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


def _short(number: float, places: int = 0, beside: float = 0.0) -> str:
    """Return a number to three significant figures, or whole; with at most two decimals.

    Args:
        number: it.
        places: decimals that it has at least, where they are not zeros.
        beside: a number that it is shown with: where that is larger, two figures are enough.

    >>> _short(731.25), _short(93.63), _short(2.4375), _short(79.37, 0, 282.84)
    ('731', '93.6', '2.44', '79')
    >>> _short(0.01234, 4), _short(293.154, 2), _short(1328681.5, -3)
    ('0.0123', '293.15', '1.329e+06')
    """
    if not math.isfinite(number):
        return f"{number:g}"
    if abs(number) >= 1e6:
        whole = math.floor(math.log10(abs(number))) + 1  # digits before the point
        return f"{number:.{max(3, whole + places)}g}"
    decimals = max(_decimals(max(abs(number), abs(beside))), _decimals(abs(number)) - 1, places)
    text = f"{round(number, decimals) + 0.0:.{decimals}f}"  # not -0
    return text.rstrip("0").rstrip(".") if decimals else text


def _decimals(size: float) -> int:
    return 0 if size >= 100 else 1 if size >= 10 else 2


def _decimals_of(step: float) -> int:
    """Return how many decimals tell numbers a step apart; 0 without a step."""
    return min(math.ceil(-math.log10(step) - 1e-9), 12) if 0 < step < math.inf else 0
