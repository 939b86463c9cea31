"""Which phrases are tried for a table: shapes of a request's phrases, filled with all words.

Nothing here says what a phrase means; a shape that the grammar refuses costs a moment.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from unbraid.control.language import lexicon
from unbraid.control.language.parser_tokens import own_units
from unbraid.control.language.terms import factor_terms
from unbraid.control.language.tokens import tokenize
from unbraid.control.language.values import is_number
from unbraid.core.factors import FactorSpec
from unbraid.explorer.phrase_tree import NUMBER, Numbers, Path, Tree
from unbraid.explorer.word_classes import Classes

# NAME, LEVEL and so on stand for every word of their kind, # for every number.
# Phrases that are tried alone, before a comma, and with other phrases after them:
COMMON = """
LEVEL; LEVEL NAME; # NAME; NAME; NAME #; NAME = #; #; FILLER
QUALITY; DEGREE QUALITY; QUALITY NAME; NAME QUALITY; NAME = QUALITY
PLACE; DEGREE PLACE; CENTRE; corner
NAME # UNIT; NAME = # UNIT; # UNIT NAME; # UNIT MEASURED; # UNIT SIDE; # UNIT to the SIDE
TURNED; TURNED #; TURNED # UNIT; TURNED # UNIT SENSE; TURNED # UNIT to the SIDE
TURNED SIDE; TURNED to the SIDE; TURNED SENSE; DEGREE TURNED SIDE; TURNED DEGREE SIDE
SENSE; # UNIT; # UNIT SENSE; UPRIGHT; HUE; HUE NAME; NAME HUE; ANY NAME; DEGREE; MOVED
TURNED by # UNIT; TURNED by #; TURNED SIDE by # UNIT; DEGREE in the PLACE; QUALITY as possible
NAME PLACE; NAME = PLACE; NAME CENTRE; TURNED DEGREE to the SIDE; PLACE half; NAME LEVEL
"""
# Phrases that are tried alone and before a comma:
OTHERS = """
NAME = LEVEL; NAME is LEVEL; NAME # #
DEGREE QUALITY NAME; as QUALITY as possible; NAME DEGREE QUALITY; DEGREE DEGREE QUALITY
NAME of #; NAME is #; NAME of # UNIT; # UNIT in NAME; # UNIT of NAME; NAME # UNIT MEASURED
DEGREE to the PLACE; NAME DEGREE PLACE; NAME = CENTRE; PLACE corner
PLACE PLACE; PLACE CENTRE; CENTRE PLACE
# UNIT SIDE of the CENTRE; # UNIT to the SIDE of the CENTRE
NAME # SIDE; NAME # UNIT SIDE; NAME # UNIT to the SIDE; NAME # to the SIDE
TURNED # SENSE; TURNED # UNIT SIDE
TURNED SIDE # UNIT; TURNED to the SIDE by # UNIT
TURNED SENSE # UNIT; TURNED SENSE by # UNIT; DEGREE TURNED to the SIDE; DEGREE TURNED SENSE
TURNED a DEGREE to the SIDE; TURNED DEGREE SENSE
TURNED at # UNIT; TURNED about # UNIT; TURNED at an NAME of # UNIT; # UNIT NAME
SENSE #; SENSE # UNIT; SENSE by # UNIT; SENSE by #; # SENSE
NAME SENSE; NAME SIDE; NAME # UNIT SENSE; NAME # SENSE; NAME TURNED SIDE; NAME = # UNIT SENSE
NAME UPRIGHT; upside down; NAME upside down; NAME = HUE; ANY; NAME ANY; NAME = ANY
NAME TRUTH; NAME = TRUTH; TRUTH NAME; TRUTH a NAME
MOVED to the PLACE; TURNED it into a LEVEL; TURNED it into a #; TURNED into #
"""
# Words that follow a phrase without a comma
USUAL = """
and with in the at a to of on it as very small big thin bold medium tiny top left right bottom
rotated tilted upright strokes far slightly centre corner clockwise counter any by little half image
side upper low high = is
"""
# words where the grammar may read on, and what is tried after them
SOON = "the a an and left right top bottom in"
_READING = ("of", "to", "at", "the", "a", "by", "in", "very", "slightly", "and", "on", "=")
READ_ON = dict.fromkeys(_READING, SOON)
AFTER_THE = "small big thin top left right bottom centre clockwise very rotated"
MEASURED = ("big", "large", "small", "high", "tall", "wide", "thick", "thin", "bold")
MEASURED_VOICES = ("long", "short", "loud", "quiet", "low", "deep")
READ_ON_NUMBER = "and in px degrees %"


class Shapes:
    """The paths of shapes for a data set's factors.

    Args:
        specs: the factors of the model's data.
        classes: of tokens.
    """

    def __init__(self, specs: Sequence[FactorSpec], classes: Classes) -> None:
        self.classes = classes
        self._further: dict[int, tuple[int, ...]] = {}
        terms = factor_terms(specs)
        names = [name for each in terms for name in each.names]
        voices = [each.role for each in terms if each.role in lexicon.VOICE_ROLES]
        lengths = [each.role for each in terms if each.role == "length"]
        levels = [
            tuple(token.text for token in tokenize(str(value)))
            for each in terms
            for value in each.spec.values or ()
            if not is_number(value)
        ]
        self.kinds: dict[str, list[Path]] = {
            "NAME": self._paths(names),
            "LEVEL": self._paths(levels),
            "QUALITY": self._words(
                lexicon.SIZES,
                lexicon.THICKNESSES,
                lexicon.MIDDLES,
                lexicon.LEVEL_WORDS,
                *(lexicon.ADJECTIVES[role] for role in (*voices, *lengths)),
            ),
            "DEGREE": self._words(lexicon.INTENSIFIERS),
            "MEASURED": self._words(MEASURED, MEASURED_VOICES if voices else ()),
            "PLACE": self._words(lexicon.HORIZONTAL, lexicon.VERTICAL),
            "SIDE": self._words(lexicon.TILT_SIGNS, lexicon.VERTICAL_OFFSETS),
            "CENTRE": self._words(lexicon.CENTRES),
            "TURNED": self._words(lexicon.ROTATED, lexicon.ROTATE),
            "SENSE": self._paths(lexicon.ROTATION_SIGNS),
            "UPRIGHT": self._words(lexicon.UPRIGHT),
            "UNIT": self._words(lexicon.UNITS, own_units(terms)),
            "HUE": self._words(lexicon.HUES if any(t.role == "hue" for t in terms) else ()),
            "TRUTH": self._words(lexicon.TRUTHS if any(t.truths for t in terms) else ()),
            "ANY": self._words(lexicon.UNCONSTRAINED),
            "FILLER": self._words(lexicon.FILLERS),
            "MOVED": self._words(lexicon.MOVE, lexicon.MOVED),
            "#": [(NUMBER,)],
        }

        self._longer = [
            path for kind in ("NAME", "LEVEL") for path in self.kinds[kind] if len(path) > 1
        ]
        heads = [path[0] for path in self.kinds["NAME"]]
        self.after_the = tuple(dict.fromkeys([NUMBER, *heads, *self.these(AFTER_THE)]))
        self.begun = {path[0] for path in self._longer}
        self.short = {NUMBER, *(path[0] for path in self.kinds["FILLER"])}

    def patterns(self, shapes: str) -> Iterator[Path]:
        """Yield the path of every shape with every word."""
        for shape in shapes.replace("\n", ";").split(";"):
            parts = [self.kinds.get(word) or self._words([word]) for word in shape.split()]
            for chosen in itertools.product(*parts):
                yield tuple(itertools.chain.from_iterable(chosen))

    def followers(self) -> tuple[int, ...]:
        """Return classes of words that often follow a phrase, first names of factors."""
        names = [path[0] for path in self.kinds["NAME"]]
        levels = [path[0] for path in self.kinds["LEVEL"]]
        return tuple(dict.fromkeys([NUMBER, *names, *self.these(USUAL), *levels]))

    def further(self, kind: int) -> Sequence[int]:
        """Return classes to try after a word that follows a phrase."""
        if kind not in self._further:
            words = READ_ON_NUMBER if kind == NUMBER else READ_ON.get(self._text(kind), "")
            self._further[kind] = (
                *(path[1] for path in self._longer if path[0] == kind),
                *self.these(words),
                *((NUMBER,) if words and kind != NUMBER else ()),
            )
        return self._further[kind]

    def these(self, words: str) -> list[int]:
        """Return the classes of words."""
        return [path[0] for path in self._paths((word,) for word in words.split())]

    def _text(self, kind: int) -> str:
        """Return a word of READ_ON that is of a class, empty for none."""
        return next((word for word in READ_ON if self.classes.words.get(word) == kind), "")

    def _words(self, *tables: Iterable[str]) -> list[Path]:
        return self._paths([(word,) for table in tables for word in sorted(table)])

    def _paths(self, names: Iterable[Sequence[str]]) -> list[Path]:
        """Return the different paths of names; a name that cannot be typed has none."""
        found: dict[Path, None] = {}
        for name in names:
            kinds = [self._class(word) for word in name]
            path = tuple(kind for kind in kinds if kind is not None)
            if path and len(path) == len(kinds):
                found[path] = None
        return list(found)

    def _class(self, word: str) -> int | None:
        if word in self.classes.words:
            return self.classes.words[word]
        return next((at for key, at in self.classes.numbers.items() if key[2] == word), None)


def grown(specs: Sequence[FactorSpec]) -> Tree:
    """Return the tree of all shapes, alone and followed by the words that phrases start with."""
    tree = Tree(specs)
    shapes = Shapes(specs, tree.classes)
    every = (NUMBER, *range(len(tree.classes.tokens)))
    for kind in every:
        tree.learn((kind,))
    for path in shapes.patterns(OTHERS):
        tree.learn(path)
    usual = shapes.followers()
    for path in dict.fromkeys(shapes.patterns(COMMON)):
        for numbers, phrase in tree.learn(path):
            if not phrase.error and phrase.stop == len(path) < phrase.read:
                _follow(tree, shapes, path, numbers, every if len(path) == 1 else usual)
    return tree


def _follow(
    tree: Tree, shapes: Shapes, path: Path, numbers: Numbers, followers: Sequence[int]
) -> None:
    """Add what a phrase is if other words follow it; more of them, where the grammar reads on."""
    the = shapes.these("the")[0]
    for kind in followers:
        longer = (*path, kind)
        for chosen, phrase in tree.learn(longer, numbers):
            if phrase.read <= len(longer) or phrase.error:
                continue
            short = len(path) == 1 and path[0] in shapes.short and kind in shapes.begun
            afterwards: Sequence[int] = followers if short else shapes.further(kind)
            for further in afterwards:
                for last, found in tree.learn((*longer, further), chosen):
                    if further == the and found.read > len(longer) + 1 and not found.error:
                        for end in shapes.after_the:
                            tree.learn((*longer, the, end), last)
