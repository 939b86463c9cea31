"""Arithmetic on options: ``diagonal = "10 * off_diagonal"``. Parsed, and never run as code."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from unbraid.core.errors import UnbraidError, did_you_mean

Number = int | float
MOST = 200  # characters of an expression

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Number]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def value_of(text: str, options: Mapping[str, Any], owner: str) -> Number:
    """Return the value of an expression of numbers, options, ``+ - * / //`` and brackets.

    Args:
        text: the expression.
        options: the values that names stand for.
        owner: what messages call the expression.

    Raises:
        UnbraidError: anything else in it, an unknown or non-numeric option, a division by 0, or a
            value that is not finite.

    >>> value_of("10 * off_diagonal", {"off_diagonal": 5.0}, "diagonal")
    50.0
    >>> value_of("steps // 3", {"steps": 10_000}, "threshold")
    3333
    """
    try:
        if len(text) > MOST:
            raise ValueError
        value = _value(ast.parse(text.strip(), mode="eval").body, options, owner)
        if not math.isfinite(value):
            raise OverflowError(f"it is {value:g}")
        return value
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UnbraidError(
            f"{owner} is {text[:MOST]!r}, which is not arithmetic: expected numbers, other "
            "options, + - * / // and brackets."
        ) from error
    except (ZeroDivisionError, OverflowError) as error:
        raise UnbraidError(f"{owner} is {text!r}, which has no value here ({error}).") from error


def names_in(text: str) -> set[str]:
    """Return the options that an expression names; none of what is no expression.

    >>> sorted(names_in("steps // 3 + warm_up"))
    ['steps', 'warm_up']
    """
    if len(text) > MOST:
        return set()
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _value(node: ast.expr, options: Mapping[str, Any], owner: str) -> Number:
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = (_value(each, options, owner) for each in (node.left, node.right))
        return _BINARY[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return _UNARY[type(node.op)](_value(node.operand, options, owner))
    if isinstance(node, ast.Constant):
        return _number(node.value)
    if isinstance(node, ast.Name):
        if node.id not in options:
            raise UnbraidError(
                f"{owner} names the option '{node.id}'{did_you_mean(node.id, options)}, which this "
                "method and its training do not have."
            )
        return _number(options[node.id])
    raise ValueError


def _number(value: Any) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    return value
