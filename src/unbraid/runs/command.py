"""The command that repeats a run."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Iterator
from typing import Any

from unbraid import methods
from unbraid.datasets import config_of
from unbraid.runs.config import IN_MEMORY, RunConfig


def command(config: RunConfig, out: str | os.PathLike[str] = "") -> str:
    """Return the ``unbraid train`` command of a run's config, as a shell takes it.

    Options at their defaults are left out. Of a run on images in memory, ``--data`` is the name
    of the images, and the command cannot find them.

    Args:
        config: the run's.
        out: the run folder to train into; the default one if not given.

    >>> from unbraid.training import TrainingConfig
    >>> method = methods.configure("beta-vae", beta=2.0)
    >>> command(RunConfig(method, "mnist", {}, TrainingConfig(steps=500)))
    'unbraid train beta-vae --data mnist --beta 2.0 --steps 500'
    """
    words = ["unbraid", "train", methods.stored_name(config.method)]
    words += ["--data", str(config.data_options.get("path", config.data))]
    options = {} if config.data_options.get(IN_MEMORY) else config.data_options
    known = dataclasses.fields(config_of(config.data)) if options else ()
    defaults = {each.name: each.default for each in known}
    for name, value in options.items():
        if name != "path":
            words += _option(f"data.{name}", value, defaults.get(name))
    for part in (config.method, config.training):
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            counted = field.name == "epochs" and bool(
                getattr(part, "steps", 0)
            )  # which say how long
            if value != field.default and not counted:
                words += _option(field.name, value, field.default)
    return shlex.join([*words, *(["--out", os.fspath(out)] if out else [])])


def _option(name: str, value: Any, default: Any) -> Iterator[str]:
    """Yield the words of an option as the command line takes it."""
    prefix, _, last = name.replace("_", "-").rpartition(".")
    prefix += "." if prefix else ""
    if isinstance(value, bool) and isinstance(default, bool):
        yield f"--{prefix}{'' if value else 'no-'}{last}"
        return
    yield f"--{prefix}{last}"
    yield from _words(value)


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _words(each)
    else:
        yield str(value)
