"""The exception for invalid user input, and suggestions for misspelled names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class UnbraidError(Exception):
    """Invalid user input: one sentence on what was found, what was expected and what to do.

    The command line prints the text and exits with code 2; library code may catch it.
    """


def did_you_mean(found: Any, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the nearest known name, or ``""`` if none is near.

    A name that starts with what was found is nearer than any other. Capitals and the dashes before
    an option make no difference.

    >>> did_you_mean("beta-vea", ["ae", "beta-vae"])
    " (did you mean 'beta-vae'?)"
    >>> did_you_mean("--lat", ["--data", "--latent-dim"])
    " (did you mean '--latent-dim'?)"
    >>> did_you_mean("--beta", ["--net"])
    ''
    """
    sought = str(found).casefold().lstrip("-")  # users may give anything in place of a name
    names = {name.casefold().lstrip("-"): name for name in reversed(list(known))}  # first of equals
    near: list[str] = []
    if len(sought) > 1:
        near = sorted((name for name in reversed(names) if name.startswith(sought)), key=len)
    near = near or difflib.get_close_matches(sought, names, n=1, cutoff=0.6)
    return f" (did you mean '{names[near[0]]}'?)" if near else ""


def one_line(text: str) -> str:
    r"""Return a message as one line that a terminal shows as it stands.

    Names and values in it may hold line breaks, or codes that move the cursor and change colours:
    those become escapes. Words of more than 1,000 characters are cut.

    >>> print(one_line("no file a\nb\x1b[31m"))
    no file a\nb\x1b[31m
    """
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
    words = (
        word if len(word) <= 1000 else f"{word[:500]}...{word[-100:]}" for word in shown.split(" ")
    )
    return " ".join(words)
