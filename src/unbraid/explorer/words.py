"""The phrases of requests as a table, for a page to understand requests without the grammar.

Python's grammar is the only one. It is run on many phrases here, and what it makes of each is kept
with all that it depends on (``phrase_tree``). The page, ``static/words.js``, looks phrases up, and
refuses a request with a phrase that is not in the table.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unbraid.control import language
from unbraid.control.language import lexicon
from unbraid.control.language.parser import build_request
from unbraid.control.language.parser_state import Constraint, ParserState
from unbraid.control.language.terms import FactorTerms, factor_terms
from unbraid.control.language.tokens import MAX_CHARACTERS, Token, tokenize
from unbraid.control.language.values import is_number
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, specs_to_json
from unbraid.core.files import atomic, cache_folder
from unbraid.explorer.phrase_shapes import grown
from unbraid.explorer.phrase_trace import Affine, Level, Phrase, Setting
from unbraid.explorer.phrase_tree import END, NUMBER, Conditions, Node, Tree, meets

VERSION = 1
_GRAMMAR = Path(language.__path__[0])
_UNKNOWN = "\u203aword"  # no word of any request


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
    packed = _Packed(tree, ", ".join(each.describe() for each in terms))
    root = packed.node(tree.root, ())
    columns, sets = packed.columns(len(tree.classes.tokens))
    words: list[list[str]] = [[] for _ in range(max(columns.values(), default=0) + 1)]
    for word, kind in tree.classes.words.items():
        words[columns[kind]].append(word)
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
        "root": root,
        "nodes": packed.shared_nodes(columns),
        "sets": sets,
        "phrases": packed.phrases.items,
        "cuts": packed.cuts.items,
        "levels": packed.levels.items,
        "sentences": packed.sentences.items,
        "refusals": _refusals(specs, terms),
        "longest": MAX_CHARACTERS,
    }


def cached_table(specs: Sequence[FactorSpec]) -> dict[str, Any]:
    """Return the table of ``table``, kept in the cache folder, as it takes seconds to make.

    Args:
        specs: the factors of the model's data.

    Raises:
        UnbraidError: there are no factors.
    """
    made = [Path(__file__), *_GRAMMAR.glob("*.py"), *Path(__file__).parent.glob("*phrase*.py")]
    key = hashlib.sha256(json.dumps(specs_to_json(specs), default=float).encode())
    for path in sorted([*made, Path(__file__).with_name("word_classes.py")]):
        key.update(path.read_bytes())
    kept = cache_folder() / "words" / f"{key.hexdigest()[:24]}.json"
    with suppress(OSError, ValueError):
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    text = json.dumps(table(specs), separators=(",", ":"))
    with suppress(OSError, UnbraidError), atomic(kept) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return dict(json.loads(text))


class _Shared:
    """Values that are stored once each."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._known: dict[str, int] = {}

    def add(self, item: Any) -> int:
        """Return the index of a value."""
        at = self._known.setdefault(repr(item), len(self.items))
        if at == len(self.items):
            self.items.append(item)
        return at


@dataclass
class _Packed:
    """A tree in which equal parts are stored once.

    Args:
        tree: the phrases.
        factors: all factors and their ranges, as sentences list them.
    """

    tree: Tree
    factors: str
    nodes: _Shared = field(default_factory=_Shared)
    phrases: _Shared = field(default_factory=_Shared)
    cuts: _Shared = field(default_factory=_Shared)
    levels: _Shared = field(default_factory=_Shared)
    sentences: _Shared = field(default_factory=_Shared)

    def node(self, node: Node, path: tuple[int, ...]) -> int:
        """Return the index of a node."""
        kids: dict[int, list[int]] = {}
        for kind, kid in node.kids.items():
            kids.setdefault(self.node(kid, (*path, kind)), []).append(kind)
        known = [(how, self._phrase(what, path)) for how, what in node.phrases]
        last = self._otherwise(known)
        found = [[list(self._conditions(how)), what] for how, what in known if what != last]
        phrases = _merged(found) + ([[[], last]] if last is not None else [])
        return self.nodes.add([phrases, sorted([to, sorted(of)] for to, of in kids.items())])

    def _otherwise(self, known: list[tuple[Conditions, int]]) -> int | None:
        """Return the phrase that holds where no other does, if every number was tried."""
        places = {at for conditions, _ in known for at in conditions}
        if len(places) == 1:
            [at] = places
            if not all(any(meets(n, how[at]) for how, _ in known) for n in self.tree.numbers):
                return None
        elif places or not known:
            return None
        return Counter(what for _, what in known).most_common(1)[0][0]

    def columns(self, count: int) -> tuple[dict[int, int], list[list[int]]]:
        """Return a number for each class, the same for those that no node tells apart."""
        seen: dict[int, list[Any]] = {kind: [] for kind in (*range(-2, count),)}
        for at, (_, kids) in enumerate(self.nodes.items):
            for to, kinds in kids:
                for kind in kinds:
                    seen[kind].append((at, to))
        known: dict[Any, int] = {(): 0}  # class 0 is in no phrase
        columns = {
            kind: known.setdefault((kind < 0 and kind, *where) if where else (), len(known))
            for kind, where in seen.items()
        }
        self._sets = _Shared()
        for _, kids in self.nodes.items:
            for _, kinds in kids:
                self._sets.add(sorted({columns[kind] for kind in kinds}))
        self.end = columns[-1]
        return columns, self._sets.items

    def shared_nodes(self, columns: dict[int, int]) -> list[Any]:
        """Return the nodes, with the classes of each step as an index of ``sets``."""
        return [
            [
                phrases,
                [
                    [to, self._sets.add(sorted({columns[kind] for kind in kinds}))]
                    for to, kinds in kids
                ],
            ]
            for phrases, kids in self.nodes.items
        ]

    def _conditions(self, conditions: Conditions) -> Iterable[list[Any]]:
        for token, each in sorted(conditions.items()):
            levels = -1 if each.levels is None else self.levels.add(list(each.levels))
            yield [token, self.cuts.add(list(each.cuts)), [each.place], levels]

    def _phrase(self, phrase: Phrase, path: tuple[int, ...]) -> int:
        if phrase.error:
            return self.phrases.add([self._sentence(phrase.error, path)])
        found: list[Any] = [phrase.stop, [_setting(each) for each in phrase.settings]]
        rest = {
            "centre": phrase.centre and list(phrase.centre),
            "corner": phrase.corner and 1,
            "unset": [[at, self._sentence(text, path)] for at, text in phrase.unset],
        }
        rest = {key: value for key, value in rest.items() if value}
        return self.phrases.add([*found, rest] if rest else found)

    def _sentence(self, text: str, path: tuple[int, ...]) -> int:
        """Return the index of a sentence, in which tokens of the request are marked."""
        text = text.replace(self.factors, "{factors}")
        tokens = [
            f"\u2039.{at}\u203a" if kind == NUMBER else self.tree.classes.tokens[kind].text
            for at, kind in enumerate(path)
            if kind >= 0 or kind == NUMBER
        ]
        spans = [
            (start, stop)
            for start in range(len(tokens))
            for stop in range(start + 1, len(tokens) + 1)
        ]
        for start, stop in sorted(spans, key=lambda span: span[0] - span[1]):
            piece = " ".join(tokens[start:stop]).replace(" = ", "=")
            for said in {piece, piece.replace(" %", "%").replace(" \u00b0", "\u00b0")}:
                text = text.replace(f"'{said}'", f"'{{{start}-{stop}}}'")
                text = text.replace(f"={said}'", f"={{{start}-{stop}}}'")
                text = text.replace(f"'{said} ", f"'{{{start}-{stop}}} ")
                if said.startswith("\u2039"):
                    text = re.sub(rf"{re.escape(said)}(?![\w])", f"{{{start}-{stop}}}", text)
        return self.sentences.add(text)


def _merged(found: list[list[Any]]) -> list[list[Any]]:
    """Return phrases and their conditions, with those that differ in one number's place as one."""
    known: dict[str, list[Any]] = {}
    for conditions, phrase in found:
        if len(conditions) != 1:
            known[repr((conditions, phrase))] = [conditions, phrase]
            continue
        [[token, cuts, places, levels]] = conditions
        one = known.setdefault(
            repr((token, cuts, levels, phrase)), [[[token, cuts, [], levels]], phrase]
        )
        one[0][0][2] = sorted({*one[0][0][2], *places})
    return list(known.values())


def _setting(setting: Setting) -> list[Any]:
    """Return a value that a phrase sets: factor, value, tokens, word, remark."""
    value: Any = setting.value
    if isinstance(value, Level):
        value = ["level", value.token]
    elif isinstance(value, Affine):
        steps = [step for step in value.steps if step not in (("*", 1.0), ("/", 1.0), ("+", 0.0))]
        value = [value.token, *(part for step in steps for part in step)]
    word = list(setting.word) if isinstance(setting.word, tuple) else setting.word
    if setting.remark == "angle":
        word = ""  # the number that was asked for, as an angle
    found = [setting.factor, value, *setting.text, word, setting.remark]
    return found if word or setting.remark == "angle" else found[:4]


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
        "kind": spec.kind,
        "values": None if spec.values is None else [_plain(value) for value in spec.values],
        "numeric": terms.numeric,
        "levels": levels,
        "ends": [low, high],
        "unit": "px" if terms.unit == "pixels" else spec.unit,
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


def _plain(value: Any) -> Any:
    return float(value) if is_number(value) and not isinstance(value, int) else value


def _contradiction(terms: FactorTerms) -> str:
    state = ParserState((), [terms], clip=False, relative=False)
    state._add(terms, Constraint(0.0, 1.0, 0.0, "{0}", ""))
    try:
        state._add(terms, Constraint(1.0, 1.0, 0.0, "{1}", ""))
    except UnbraidError as error:
        return str(error)
    raise AssertionError("two values of one factor are an error")


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
        "corner": corner,
        "long": long,
    }
