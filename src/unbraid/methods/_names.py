"""What methods are called, and where a name leads: into this folder, a package or a notebook.

A method is a ``Config`` and the ``Model`` beside it, or a ``FooConfig`` and its ``FooModel`` or
``Foo``. The names of methods, as runs store them:

- of a file or folder of ``unbraid.methods``: its own, ``beta-vae``;
- of an installed package that announces it as an entry point of ``unbraid.methods``: the entry's;
- of any other module: the module, ``lab.dip``, or module and class, ``lab.dip:FooConfig``; of one
  without a dot always both, ``dip:Config``;
- of a notebook or script: the class's, ``foo`` of ``FooConfig``; of a plain ``Config`` the
  script's, so that two scripts do not have one name, or ``custom`` in a notebook;
- of one that was named by ``register``: that name.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from unbraid.core import registry
from unbraid.core.errors import UnbraidError

if TYPE_CHECKING:
    from unbraid.methods._base import Method, MethodConfig

    Pair = tuple[type[MethodConfig], type[Method]]

MAIN = "__main__"
CUSTOM = "custom"
HERE = "unbraid.methods."
_registered: dict[str, Pair] = {}


def register(name: str, config: type[MethodConfig], model: type[Method]) -> None:
    """Give a method that is defined elsewhere a name, under which its runs are stored and found.

    It is needed only where the names of the two classes do not tell that they belong together, or
    for another name than they give. A name given again is the new classes'.

    Args:
        name: lower-case words joined by hyphens, such as ``dip-vae``.
        config: its options.
        model: built from them.

    Raises:
        UnbraidError: a name of another form, or one of unbraid's own.

    >>> from unbraid.methods import vae
    >>> register("my-vae", vae.Config, vae.Model)
    Traceback (most recent call last):
    unbraid.core.errors.UnbraidError: unbraid.methods.vae is a method of unbraid: its name is vae.
    """
    if config.__module__.startswith(HERE):
        own = config.__module__.split(".")[2].replace("_", "-")
        raise UnbraidError(f"{config.__module__} is a method of unbraid: its name is {own}.")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise UnbraidError(
            f"the name is {name!r}, expected lower-case words joined by hyphens, such as 'dip-vae'."
        )
    if name in registry.names("methods"):
        raise UnbraidError(f"{name} is the name of another method: choose a name of your own.")
    _registered[name] = config, model


def name_of(config: MethodConfig) -> str:
    """Return the name of the method a config belongs to."""
    return _name(type(config))


def _name(kind: type[MethodConfig]) -> str:
    for name, (config, _) in _registered.items():
        if _same(config, kind):
            return name
    module = kind.__module__
    if module.startswith(HERE):
        return module.split(".")[2].replace("_", "-")
    for name, place in registry.announced("methods").items():
        if place == module and kind.__name__ == "Config":
            return name
    if module != MAIN:
        # a module of one word needs the class beside it, so that no misspelt name is imported
        alone = kind.__qualname__ == "Config" and "." in module
        return module if alone else f"{module}:{kind.__qualname__}"
    stem = kind.__name__.removesuffix("Config") or _script() or CUSTOM
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_", "-", stem).lower()
    return f"{name}-custom" if name in registry.names("methods") else name


def _script() -> str:
    """Return the name of the running script, without what names of methods do not have."""
    path = getattr(sys.modules.get(MAIN), "__file__", None) or ""
    return re.sub(r"[\W-]+", "-", Path(path).stem).strip("-")


def stored_name(config: MethodConfig) -> str:
    """Return the name of a config's method, having checked that it leads back to it.

    Raises:
        UnbraidError: nothing could find the method again, so a run of it could not be opened.
    """
    kind, name = type(config), name_of(config)
    if not _same(find(name)[0], kind):
        raise UnbraidError(
            f"the method of {kind.__qualname__} cannot be found by its name '{name}': define it at "
            "the top of a module or notebook, or name it with unbraid.methods.register."
        )
    return name


def find(name: str) -> Pair:
    """Return the Config and the Model of a method's name.

    Raises:
        UnbraidError: there is none, or the module it names cannot be imported.
    """
    if not isinstance(name, str):
        raise UnbraidError(f"the method is {name!r}, expected a name, such as 'vae'.")
    if name in _registered:
        return _registered[name]
    if name in registry.names("methods"):
        module = registry.load("methods", name)
        return module.Config, module.Model
    for kind in _defined_in_main():
        if _name(kind) == name:
            return kind, _model_beside(kind)
    if re.fullmatch(r"\w+(\.\w+)*(:\S+)?", name) and ("." in name or ":" in name):
        return _imported(name)
    try:
        registry.check("methods", name)
    except UnbraidError as error:
        raise UnbraidError(
            f"{str(error).removesuffix('.')}; one of a notebook or script must be defined there, "
            "or imported, before its runs are opened."
        ) from None
    raise AssertionError(name)


def named(name: str) -> tuple[type[MethodConfig], str]:
    """Return the Config of a method that a command names, and what it is in one line.

    Args:
        name: of a registered method, or a module and a class in it: ``lab:FooConfig``.

    Raises:
        UnbraidError: there is none, or the module cannot be imported.
    """
    if ":" in name:
        kind = find(name)[0]
        about = sys.modules[kind.__module__].__doc__ or kind.__doc__ or ""
        return kind, about.strip().split("\n", 1)[0]
    if name.endswith(".py"):
        stem = Path(name).stem
        raise UnbraidError(
            f"{name} is a file: name the class in it, as in {stem}:Config, with its folder on "
            "PYTHONPATH, or announce it in a package."
        )
    registry.check("methods", name)
    return registry.load("methods", name).Config, registry.summary("methods", name)


def model_of(config: MethodConfig) -> type[Method]:
    """Return the class of the models of a config.

    >>> from unbraid.methods import configure
    >>> sorted(model_of(configure("s2-vae")).needs)
    ['labelled']
    """
    kind = type(config)
    for registered, model in _registered.values():
        if _same(registered, kind):
            return model
    if kind.__module__.startswith(HERE) or name_of(config) in registry.names("methods"):
        return find(name_of(config))[1]
    return _model_beside(kind)


def _model_beside(kind: type[MethodConfig]) -> type[Method]:
    """Return the Model that is defined beside a Config of a notebook or another package."""
    from unbraid.methods._base import Method

    module = sys.modules.get(kind.__module__)
    stem = kind.__name__.removesuffix("Config")
    names = [f"{stem}Model", *([stem] if stem else [])]
    for name in names:
        model = getattr(module, name, None)
        if isinstance(model, type) and issubclass(model, Method):
            return model
    raise UnbraidError(
        f"{kind.__module__} has no {' or '.join(names)} beside its {kind.__name__}: define it, or "
        "say which model it has with unbraid.methods.register."
    )


def _defined_in_main() -> Iterator[type[MethodConfig]]:
    """Yield the Configs that the running notebook or script defines."""
    from unbraid.methods._base import MethodConfig

    for value in list(vars(sys.modules.get(MAIN) or ModuleType(MAIN)).values()):
        is_config = isinstance(value, type) and issubclass(value, MethodConfig)
        if is_config and value.__module__ == MAIN:
            yield value


def _imported(name: str) -> Pair:
    """Return the Config and the Model of a name that says which module defines them."""
    from unbraid.methods._base import MethodConfig

    place, _, wanted = name.partition(":")
    wanted = wanted or "Config"
    try:
        kind = getattr(importlib.import_module(place), wanted)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnbraidError(
            f"the method {name} is {wanted} of the module {place}, which cannot be imported "
            f"({error}): install the package, or put the module's folder on PYTHONPATH."
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, MethodConfig)):
        raise UnbraidError(f"{name} is not a method's config: expected a class of MethodConfig.")
    return kind, _model_beside(kind)


def _same(one: type, other: type) -> bool:
    """Whether two classes are of one name: a notebook's cell defines it anew whenever it runs."""
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)
