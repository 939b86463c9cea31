"""The phrases of requests as a table, for a page to understand requests without the grammar.

Python's grammar is the only one. It is run on many phrases here, and what it makes of each is kept
with all that it depends on (``phrase_tree``). The page, ``static/words.js``, looks phrases up, and
refuses a request with a phrase that is not in the table.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from unbraid.control import language
from unbraid.control.language import lexicon
from unbraid.control.language.parser import build_request
from unbraid.control.language.parser_state import Constraint, ParserState
from unbraid.control.language.parser_tokens import own_units
from unbraid.control.language.signs import BEFORE_NUMBERS
from unbraid.control.language.terms import FactorTerms, factor_terms, names_with_stops
from unbraid.control.language.tokens import MAX_CHARACTERS, Token, tokenize
from unbraid.control.language.values import is_number
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, specs_to_json
from unbraid.core.files import atomic, cache_folder
from unbraid.explorer.phrase_pack import Packed
from unbraid.explorer.phrase_shapes import grown
from unbraid.explorer.phrase_tree import END, NUMBER

VERSION = 3
TABLES = Path(__file__).parent / "static" / "words"  # made by tools/words_table.py
_GRAMMAR = Path(language.__path__[0])
_UNKNOWN = "\u203a" * 20  # no word of any request, and near to none


def table(specs: Sequence[FactorSpec]) -> dict[str, Any]:
    """Return the phrases of requests for a data set's factors, to be stored as JSON.

    Args:
        specs: the factors of the model's data.

    Raises:
        UnbraidError: there are no factors.

    >>> size = FactorSpec("size", "continuous", range=(24, 40), unit="pixels")
    >>> table([size])["factors"][0]["ends"]
    [24.0, 40.0]
    """
    build_request(specs)  # raises without factors
    tree = grown(specs)
    terms = factor_terms(specs)
    packed, columns = Packed(tree, ", ".join(each.describe() for each in terms)).table()
    words: list[list[str]] = [[] for _ in range(max(columns.values(), default=0) + 1)]
    for word, kind in tree.classes.words.items():
        words[columns[kind]].append(_without_spaces(word))
    for (_, _, text), kind in tree.classes.numbers.items():
        if text:
            words[columns[kind]].append(text)
    return {
        "version": VERSION,
        "factors": [_factor(each) for each in terms],
        "words": [" ".join(each) for each in words],
        "number": columns[NUMBER],
        "end": columns[END],
        "vocabulary": list(dict.fromkeys(word for each in terms for word in each.vocabulary())),
        "spelt": lexicon.NUMBERS,
        "tens": lexicon.TENS,
        **packed,
        **_alike(terms),
        "signs": {
            "words": sorted(BEFORE_NUMBERS),
            "names": [list(name) for each in terms if each.ordered for name in each.names if name],
        },
        "refusals": _refusals(specs, terms),
        "longest": MAX_CHARACTERS,
        **({"joined": joined} if (joined := names_with_stops(terms)) else {}),
        **({"units": long} if (long := _long_units(terms)) else {}),
    }


def _long_units(terms: Sequence[FactorTerms]) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Return units of several tokens, each with its tokens' texts and which of them start anew."""
    found = []
    for unit in own_units(terms):
        tokens = tokenize(unit)
        if len(tokens) > 1:
            parts = [(token.text, token.starts_phrase) for token in tokens]
            found.append((_without_spaces(unit), parts))
    return found


def _without_spaces(word: str) -> str:
    """Return a word for a list with spaces between words; only a unit can hold a space."""
    return word.replace(" ", "\u00a0")


def cached_table(specs: Sequence[FactorSpec]) -> dict[str, Any]:
    """Return the table of ``table``; that of ``digits`` comes with the package, others are kept.

    They are kept in the cache folder, as they take seconds to make.

    Args:
        specs: the factors of the model's data.

    Raises:
        UnbraidError: there are no factors.
    """
    name = f"{key_of(specs)}.json"
    kept = cache_folder() / "words" / name
    for place in (TABLES / name, kept):
        with suppress(OSError, ValueError):
            return dict(json.loads(place.read_text(encoding="utf-8")))
    text = text_of(table(specs))
    with suppress(OSError, UnbraidError), atomic(kept) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return dict(json.loads(text))


def text_of(made: dict[str, Any]) -> str:
    """Return a table as a file holds it."""
    return json.dumps(made, separators=(",", ":"), ensure_ascii=False)


def key_of(specs: Sequence[FactorSpec]) -> str:
    """Return a name for the table of factors: another one if the grammar's code changes."""
    here = Path(__file__).parent
    made = [*_GRAMMAR.glob("*.py"), *here.glob("phrase*.py"), here / "word_classes.py"]
    key = hashlib.sha256(json.dumps(specs_to_json(specs), default=float).encode())
    for path in sorted([*made, here / "words.py"]):
        key.update(repr(_code(ast.parse(path.read_text(encoding="utf-8")))).encode())
    return key.hexdigest()[:24]


def _code(node: Any) -> Any:
    """Return code without layout, comments and docstrings, the same in every version of Python."""
    if isinstance(node, list):
        return [_code(each) for each in node if not _is_docstring(each)]
    if not isinstance(node, ast.AST):
        return node
    fields = [(name, _code(value)) for name, value in ast.iter_fields(node)]
    return [type(node).__name__, *(each for each in fields if each[1] not in (None, []))]


def _is_docstring(node: Any) -> bool:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant and isinstance(node.value.value, str)


def _factor(terms: FactorTerms) -> dict[str, Any]:
    """Return what the page needs of a factor to convert and show its values."""
    spec = terms.spec
    low, high = terms.ends
    levels: dict[str, int] = {}
    for index, value in enumerate(spec.values or ()):
        if not is_number(value) and len(tokens := tokenize(str(value))) == 1:
            levels.setdefault(tokens[0].text, index)
    return {
        "name": terms.name,
        **({} if terms.label == terms.name else {"label": terms.label}),
        "kind": spec.kind,
        "values": None if spec.values is None else [_plain(value) for value in spec.values],
        "numeric": terms.numeric,
        "levels": levels,
        "ends": [low, high],
        "limits": list(terms.limits),
        "places": terms.places,
        "unit": "%" if terms.unit == "percent" else terms.short_unit,
        "reference": terms.reference,
        "turns": terms.unit if terms.role == "rotation" and terms.direction else "",
        "role": terms.role,
        "direction": terms.direction,
        "period": spec.period,
        "turn": spec.period or terms._full_turn,
        "middle": terms.at_position(0.0, "") if terms.ordered else None,
        "range": terms.describe_range(),
        "out": str(terms.out_of_range_error(float("nan"), "{given}")),
        "none": str(terms.no_level_error("{given}")),
        "contradiction": _contradiction(terms),
    }


def _alike(terms: Sequence[FactorTerms]) -> dict[str, Any]:
    """Return the levels that only the library tells apart: alike, or told by signs or capitals."""
    alike: list[list[str]] = []
    marked: set[str] = set()
    for each in terms:
        levels = [tokenize(str(value)) for value in each.spec.values or ()]
        counts = Counter(tuple(token.text for token in level) for level in levels)
        alike += [list(texts) for texts, count in counts.items() if count > 1 and texts]
        for token in (token for level in levels for token in level):
            if token.given.casefold() not in ("", token.text):
                marked.add(token.text)
    letters = sorted(ParserState((), terms, clip=False, relative=False).letters)
    named = [
        name for each in terms if {*letters} & {*(each.spec.values or ())} for name in each.names
    ]
    found: dict[str, list[Any]] = {"alike": alike, "marked": sorted(marked), "letters": letters}
    found |= {"lettered": [list(name) for name in named]}
    return {name: each for name, each in found.items() if each}


def _plain(value: Any) -> Any:
    """Return a level as the page has it: a number or a text, so that truth values read as here."""
    if not is_number(value):
        return str(value)
    return value if isinstance(value, int) else float(value)


def _contradiction(terms: FactorTerms) -> str:
    state = ParserState((), [terms], clip=False, relative=False)
    state._add(terms, Constraint(0.0, 1.0, 0.0, "{0}", ""))
    try:
        state._add(terms, Constraint(1.0, 1.0, 0.0, "{1}", ""))
    except UnbraidError as error:
        return str(error)
    raise AssertionError("two values of one factor are an error")


def _unknown(word: str, terms: Sequence[FactorTerms]) -> str:
    """Return the sentence for a token that is no word."""
    state = ParserState([Token(word)], terms, clip=False, relative=False)
    return str(state.unknown_error(0)).replace(f"'{word}'", "'{word}'")


def _refusals(specs: Sequence[FactorSpec], terms: Sequence[FactorTerms]) -> dict[str, str]:
    """Return the sentences for what no phrase is."""
    state = ParserState([Token(_UNKNOWN)], terms, clip=False, relative=False)
    cornered = ParserState((), terms, clip=False, relative=False)
    cornered.corner = True
    try:
        cornered.finish()
        corner = ""
    except UnbraidError as error:
        corner = str(error)
    try:
        build_request(specs, text="," * (MAX_CHARACTERS + 1))
        long = ""
    except UnbraidError as error:
        long = str(error).replace(f"{MAX_CHARACTERS + 1:,}", "{count}")
    return {
        "unknown": str(state.unknown_error(0)).replace(_UNKNOWN, "{word}"),
        "numbers": _unknown("1,2", terms),
        "sign": _unknown("<", terms),
        "corner": corner,
        "long": long,
    }
