"""A tree of phrases as a table: parts of the tree that say the same of other words are one shape.

After "small" come the same words as after "thin", and say the same of another factor. Such places
of the tree differ only in their phrases. They share a *shape*, in which the phrases are numbered;
what a place is made of is its shape and the phrases that the numbers stand for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from unbraid.explorer.phrase_text import Shared, phrases_by_part, runs_of, setting_as_list, text_of
from unbraid.explorer.phrase_trace import Phrase
from unbraid.explorer.phrase_tree import END, NUMBER, Conditions, Node, Tree, meets


class Step(NamedTuple):
    """A step of a shape: by a token of some classes to another shape.

    Args:
        kinds: classes of the token.
        to: the shape.
        kept: for each phrase of that shape, its number here.
    """

    kinds: tuple[int, ...]
    to: int
    kept: tuple[int, ...]


class Shape(NamedTuple):
    """What places of the tree have in common.

    Args:
        phrases: (index of conditions, number of the phrase), in the order in which they are tried.
        steps: in the order of their classes.
    """

    phrases: tuple[tuple[int, int], ...]
    steps: tuple[Step, ...]


@dataclass
class Packed:
    """A tree as a table.

    Args:
        tree: the phrases.
        factors: all factors and their ranges, as sentences list them.
    """

    tree: Tree
    factors: str
    shapes: Shared = field(default_factory=Shared)
    conditions: Shared = field(default_factory=Shared)
    phrases: Shared = field(default_factory=Shared)
    cuts: Shared = field(default_factory=Shared)
    levels: Shared = field(default_factory=Shared)
    sentences: Shared = field(default_factory=Shared)

    def table(self) -> tuple[dict[str, Any], dict[int, int]]:
        """Return the table, and for each class its column there.

        Lists of whole numbers are texts, a letter each (``text_of``), which deflates to less. The
        first shape is the root's, whose phrases are ``phrases`` in their order.
        """
        root, phrases = self._place(self.tree.root, ())
        order = self._order(root)
        columns = self._columns()
        shapes, sets = self._listed(order, columns)
        return {
            "shapes": {name: text_of(numbers) for name, numbers in shapes.items()},
            "sets": text_of(n for each in sets for n in runs_of(each)),
            "conditions": self.conditions.items,
            "phrases": phrases_by_part([self.phrases.items[at] for at in phrases]),
            "cuts": self.cuts.items,
            "levels": self.levels.items,
            "sentences": self.sentences.items,
        }, columns

    # -- places of the tree as shapes -----------------------------------------------------------

    def _place(self, node: Node, path: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """Return the shape of a place, and the phrases that its numbers stand for."""
        kinds: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        for kind, kid in node.kids.items():
            kinds.setdefault(self._place(kid, (*path, kind)), []).append(kind)
        numbers: dict[int, int] = {}
        known = [(how, self._phrase(what, path)) for how, what in node.phrases]
        phrases = tuple(
            (conditions, numbers.setdefault(phrase, len(numbers)))
            for conditions, phrase in self._tried(known)
        )
        steps = tuple(
            Step(of, to, tuple(numbers.setdefault(each, len(numbers)) for each in kept))
            for of, (to, kept) in sorted(
                ((tuple(sorted(of)), to) for to, of in kinds.items()),
                key=lambda step: (step[1][0], step[0]),
            )
        )
        return self.shapes.add(Shape(phrases, steps)), tuple(numbers)

    def _tried(self, known: list[tuple[Conditions, int]]) -> list[tuple[int, int]]:
        """Return conditions and phrases in the order in which they are tried."""
        if len(known) == 1 and not known[0][0]:
            return [(self._condition([]), known[0][1])]
        last = self._otherwise(known)
        found = [[list(self._conditions(how)), what] for how, what in known if what != last]
        tried = [(self._condition(how), what) for how, what in _merged(found)]
        return tried + ([(self._condition([]), last)] if last is not None else [])

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

    def _condition(self, conditions: list[list[Any]]) -> int:
        return self.conditions.add(conditions, repr(conditions))

    def _conditions(self, conditions: Conditions) -> Iterable[list[Any]]:
        for token, each in sorted(conditions.items()):
            levels = -1 if each.levels is None else self.levels.add(each.levels)
            yield [token, self.cuts.add(each.cuts), [each.place], levels]

    # -- shapes as lists of numbers -------------------------------------------------------------

    def _order(self, root: int) -> list[int]:
        """Return the shapes in the order in which steps first lead to them."""
        order = {root: None}
        waiting = [root]
        for at in waiting:
            for step in self.shapes.items[at].steps:
                if step.to not in order:
                    order[step.to] = None
                    waiting.append(step.to)
        return list(order)

    def _columns(self) -> dict[int, int]:
        """Return a number for each class, the same for those that no shape tells apart.

        Number 0 is that of classes in no phrase. Classes of many of the same steps come one after
        the other, so that most steps are by classes in a row.
        """
        seen: dict[int, list[int]] = {kind: [] for kind in range(-2, len(self.tree.classes.tokens))}
        count = 0
        for shape in self.shapes.items:
            for step in shape.steps:
                for kind in step.kinds:
                    seen[kind].append(count)
                count += 1
        alike: dict[Any, list[int]] = {}
        for kind, where in seen.items():
            alike.setdefault((kind < 0 and kind, *where) if where else (), []).append(kind)
        columns = dict.fromkeys(alike.pop((), []), 0)
        left = {key: set(key[1:]) for key in alike}
        key = max(left, key=lambda each: len(left[each]))
        for column in range(1, len(alike) + 1):
            columns.update(dict.fromkeys(alike[key], column))
            last = left.pop(key)
            if left:
                key = min(left, key=lambda each: len(left[each] ^ last))
        return columns

    def _listed(
        self, order: list[int], columns: dict[int, int]
    ) -> tuple[dict[str, list[int]], list[tuple[int, ...]]]:
        """Return the shapes as lists of numbers, one shape after the other, and sets of columns.

        For each shape: how many phrases its numbers stand for (``of``), and how many phrases and
        steps it has. For each phrase: its conditions and number. For each step: its set of columns,
        its shape and, for each phrase of that, its number here (``kept``). A set, shape or number
        is 0 for the next one that was not there before, else its index and 1.
        """
        place = {shape: at for at, shape in enumerate(order)}
        sets = Shared()
        names = ("of", "phrases", "conditions", "numbers", "steps", "sets", "to", "kept")
        found: dict[str, list[int]] = {name: [] for name in names}
        known = 0
        for at in order:
            shape: Shape = self.shapes.items[at]
            numbers = 0

            def number(given: int) -> int:
                nonlocal numbers
                new = given == numbers
                numbers += new
                return 0 if new else given + 1

            found["phrases"].append(len(shape.phrases))
            found["steps"].append(len(shape.steps))
            for conditions, given in shape.phrases:
                found["conditions"].append(conditions)
                found["numbers"].append(number(given))
            for step in shape.steps:
                new, count = place[step.to] > known, len(sets.items)
                known += new
                among = sets.add(tuple(sorted({columns[kind] for kind in step.kinds})))
                found["sets"].append(0 if among == count else among + 1)
                found["to"].append(0 if new else place[step.to] + 1)
                found["kept"] += [number(given) for given in step.kept]
            found["of"].append(numbers)
        return found, sets.items

    # -- phrases and sentences ------------------------------------------------------------------

    def _phrase(self, phrase: Phrase, path: tuple[int, ...]) -> int:
        if phrase.error:
            sentence = self._sentence(phrase.error, path)
            return self.phrases.add([sentence], sentence)
        unset = tuple((at, self._sentence(text, path)) for at, text in phrase.unset)
        key = (phrase.stop, tuple(phrase.settings), phrase.centre, phrase.corner, unset)
        rest = {
            "centre": phrase.centre and list(phrase.centre),
            "corner": phrase.corner and 1,
            "unset": [list(each) for each in unset],
        }
        rest = {key: value for key, value in rest.items() if value}
        found: list[Any] = [phrase.stop, [setting_as_list(each) for each in phrase.settings]]
        return self.phrases.add([*found, rest] if rest else found, key)

    def _sentence(self, text: str, path: tuple[int, ...]) -> int:
        """Return the index of a sentence, in which tokens of the request are marked."""
        text = text.replace(self.factors, "{factors}")
        tokens = [
            f"\u2039.{at}\u203a" if kind == NUMBER else self.tree.classes.tokens[kind].text
            for at, kind in enumerate(path)
            if kind != END
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
