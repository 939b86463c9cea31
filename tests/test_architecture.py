"""The arrows of the architecture, and what an import may cost, kept by reading the source."""

from __future__ import annotations

import ast
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import unbraid

ROOT = Path(unbraid.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))

# Each layer may import itself, the layers named here, and the leaves.
LEAVES = {
    "errors",
    "factors",
    "files",
    "latent_kinds",
    "latents",
    "limits",
    "memory",
    "notebook",
    "recordings",
    "registry",
    "signals",
    "streams",
    "subsets",
    "text_tables",
}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "limits": set(),
    "factors": {"errors"},
    "files": {"errors"},
    "latent_kinds": {"errors"},
    "latents": {"errors"},
    "recordings": {"errors", "files"},
    "registry": {"errors"},
    "signals": {"errors"},
    "subsets": set(),
    "text_tables": set(),
    "streams": {"errors"},
    "memory": {"errors"},
    "interrupts": set(),
    "locks": {"errors", "files"},
    "store": {"locks"},
    "notebook": set(),
    "parsing": set(),
    "sound": set(),
    "datasets": {"sound"},
    "metrics": set(),
    "strokes": set(),
    "hardware": set(),
    "distributions": set(),
    "decomposition": {"distributions"},
    "nets": set(),
    "pages": set(),
    "pictures": set(),
    "spectrograms": {"sound"},
    "recipes": set(),
    "methods": {"nets", "recipes", "distributions", "decomposition", "sound"},
    "training": {
        "methods",
        "datasets",
        "hardware",
        "nets",
        "distributions",
        "decomposition",
    },
    "evaluation": {
        "training",
        "methods",
        "metrics",
        "datasets",
        "nets",
        "distributions",
        "decomposition",
    },
    "progress": {"training"},
    "loggers": {"training"},
    "runs": {
        "evaluation",
        "loggers",
        "metrics",
        "store",
        "training",
        "methods",
        "datasets",
        "hardware",
        "nets",
        "recipes",
    },
    "library": {
        "control",
        "datasets",
        "methods",
        "progress",
        "recipes",
        "runs",
        "training",
    },
    "studies": {
        "datasets",
        "evaluation",
        "figures",
        "interrupts",
        "locks",
        "methods",
        "metrics",
        "recipes",
        "runs",
        "training",
    },
    "sklearn": {"datasets", "library", "methods"},
    "control": {
        "datasets",
        "distributions",
        "hardware",
        "methods",
        "metrics",
        "nets",
        "pictures",
        "runs",
        "sound",
        "spectrograms",
        "store",
        "training",
    },
    "explorer": {
        "control",
        "datasets",
        "distributions",
        "evaluation",
        "figures",
        "hardware",
        "library",
        "methods",
        "metrics",
        "nets",
        "pictures",
        "runs",
        "store",
        "training",
    },
}
# may import all but what is above them
TOP = {
    "figures": {"comparison", "explorer", "hub", "studies", "tour", "cli"},
    "comparison": {"tour", "cli"},
    "hub": {"tour", "cli"},
    "measuring": {"comparison", "explorer", "studies", "tour", "cli"},
    "tour": {"cli"},
    "cli": set(),
    "__main__": set(),
    "__init__": {"cli"},
}


def layer(path: Path) -> str:
    """Return the layer a source file belongs to: its folder, or its own name."""
    return named(list(path.relative_to(ROOT).with_suffix("").parts))


def named(parts: list[str]) -> str:
    """Return the layer of a module: a part of core or nn is a layer by itself."""
    return parts[1] if parts[0] in ("core", "nn") and len(parts) > 1 else parts[0]


def imports(path: Path) -> set[str]:
    """Return the modules a source file imports anywhere, ``unbraid.x`` as such."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {
                f"{node.module}.{alias.name}"
                for alias in node.names
                if node.module == "unbraid" or alias.name.startswith("_")
            }
    return found


def layers_imported(path: Path) -> set[str]:
    """Return the layers a source file imports, its own left out."""
    parts = [name.split(".") for name in imports(path)]
    found = {named(part[1:]) for part in parts if part[0] == "unbraid" and len(part) > 1}
    return (found & {layer(other) for other in SOURCES}) - {layer(path), "core", "nn"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_go_one_way(path: Path) -> None:
    here = layer(path)
    if here in TOP:
        above = layers_imported(path) & TOP[here]
        assert not above, f"{path.name} imports {', '.join(sorted(above))}"
        return
    assert here in ALLOWED, f"{here} is a new layer: say in this test what it may import"
    forbidden = layers_imported(path) - ALLOWED[here] - LEAVES
    assert not forbidden, f"{path.name} imports {', '.join(sorted(forbidden))}"


@pytest.mark.parametrize("folder", ["datasets", "metrics", "sound"])
def test_data_sound_and_metrics_import_no_torch(folder: str) -> None:
    for path in (ROOT / folder).glob("*.py"):
        heavy = {name.split(".")[0] for name in imports(path)} & {"torch", "safetensors"}
        assert not heavy, f"{path.name} imports {heavy}"


# Within control: what each room or module may import of unbraid.control. The language depends on
# factors only; nothing depends on the assessment.
CONTROL = {
    "factor_distance": set(),
    "language": {"factor_distance"},
    "controller": {"language"},
    "closed_loop": {"controller", "factor_distance", "language"},
    "native": {"controller", "language"},
    "linear_gaussian": {"controller", "language"},
    "loading": {"controller", "native", "linear_gaussian"},
    "self_check": {"controller", "factor_distance", "language", "native"},
    "unlabelled": {"controller"},
    "api": {
        *("closed_loop", "controller", "language", "loading", "native", "self_check"),
        "unlabelled",
    },
    "recordings": {"language"},
    "sounds": {"recordings"},
    "voices": {"api", "controller", "language", "recordings", "sounds"},
    "commands": {"api", "language", "sounds", "voices"},
    "assessment": {"closed_loop", "controller", "language", "loading", "native", "unlabelled"},
}
CONTROL_FILES = [
    path
    for path in sorted((ROOT / "control").rglob("*.py"))
    if path != ROOT / "control/__init__.py"
]


def room(parts: list[str]) -> str:
    """Return the room or module of control that a path or a module's name belongs to."""
    return parts[parts.index("control") + 1]


@pytest.mark.parametrize("path", CONTROL_FILES, ids=lambda path: path.name)
def test_arrows_within_control_go_one_way(path: Path) -> None:
    here = room(list(path.relative_to(ROOT).with_suffix("").parts))
    assert here in CONTROL, f"{here} is new in control: say in this test what it may import"
    found = {
        room([*name.split("."), ""])
        for name in imports(path) | {f"unbraid.control.{name}" for name in aliases(path)}
        if name.startswith("unbraid.control")
    } - {here, ""}
    forbidden = found - CONTROL[here]
    assert not forbidden, f"{path.name} imports {', '.join(sorted(forbidden))}"


def aliases(path: Path) -> set[str]:
    """Return the modules that a file imports by ``from unbraid.control import ...``."""
    return {
        alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "unbraid.control"
        for alias in node.names
    }


def test_nothing_within_control_imports_in_circles() -> None:
    order = list(CONTROL)
    for here, allowed in CONTROL.items():
        assert all(order.index(name) < order.index(here) for name in allowed), here
    within: dict[str, set[str]] = {}  # by module, those of the same room that it imports
    for path in CONTROL_FILES:
        name = "unbraid." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
        parent = name.rpartition(".")[0]
        found = imports(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == parent:
                found |= {f"{parent}.{alias.name}" for alias in node.names}
        within[name] = {other for other in found if other.rpartition(".")[0] == parent}
    while leaves := {name for name, found in within.items() if not found & within.keys()}:
        within = {name: found for name, found in within.items() if name not in leaves}
    assert not within, f"circle of imports: {', '.join(sorted(within))}"


def test_the_language_of_requests_imports_no_torch() -> None:
    for path in (ROOT / "control/language").glob("*.py"):
        heavy = {name.split(".")[0] for name in imports(path)} & {"torch", "safetensors"}
        assert not heavy, f"{path.name} imports {heavy}"


def test_one_module_writes_results() -> None:
    for path in SOURCES:
        if layer(path) in ("runs", "evaluation", "library", "store"):
            text = path.read_text(encoding="utf-8")
            writes = re.search(r"(write_json|open|write_text)\([^)]*(NAME|result\.json)", text)
            assert not writes or path.name in ("results.py", "held_out.py"), path


def test_no_private_module_is_imported_from_another_package() -> None:
    """Benchmarks and docs use what is public, as users do."""
    others = [*(ROOT.parent.parent / "benchmarks").glob("*.py")]
    others += (ROOT.parent.parent / "docs").glob("*.py")
    for path in [*SOURCES, *others]:
        inside = path.is_relative_to(ROOT)
        package = ["unbraid", *path.relative_to(ROOT).parts[:-1]] if inside else []
        for name in imports(path):
            parts = name.split(".")
            private = next((i for i, part in enumerate(parts) if part[0] == "_"), None)
            if parts[0] != "unbraid" or private is None or parts == ["unbraid", "__version__"]:
                continue
            assert parts[:private] == package[:private], f"{path.name} imports {name}"


def test_nothing_unpickles() -> None:
    for path in SOURCES:
        assert not imports(path) & {"pickle", "joblib", "dill", "shelve", "marshal"}, path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            call = ast.unparse(node.func)
            assert call not in ("torch.load", "torch.save"), f"{path.name}: {call}"
            if call in ("np.load", "numpy.load"):
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert given.get("allow_pickle", "False") == "False", (
                    f"{path.name}: {ast.unparse(node)}"
                )


def python(code: str) -> tuple[str, float]:
    """Run code in a fresh process; return what it prints, and its seconds of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, used


HEAVY = (
    "[n for n in ('torch', 'numpy', 'matplotlib', 'sklearn', 'rich', 'tyro') if n in sys.modules]"
)


@pytest.mark.parametrize("args", [["--help"], ["methods"], ["datasets"], ["--version"]])
def test_help_and_listings_import_nothing_heavy(args: list[str]) -> None:
    code = f"import sys; from unbraid.cli import main; main({args!r}); print({HEAVY})"
    assert python(code)[0].splitlines()[-1] == "[]"


def test_help_answers_at_once() -> None:
    code = "import sys; from unbraid.cli import main; sys.exit(main(['--help']))"
    assert min(python(code)[1] for _ in range(3)) < 0.5  # seconds, the interpreter's start included


def test_import_costs_next_to_nothing_and_brings_no_torch() -> None:
    code = (
        "import sys, time; start = time.process_time(); import unbraid; "
        f"print(time.process_time() - start < 0.3, {HEAVY})"
    )
    assert python(code)[0].split(maxsplit=1) == ["True", "[]\n"]


def test_all_public_names_are_there() -> None:
    for name in unbraid.__all__:
        assert getattr(unbraid, name) is not None
    with pytest.raises(AttributeError, match="nosuch"):
        unbraid.nosuch  # noqa: B018
