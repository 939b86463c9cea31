"""Tables of text as Markdown and as LaTeX, with the special characters of either escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

Line = Sequence[str]

# one scheme for all: LaTeX's special characters
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # these three are other characters in the fonts that LaTeX takes by default
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    **{sign: rf"\{sign}" for sign in "&%$#_{}"},
}


def markdown(header: Line, body: Iterable[Line], notes: Iterable[str] = (), words: int = 1) -> str:
    """Return a table as Markdown, and the notes below.

    Args:
        header: the names of the columns.
        body: rows of as many cells.
        notes: sentences.
        words: how many columns, from the left, are aligned to the left, as words are.

    >>> print(markdown(["", "mig"], [["a|b", "0.25"]]), end="")
    |  | mig |
    |---|--:|
    | a\\|b | 0.25 |
    """
    rules = "".join("---|" if place < words else "--:|" for place in range(len(header)))
    first, *others = (
        f"| {' | '.join(plain_markdown(cell) for cell in line)} |" for line in (header, *body)
    )
    told = (f"\n{plain_markdown(note)}" for note in notes)
    return "\n".join([first, f"|{rules}", *others, *told]) + "\n"


def latex(
    header: Line, groups: Iterable[Iterable[Line]], notes: Iterable[str] = (), words: int = 1
) -> str:
    r"""Return a tabular with the rules of the package booktabs, and the notes as comments.

    Args:
        header: the names of the columns.
        groups: of rows, with a rule above each group.
        notes: sentences.
        words: how many columns, from the left, are aligned to the left, as words are.

    >>> print(latex(["", "mig"], [[["beta_1", "-0.25"]]]), end="")
    \begin{tabular}{lr}
    \toprule
     & mig \\
    \midrule
    beta\_1 & $-$0.25 \\
    \bottomrule
    \end{tabular}
    """
    kinds = "l" * words + "r" * (len(header) - words)
    lines = [f"% {_one_line(note)}" for note in notes]
    lines += [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", _latex_line(map(plain_latex, header))]
    for group in groups:
        lines.append(r"\midrule")
        for line in group:
            cells = [plain_latex(cell) for cell in line]
            lines.append(_latex_line([*cells[:words], *map(_with_minus, cells[words:])]))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex_line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _with_minus(text: str) -> str:
    """Return LaTeX with minus signs in place of the hyphens before numbers, which are shorter."""
    return re.sub(r"(?<!\w)-(?=\d)", "$-$", text)


def plain_latex(text: str) -> str:
    r"""Return text with LaTeX's special characters as such.

    >>> plain_latex("beta_1 & 50%")
    'beta\\_1 \\& 50\\%'
    """
    return re.sub(r"[\\~^|<>&%$#_{}±]", lambda found: SPECIAL[found[0]], _one_line(text))


def plain_markdown(text: str) -> str:
    r"""Return text with Markdown's special characters as such.

    >>> plain_markdown("_a_ dip_vae 0.5 [0.4, 0.6] [b](c)")
    '\\_a\\_ dip_vae 0.5 [0.4, 0.6] \\[b](c)'
    """
    special = r"[\\`*<|]|(?<!\w)_|_(?!\w)|\[(?=[^\]]*\]\()"
    return re.sub(special, r"\\\g<0>", _one_line(text))


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n]+", " ", text)
