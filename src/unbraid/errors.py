"""The one exception a user's mistake raises, and how near misses are suggested."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UnbraidError(Exception):
    """A mistake the user can mend: its text is one sentence naming found, expected and remedy.

    The command line prints the text and exits with code 2; library code may catch it.
    """


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the nearest known name, or ``""`` if none is near.

    A name that starts with what was found is nearer than any other.

    >>> did_you_mean("beta-vea", ["ae", "beta-vae"])
    " (did you mean 'beta-vae'?)"
    >>> did_you_mean("--lat", ["--data", "--latent-dim"])
    " (did you mean '--latent-dim'?)"
    """
    names = list(known)
    near: list[str] = []
    if len(found.lstrip("-")) > 1:
        near = sorted((name for name in names if name.startswith(found)), key=len)
    near = near or difflib.get_close_matches(found, names, n=1, cutoff=0.6)
    return f" (did you mean '{near[0]}'?)" if near else ""
