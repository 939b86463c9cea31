"""What is known of each factor of variation: its kind, values, unit and symmetries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from math import ceil, inf, isfinite
from numbers import Integral, Real
from typing import Any, Literal, get_args

from unbraid.core.errors import UnbraidError, did_you_mean

EVEN = 1e-3  # part of a step, by which steps between evenly spaced levels may differ
Kind = Literal["categorical", "ordinal", "continuous", "periodic"]


@dataclass(frozen=True)
class Symmetry:
    """At ``value`` of factor ``factor``, this factor repeats after ``period`` (in its own unit).

    ``period=0`` says that the factor has no meaning there (the angle of a disc).
    """

    factor: str
    value: str | float
    period: float


@dataclass(frozen=True)
class FactorSpec:
    """One factor of variation.

    Args:
        name: the factor's name, e.g. ``"angle"``.
        kind: ``categorical`` (no order), ``ordinal`` (ordered levels), ``continuous`` (reals) or
            ``periodic`` (reals or levels on a circle).
        values: what each level means; a factor with ``values`` is stored as an index into them,
            a factor without is stored as a real number in ``unit``.
        range: lowest and highest value in ``unit``, for factors stored as reals.
        unit: ``"degrees"``, ``"pixels"``, ...; empty if there is none.
        period: length of one turn in ``unit``; required for ``periodic``.
        symmetries: values of *other* factors at which this one repeats sooner.
        measured: as what it is computed from the image itself, so that it needs no label: of
            ``"lines"``, of ``"shapes"``, of an ``"image"`` or of a ``"sound"``; empty if it is not.

    Raises:
        UnbraidError: an unknown kind, neither values nor a range, or others than these can be.

    >>> FactorSpec("angle", "periodic", range=(0, 360), unit="degrees", period=360).period
    360
    """

    name: str
    kind: Kind
    values: tuple[str | float, ...] | None = None
    range: tuple[float, float] | None = None
    unit: str = ""
    period: float | None = None
    symmetries: tuple[Symmetry, ...] = field(default=())
    measured: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise UnbraidError(
                f"the name of a factor is {self.name!r}, expected a text, such as 'angle': name it."
            )
        _check_kind(self.name, self.kind)
        if self.kind == "periodic" and not (_finite(self.period) and float(self.period or 0) > 0):
            raise UnbraidError(
                f"factor '{self.name}' is periodic and its period is {self.period!r}, expected a "
                "number above 0: give the length of one turn, as in period=360."
            )
        if self.values is None and self.range is None:
            raise UnbraidError(
                f"factor '{self.name}' has neither values nor a range: give the values of its "
                "levels, or the range of its numbers."
            )
        if self.values is not None:
            object.__setattr__(self, "values", _checked_values(self.name, self.values))
        if self.range is not None:
            object.__setattr__(self, "range", _checked_range(self.name, self.range))

    @property
    def unit_beside(self) -> str:
        """The unit, where the name does not say it already, as "offset (mm)" does."""
        return "" if self.name.endswith((")", "]")) else self.unit

    @property
    def is_discrete(self) -> bool:
        """Whether the factor is stored as an index into ``values``."""
        return self.values is not None

    @property
    def stored_turn(self) -> float | None:
        """Length of one turn in stored values, None without a period.

        It is the period itself for reals. For levels, it is the number of levels in one period
        where they are evenly spaced numbers, which may begin again after it; else all of them.

        >>> FactorSpec("hour", "periodic", values=(0, 6, 12, 18), period=24).stored_turn
        4.0
        >>> FactorSpec("hour", "periodic", values=(0, 6, 12, 18, 24), period=24).stored_turn
        4.0
        """
        if not self.period:
            return None
        if self.values is None:
            return float(self.period)
        turn = self.period / step if (step := _step(self.values)) else float(len(self.values))
        return float(round(turn)) if abs(turn - round(turn)) < EVEN else turn

    @property
    def distinct(self) -> int:
        """Number of levels that differ: those of a circle that begin again are the first ones.

        >>> FactorSpec("hour", "periodic", values=(0, 6, 12, 18, 24), period=24).distinct
        4
        """
        count, turn = len(self.values or ()), self.stored_turn
        return int(turn) if turn and turn < count and turn.is_integer() else count

    @property
    def wrap_level(self) -> float:
        """Place between levels from which on the first one, a turn later, is the nearest.

        Infinite without a period.

        >>> FactorSpec("hour", "periodic", values=(0, 6, 12, 18), period=24).wrap_level
        3.5
        """
        turn = self.stored_turn or inf
        last = min(len(self.values or ()), turn - EVEN)  # levels after a turn repeat others
        return (ceil(last) - 1 + turn) / 2

    def period_given(self, factor: str, value: str | float) -> float | None:
        """Return the period of this factor where ``factor`` has ``value`` (0: no meaning there).

        Without a symmetry declared for that value it is the factor's own period, None if it has
        none.
        """
        for symmetry in self.symmetries:
            if symmetry.factor == factor and symmetry.value == value:
                return symmetry.period
        return self.period


def specs_to_json(specs: Iterable[FactorSpec]) -> list[dict[str, Any]]:
    """Return specs as JSON holds them, without what is at its default."""
    default = asdict(FactorSpec("x", "continuous", range=(0, 1))) | {"name": None, "range": None}
    return [
        {key: value for key, value in asdict(spec).items() if value != default[key]}
        | {"kind": spec.kind}
        for spec in specs
    ]


def specs_from_json(stored: Iterable[Mapping[str, Any]]) -> tuple[FactorSpec, ...]:
    """Return the specs that ``specs_to_json`` stored.

    Raises:
        KeyError, TypeError, ValueError: it is not what it stores.

    >>> spec = FactorSpec("x", "continuous", range=(-9.0, 9.0), unit="pixels")
    >>> specs_from_json(specs_to_json([spec])) == (spec,)
    True
    """
    stored = tuple(stored)
    for each in stored:
        _check_stored(each)
    return tuple(
        FactorSpec(
            each["name"] or "factor",  # earlier versions stored names and values as they were
            each["kind"],
            values=apart(_tuple(each.get("values"))),
            range=_tuple(each.get("range")),
            unit=each.get("unit", ""),
            period=each.get("period"),
            symmetries=tuple(Symmetry(**symmetry) for symmetry in each.get("symmetries", ())),
            measured=each.get("measured", ""),
        )
        for each in stored
    )


def apart(values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """Return values of which none is another's: texts given twice get their number.

    >>> apart(("crane", "maillot", "crane"))
    ('crane', 'maillot', 'crane (2)')
    """
    if values is None or len(set(values)) == len(values):
        return values
    return tuple(
        f"{value} ({at})" if value in values[:at] else value for at, value in enumerate(values)
    )


def _check_stored(each: Mapping[str, Any]) -> None:
    """Raise an error unless what a file holds of a factor is of the types that it should be."""
    texts = [each["name"], each["kind"], each.get("unit", ""), each.get("measured", "")]
    values, bounds, period = each.get("values"), each.get("range"), each.get("period")
    numbers = [] if bounds is None else list(bounds)
    numbers += [] if period is None else [period]
    if (
        not all(isinstance(text, str) for text in texts)
        or each["kind"] not in get_args(Kind)
        or not (values is None or (isinstance(values, list | tuple) and values))
        or not all(isinstance(value, str | float | int) for value in values or ())
        or not (bounds is None or len(bounds) == 2)
        or not all(isinstance(number, float | int) and isfinite(number) for number in numbers)
    ):
        raise ValueError(f"a factor is {str(dict(each))[:300]}")


def _check_kind(name: str, kind: Any) -> None:
    """Raise an UnbraidError unless a kind is known: another would be taken for continuous."""
    if kind in get_args(Kind):
        return
    near = "periodic" if kind in ("circular", "cyclic") else ""
    hint = f" (did you mean '{near}'?)" if near else did_you_mean(kind, get_args(Kind))
    raise UnbraidError(
        f"the kind of factor '{name}' is {kind!r}{hint}, expected one of "
        f"{', '.join(get_args(Kind))}."
    )


def _finite(number: Any) -> bool:
    return isinstance(number, Real) and not isinstance(number, bool) and isfinite(number)


def _checked_values(name: str, values: Any) -> tuple[Any, ...]:
    """Return the values of a factor as a tuple."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise UnbraidError(
            f"the values of factor '{name}' are {values!r}, expected several: give them as a "
            "tuple, as in ('square', 'disc')."
        )
    found = tuple(values)
    for value in found:
        if not isinstance(value, str | Real):
            raise UnbraidError(
                f"a value of factor '{name}' is {value!r}, expected a text or a number: leave it "
                "out."
            )
    if not found:
        raise UnbraidError(f"factor '{name}' has no values: give the value of each level.")
    if len(set(found)) < len(found):
        twice = next(value for at, value in enumerate(found) if value in found[:at])
        raise UnbraidError(
            f"factor '{name}' has the value {twice!r} twice: give each value once, as rows hold "
            "the index of theirs."
        )
    return tuple(value if isinstance(value, str) else _python(value) for value in found)


def _python(number: Any) -> Any:
    """Return a number of NumPy as Python's, which JSON can store."""
    if isinstance(number, int | float):
        return number
    return int(number) if isinstance(number, Integral) else float(number)


def _checked_range(name: str, ends: Any) -> tuple[Any, Any]:
    """Return the range of a factor as a tuple; one of no width is that of a constant factor."""
    found = tuple(ends) if isinstance(ends, Iterable) else (ends,)
    if len(found) != 2 or not all(map(_finite, found)) or found[0] > found[1]:
        raise UnbraidError(
            f"the range of factor '{name}' is {ends!r}, expected the lowest and the highest value, "
            "two finite numbers, as in (0, 360)."
        )
    return _python(found[0]), _python(found[1])


def _step(values: tuple[str | float, ...]) -> float:
    """Return the distance of evenly spaced numbers, 0 if they are not."""
    numbers = [value for value in values if not isinstance(value, str | bool)]
    if len(numbers) < len(values) or len(numbers) < 2:
        return 0.0
    step = (numbers[-1] - numbers[0]) / (len(numbers) - 1)
    away = [abs(after - before - step) for before, after in pairwise(numbers)]
    return float(abs(step)) if max(away) < EVEN * abs(step) else 0.0


def _tuple(stored: Any) -> Any:
    return None if stored is None else tuple(stored)
