"""The phrases of the grammar, each a function ``(reading, start) -> stop``; ``start`` if none."""

from __future__ import annotations

from unbraid.control import _words as words
from unbraid.control._changes import comparison, measured_step, shift
from unbraid.control._facets import Facet
from unbraid.control._measures import across_or_up, amount, has_amount, past_adjective, scaled
from unbraid.control._reading import Reading, clean, first_of, strength_at
from unbraid.control._turns import turn, turned_to
from unbraid.errors import UnbraidError

_CONNECTORS = ("=", "of", "is", "at", "to", "equals")
_PLACES = {"across": words.ACROSS, "up": words.UP}


def assignment(reading: Reading, start: int) -> int:
    """Read ``FACTOR VALUE`` or ``FACTOR=VALUE``; a category's name alone is a noun."""
    named = reading.name_at(start, start)
    if named is None:
        return start
    facet, after = named
    explicit = reading.text(after) == "="
    said = {token.text for token in reading.tokens[start:after]}
    if not explicit and said <= words.ARTICLES:  # a factor called "a" is named by "a=3" alone
        return start
    at = reading.skip(after, _CONNECTORS)
    stop = value_of(reading, facet, at, start)
    if stop > at:
        return stop
    if explicit:
        raise reading.unknown(at, facet)
    if facet.ordered:
        reading.unfinished.append((facet, reading.said(start, after)))
    return after


def value_of(reading: Reading, facet: Facet, start: int, said_from: int) -> int:
    """Read a value of the given factor."""
    if reading.text(start) in words.ANYTHING:
        return start + 1
    for level, index, stop in reading.levels_at(start):
        if level is facet:
            reading.put(facet, float(index), reading.said(said_from, stop))
            return stop
    if facet.role == "turn":
        stop = turned_to(reading, facet, start, said_from)
        if stop > start:
            return stop
    if has_amount(reading, start):
        stored, stop, word = amount(reading, facet, start)
        stop = past_adjective(reading, facet, stop)
        reading.put(facet, stored, reading.said(said_from, stop), word)
        return stop
    at, strength = strength_at(reading, start)
    word = reading.text(at)
    text = reading.said(said_from, at + 1)
    if word in _PLACES.get(facet.role, {}):
        _put_place(reading, facet, word, strength, text, reading.said(start, at + 1))
        return at + 1
    deviation = facet.level_word(word) if facet.ordered else None
    if deviation is None and word in words.CENTRES and facet.ordered:
        deviation = 0.0
    if deviation is None and facet.role == "hue" and word in words.HUES:
        deviation = 2 * words.HUES[word] - 1
        reading.put(facet, _hue(facet, word), text, word)
        return at + 1
    if deviation is None:
        return start
    echo = reading.said(start, at + 1)
    reading.put(facet, facet.at(deviation * strength, word), text, echo)
    return at + 1


def level(reading: Reading, start: int) -> int:
    """Read the name of a level, such as a class: "seven", "cat", "red wall"."""
    fits = reading.levels_at(start, start)
    word = reading.text(start, start)
    if fits and reading.said(start, fits[0][2]) in words.ARTICLES:
        return start
    stop = fits[0][2] if fits else start + 1
    meant = {facet.name: (facet, float(index)) for facet, index, _ in fits}
    tables = (("size", words.SIZES), ("thickness", words.THICKNESSES), *_PLACES.items())
    if fits and stop == start + 1:  # "top" may be a level here and a place there
        for role, table in tables:
            for facet in reading.role(role) if word in table else ():
                meant.setdefault(facet.name, (facet, -1.0))
    if word in words.HUES:
        for facet in reading.role("hue"):
            meant.setdefault(facet.name, (facet, _hue(facet, word)))
    if not meant or (reading.number(start, start) is not None and reading.unit(start + 1)):
        return start
    text = reading.said(start, stop)
    chosen = list(meant.values())
    noun = reading.name_at(reading.skip(stop, ("of",)))
    if noun and noun[0].name in meant and (len(meant) > 1 or _is_noun(reading, *noun)):
        chosen, stop = [meant[noun[0].name]], noun[1]
    if len(chosen) > 1:
        raise reading.ambiguous(text, [facet for facet, _ in chosen])
    facet, value = chosen[0]
    if value < 0:
        return start  # a place or a size after all, which the noun said
    reading.put(facet, value, text, text if facet.role == "hue" else "")
    return stop


def adjective(reading: Reading, start: int) -> int:
    """Read "small", "very thin", "medium thickness", "low elevation"."""
    at, strength = strength_at(reading, start, begins=True)
    word = reading.text(at, start)
    if at > start and not _can_follow_strength(reading, at):
        if reading.text(at - 1, start) != "little":
            return start
        at, word = at - 1, "little"  # small, after all
        strength = strength_at(reading, start, at, begins=True)[1]
    stop = at + 1
    text = reading.said(start, stop)
    noun = reading.name_at(stop)
    if noun and noun[0].ordered and _is_noun(reading, *noun):
        deviation = noun[0].level_word(word)
        if deviation is not None:
            value = noun[0].at(deviation * strength, text)
            reading.put(noun[0], value, reading.said(start, noun[1]), text)
            return noun[1]
    if word in words.MIDDLES:
        roles = [role for role in ("size", "thickness") if reading.role(role)]
        facet = reading.only(roles[0] if roles else "size", word)
        deviation = words.MIDDLES[word]
    else:
        deviation = first_of((words.SIZES, words.THICKNESSES), word)
        if deviation is None:
            return start
        facet = reading.only("size" if word in words.SIZES else "thickness", word)
    if reading.text(stop) == "as" and reading.text(stop + 1) == "possible":
        stop, strength = stop + 2, 4.0
        text = reading.said(start, stop)
    reading.put(facet, facet.at(deviation * strength, text), text, text)
    return stop


def place(reading: Reading, start: int) -> int:
    """Read "top", "far left", "centre" and "corner"."""
    at, strength = strength_at(reading, start, begins=True)
    if at > start:
        at = reading.skip(at, words.IN_THE)  # "far to the left"
    word = reading.text(at, start)
    text = reading.said(start, at + 1)
    if word == "corner":
        reading.corner = True
        return at + 1
    if word in words.CENTRES:
        if not reading.role("across") and not reading.role("up"):
            reading.only("across", word)  # raises
        reading.centre = word
        return at + 1
    noun = reading.text(at + 1) in words.PLACE_NOUNS
    if reading.relative and word in words.HIGHER and not noun:
        return start  # "lower" compares
    for role, table in _PLACES.items():
        if word in table:
            _put_place(reading, reading.only(role, word), word, strength, text, text)
            return at + 1
    return start


def measure(reading: Reading, start: int) -> int:
    """Read a number that comes first: "30 degrees", "26 px in size", "6 px up", "4 px bigger"."""
    if not has_amount(reading, start, start):
        return start
    unit = reading.unit(start + 1)
    text = reading.said(start, start + 2)
    if not unit:
        number = reading.tokens[start].text
        classes = [facet for facet in reading.facets if not facet.ordered and facet.numeric]
        if len(classes) == 1:
            raise classes[0].no_level(number)
        raise UnbraidError(
            f"'{clean(number)}' of what? Write FACTOR=NUMBER, where this model varies "
            f"{reading.offer()}."
        )
    after = start + 2
    noun = reading.name_at(reading.skip(after, ("of", "in")))
    if noun:
        facet, stop = noun
        stored, _, word = amount(reading, facet, start)
        reading.put(facet, stored, reading.said(start, stop), word)
        return stop
    for read in (measured_step, across_or_up, scaled):
        stop = read(reading, start, after)
        if stop > after:
            return stop
    facets = [facet for facet in reading.facets if unit == facet.unit == "degrees"]
    if len(facets) == 1:
        stored, stop, word = amount(reading, facets[0], start)
        reading.put(facets[0], stored, text, word)
        return stop
    able = [facet for facet in reading.facets if facet.unit == unit] or reading.facets
    raise UnbraidError(
        f"'{clean(text)}' of what? Name what it measures, such as '{able[0].name} {clean(text)}', "
        f"where this model varies {reading.offer()}."
    )


def free(reading: Reading, start: int) -> int:
    """Read "any size", which says nothing of it."""
    if reading.text(start, start) not in words.ANYTHING:
        return start
    noun = reading.name_at(start + 1)
    return noun[1] if noun and _is_noun(reading, *noun) else start + 1


def filler(reading: Reading, start: int) -> int:
    """Pass a word that says nothing."""
    return start + (reading.text(start, start) in words.FILLERS)


# -- parts --------------------------------------------------------------------------------------


def _put_place(
    reading: Reading, facet: Facet, word: str, strength: float, text: str, echo: str
) -> None:
    if not facet.sense:
        raise reading.no_sense(facet, text)
    deviation = facet.sense * words.PLACE * _PLACES[facet.role][word] * strength
    reading.put(facet, facet.at(deviation, text), text, echo)


def _can_follow_strength(reading: Reading, at: int) -> bool:
    """Whether "very" or "slightly" make sense before the word."""
    tables = (
        *(words.SIZES, words.THICKNESSES, words.AMOUNTS, words.ACROSS, words.UP, words.SIDES),
        *(words.BIGGER, words.THICKER, words.HIGHER),
    )
    word = reading.text(at)
    turns = words.TURNED | words.TURN | words.MOVE | words.MOVED | words.FURTHER
    return (
        first_of(tables, word) is not None
        or word in turns | words.TO_THE
        or any(reading.spells(at, way) for way in words.CLOCKWISE)
    )


def _is_noun(reading: Reading, facet: Facet, after: int) -> bool:
    """Whether a factor's name ends what came before it, as in "small size": no value follows.

    A number that the factor cannot have is not its value: a "medium thickness seven".
    """
    at = reading.skip(after, _CONNECTORS)
    if at > after and reading.text(after) == "=":
        return False
    number = reading.number(at)
    if number is not None and not reading.unit(at + 1):
        low, high = facet.ends
        part = 0 < number < 1 and "." in reading.text(at)
        return not (low <= number <= high or part)
    if any(level is facet for level, _, _ in reading.levels_at(at)):
        return False
    at, _ = strength_at(reading, at)
    word = reading.text(at)
    if number is not None or word in _PLACES.get(facet.role, {}):
        return False
    own = {"size": words.THICKNESSES, "thickness": words.SIZES}.get(facet.role, {})
    if word in own and reading.role("size") and reading.role("thickness"):
        return True  # "bold strokes, small": the other one's word
    return facet.level_word(word) is None


def _hue(facet: Facet, word: str) -> float:
    low, high = facet.ends
    turn = facet.spec.period or high - low
    return facet.stored(low + words.HUES[word] * turn, True)


PHRASES = (
    *(assignment, level, shift, turn, comparison),
    *(adjective, place, measure, free, filler),
)
