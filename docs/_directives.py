"""Three directives that read the source, so that no page repeats by hand what the code says."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import docstring_parser
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from unbraid import recipes
from unbraid.core import registry


def options(config: type[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (option, default, meaning) of a config dataclass, its own options before inherited."""
    meanings: dict[str, str] = {}
    depths: dict[str, int] = {}
    for depth, owner in enumerate(config.__mro__[:-1]):
        for name in inspect.get_annotations(owner):
            depths.setdefault(name, depth)
        for entry in docstring_parser.parse(inspect.cleandoc(owner.__doc__ or "")).params:
            for name in entry.arg_name.split(","):
                text = " ".join((entry.description or "").split())
                meanings.setdefault(name.strip(), sentence(text))
    hints = get_type_hints(config)
    for option in sorted(dataclasses.fields(config), key=lambda option: depths[option.name]):
        default = "required" if option.default is dataclasses.MISSING else f"`{option.default}`"
        if get_origin(hints[option.name]) is Literal:
            others = [f"`{c}`" for c in get_args(hints[option.name]) if c != option.default]
            default += f" (or {', '.join(others)})"
        yield f"`{option.name}`", default, meanings.get(option.name, "")


def sentence(text: str) -> str:
    """Return text with a capital first letter, unless it starts with a symbol such as p(x|z)."""
    return text[:1].upper() + text[1:] if text[1:2].isalpha() or text[:2] == "a " else text


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines
    )


class Options(SphinxDirective):
    """``{options} unbraid.methods.vae``: its Config, or another class as ``module:Class``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table of the options."""
        module, _, name = self.arguments[0].partition(":")
        config = getattr(importlib.import_module(module), name or "Config")
        for owner in config.__mro__[:-1]:
            self.env.note_dependency(inspect.getfile(owner))
        return self.parse_text_to_nodes(table(("Option", "Default", "Meaning"), options(config)))


class Registry(SphinxDirective):
    """``{registry} methods``: what is registered in a folder, linked to its page if it has one."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table of names and summaries."""
        folder = self.arguments[0]
        self.env.note_reread()  # a new file changes the table
        pages = Path(self.env.srcdir) / folder
        rows = []
        for name in registry.names(folder):
            page = (pages / f"{name}.md").is_file()
            rows.append(
                (
                    f"[`{name}`](/{folder}/{name}.md)" if page else f"`{name}`",
                    registry.summary(folder, name),
                )
            )
        return self.parse_text_to_nodes(table(("Name", "What it is"), rows))


def recipe(name: str) -> Iterator[str]:
    """Yield the lines of a recipe's section: source, settings, what is as published, what not."""
    told = recipes.load(name)
    yield f"## {name}\n\n{told.source}.\n"
    for method, options in told.methods.items():
        rows = [(f"`{option}`", f"`{value}`") for option, value in options.items()]
        for data, methods in told.by_data.items():
            for option, value in methods.get(method, {}).items():
                rows.append((f"`{option}` for `{data}`", f"`{value}`"))
        if sweep := told.sweeps.get(method):
            rows.append(("varied", sweep))
        yield f"`unbraid train {method} --recipe {name}`\n\n{table(('Option', 'Value'), rows)}\n"
    training = ", ".join(f"`{option}` {value}" for option, value in told.training.items())
    yield f"Training: {training}.\n"
    for data, options in told.data.items():
        settings = ", ".join(f"`{option}` {value}" for option, value in options.items())
        yield f"Data: `{data}`" + (f" with {settings}.\n" if settings else ".\n")
    yield from ("As published:\n", *(f"- {line}" for line in told.follows), "")
    yield from ("Not as published:\n", *(f"- {line}" for line in told.deviates), "")


class Recipes(SphinxDirective):
    """``{recipes}``: a section for each recipe, from its file."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        self.env.note_reread()
        lines = [line for name in registry.names("recipes") for line in recipe(name)]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("recipes", Recipes)
    app.add_directive("options", Options)
    app.add_directive("registry", Registry)
    return {"parallel_read_safe": True}
