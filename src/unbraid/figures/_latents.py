"""Names of latents, as the options of figures take them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def latent_names(given: Iterable[Any] | str) -> tuple[str, ...]:
    """Return names of latents; one name stands for itself, and a number for that ``z``.

    >>> latent_names((0, "c0", "2")), latent_names("z1")
    (('z0', 'c0', 'z2'), ('z1',))
    """
    texts = [given] if isinstance(given, str) else map(str, given)
    return tuple(f"z{text}" if text.isdecimal() else text for text in texts)
