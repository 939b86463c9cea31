"""A tree of the grammar's phrases: from the classes of the next tokens to what they say.

A path of the tree is the classes of exactly those tokens that the parser read until it had decided,
so that what stands at its end holds for every request that goes on in this way. Where numbers had a
part in it, it holds for the numbers that lie on the same sides of all that they were compared with.
Paths that were not tried are not in the tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from unbraid.control.language.terms import factor_terms
from unbraid.control.language.tokens import Token
from unbraid.core.factors import FactorSpec
from unbraid.explorer.phrase_trace import Phrase, Tracer
from unbraid.explorer.word_classes import Classes, classes_of, number_key

END = -1  # the class of a comma and of the end of a request
NUMBER = -2  # the class of all numbers
Path = tuple[int, ...]


@dataclass(frozen=True)
class Condition:
    """What a phrase depends on of a number.

    Args:
        cuts: numbers that it was compared with, in order.
        place: of the number among them, odd at one of them.
        levels: factors of which it is a level; None if that had no part.
    """

    cuts: tuple[float, ...]
    place: int
    levels: tuple[int, ...] | None


Conditions = dict[int, Condition]  # by token
Numbers = dict[int, tuple[float, tuple[int, ...]]]  # by token, with the factors it is a level of


@dataclass
class Node:
    """A place in the tree.

    Args:
        kids: the nodes after each class of the next token.
        phrases: what is decided here, under conditions on the numbers that were read.
    """

    kids: dict[int, Node] = field(default_factory=dict)
    phrases: list[tuple[Conditions, Phrase]] = field(default_factory=list)


class Tree:
    """Phrases that were tried.

    Args:
        specs: the factors of the model's data.
    """

    def __init__(self, specs: Sequence[FactorSpec]) -> None:
        self.specs = tuple(specs)
        cuts = {-100.0, 0.0, 1.0, 100.0}
        cuts.update(end for terms in factor_terms(specs) if terms.ordered for end in terms.ends)
        self.classes: Classes = classes_of(specs, sorted(cuts))
        self.root = Node()
        self.tried = 0
        self._tracer = Tracer(specs)
        self.numbers = tuple(
            (self.classes.tokens[at].number or 0.0, key[1])
            for key, at in self.classes.numbers.items()
            if not key[2]
        )

    def learn(self, path: Path, given: Numbers | None = None) -> list[tuple[Numbers, Phrase]]:
        """Add what stands at the start of tokens of some classes.

        Args:
            path: the classes.
            given: numbers of some of the tokens; others are varied, one token at a time.

        Returns:
            The phrases, each with numbers for which it holds.
        """
        given = given or {}
        varied = [at for at, kind in enumerate(path) if kind == NUMBER and at not in given]
        found: dict[int, tuple[Numbers, Phrase]] = {}
        for which in varied or [-1]:
            for number in self.numbers if varied else self.numbers[:1]:
                numbers = given | {at: number if at == which else self.numbers[0] for at in varied}
                phrase = self.known(path, numbers) or self._add(path, numbers)
                found.setdefault(id(phrase), (numbers, phrase))
        return list(found.values())

    def known(self, path: Path, numbers: Numbers) -> Phrase | None:
        """Return the phrase that the tree has for a path, None if it has none."""
        node: Node | None = self.root
        for kind in (*path, END, END, None):
            assert node is not None
            for conditions, phrase in node.phrases:
                if all(meets(numbers[at], each) for at, each in conditions.items()):
                    return phrase
            node = node.kids.get(kind) if kind is not None else None
            if node is None:
                break
        return None

    def _add(self, path: Path, numbers: Numbers) -> Phrase:
        self.tried += 1
        phrase = self._tracer.phrase(
            [
                Token(f"\u2039.{at}\u203a", numbers[at][0], at == 0)
                if kind == NUMBER
                else self.classes.tokens[kind]._replace(starts_phrase=at == 0)
                for at, kind in enumerate(path)
            ]
        )
        node = self.root
        for kind in (*path, END, END)[: phrase.read]:
            node = node.kids.setdefault(kind, Node())
        conditions = {
            at: _condition(numbers[at], tuple(sorted(phrase.cuts[at])), at in phrase.levels)
            for at in numbers
            if at < phrase.read and (phrase.cuts[at] or at in phrase.levels)
        }
        node.phrases.append((conditions, phrase))
        return phrase


def _condition(
    number: tuple[float, tuple[int, ...]], cuts: tuple[float, ...], levels: bool
) -> Condition:
    return Condition(cuts, _place(cuts, number[0]), number[1] if levels else None)


def meets(number: tuple[float, tuple[int, ...]], condition: Condition) -> bool:
    """Whether a number is as a condition wants it."""
    if condition.levels is not None and number[1] != condition.levels:
        return False
    return _place(condition.cuts, number[0]) == condition.place


@cache
def _place(cuts: tuple[float, ...], number: float) -> int:
    return number_key((), cuts, number)[0]
