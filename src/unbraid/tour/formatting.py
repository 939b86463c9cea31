"""How numbers are written in sentences and tables."""

from __future__ import annotations


def number(value: float, digits: int = 1) -> str:
    """Write a number with a true minus sign and thousands apart."""
    rounded = round(value, digits) + 0.0  # a zero has no sign
    return f"{rounded:,.{digits}f}".replace("-", "\N{MINUS SIGN}")
