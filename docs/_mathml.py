"""Formulas as MathML, which browsers draw by themselves: pages need no script and no network."""

from __future__ import annotations

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


def mathml(node: nodes.Element, display: str) -> str:
    """Return a formula as MathML, with the thin space that TeX sets after an operator's name."""
    written = convert(node.astext(), display=display)
    return re.sub(r"<mi>(log|exp|max|min)</mi>", r'\g<0><mspace width="0.17em"/>', written)


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a line."""
    translator.body.append(mathml(node, "inline"))
    raise nodes.SkipNode


def block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on lines of its own."""
    translator.body.append(mathml(node, "block"))
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True}
