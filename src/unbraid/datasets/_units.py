"""Units in the names of columns, such as "offset (mm)" or "speed [m/s]"."""

from __future__ import annotations

import re

_LAST = re.compile(r"[(\[]\s*([^()\[\]]{1,16}?)\s*[)\]]\s*$")
_PART = re.compile(r"(.*?)(?:\^?-?[1-4]|[²³⁴])?")  # a unit without its exponent
_PREFIXES = ("", "k", "M", "G", "m", "c", "d", "h", "u", "µ", "μ", "n", "p")
# As they are written; one letter alone may name anything else, so only those of the commonest are.
_SYMBOLS = frozenset(
    [
        *(
            prefix + unit
            for prefix in _PREFIXES[1:]
            for unit in ("m", "s", "g", "l", "L", "V", "W")
        ),
        *(prefix + unit for prefix in _PREFIXES for unit in ("Hz", "Pa", "eV", "Wh", "mol", "bar")),
        *(prefix + unit for prefix in _PREFIXES[1:] for unit in ("N", "J", "A", "K", "B")),
        *("m", "s", "g", "K", "%", "‰", "°", "°C", "°F", '"', "'"),
    ]
)
# In any case, words also in the plural. "min" is a minimum more often than minutes.
_SPELLED = """
px pixel deg degree rad radian percent in inch inches ft foot feet yd yard mi mile
meter metre centimeter centimetre millimeter millimetre kilometer kilometre micron micrometer
second sec mins minute hour hr h day week month year yr gram kilogram kg lb pound oz ounce ton tonne
wpm spm cpm knot nit gallon hp kcal st dbfs lufs cent
liter litre milliliter millilitre celsius fahrenheit kelvin hertz db decibel volt watt newton joule
pascal mmhg psi rpm mph kmh kph lux lumen bpm fps dpi ppm ppb semitone octave mol molar
turn rev revolution usd eur gbp euro dollar
"""
_WORDS = frozenset(_SPELLED.split())


def in_brackets(name: str) -> str:
    """Return the text in brackets at the end of a name, empty for none and for a plural.

    >>> in_brackets("tempo (wpm)"), in_brackets("value(s)")
    ('wpm', '')
    """
    found = _LAST.search(name)
    before = name[: found.start()] if found else ""
    plural = found is not None and found[1] == "s" and before == before.rstrip()
    return found[1] if found and before.strip() and not plural else ""


def unit_in(name: str) -> str:
    """Return the unit in brackets at the end of a name; empty for none, or for what is no unit.

    >>> unit_in("speed [m/s]"), unit_in("height (max)")
    ('m/s', '')
    """
    found = in_brackets(name)
    parts = re.split(r"[/·*]", found)
    if parts[0] == "1" and len(parts) > 1:
        del parts[0]
    return found if found and all(map(_is_unit, parts)) else ""


def _is_unit(text: str) -> bool:
    """Whether a text is a unit, perhaps with an exponent."""
    match = _PART.fullmatch(text.strip())
    plain = match[1] if match else ""
    word = plain.casefold()
    return plain in _SYMBOLS or word in _WORDS or word.removesuffix("s") in _WORDS
