"""The arrows of the architecture, and what an import may cost, kept by reading the source."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
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
    "limits",
    "memory",
    "registry",
    "signals",
    "streams",
    "subsets",
}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "limits": set(),
    "factors": {"errors"},
    "files": {"errors"},
    "registry": {"errors"},
    "signals": {"errors"},
    "subsets": set(),
    "streams": {"errors"},
    "memory": {"errors"},
    "fingerprints": {"datasets"},
    "held_out": {"datasets"},
    "store": set(),
    "parsing": set(),
    "datasets": set(),
    "metrics": set(),
    "strokes": set(),
    "hardware": set(),
    "distributions": set(),
    "decomposition": {"distributions"},
    "nets": set(),
    "pictures": set(),
    "methods": {"nets", "distributions", "decomposition"},
    "batches": {"datasets", "nets"},
    "labels": {"batches", "datasets", "methods"},
    "training": {
        "batches",
        "labels",
        "methods",
        "datasets",
        "hardware",
        "nets",
        "distributions",
        "decomposition",
    },
    "evaluation": {
        "batches",
        "training",
        "methods",
        "datasets",
        "nets",
        "distributions",
        "decomposition",
    },
    "progress": {"training"},
    "runs": {
        "batches",
        "evaluation",
        "fingerprints",
        "held_out",
        "resuming",
        "store",
        "training",
        "methods",
        "datasets",
        "hardware",
        "nets",
    },
    "unsaved": {"datasets", "evaluation", "hardware", "held_out", "methods", "runs", "store"},
    "library": {
        "batches",
        "datasets",
        "methods",
        "progress",
        "runs",
        "training",
        "unsaved",
    },
    "resuming": {"datasets", "fingerprints", "methods", "runs", "store", "training"},
    "restarts": {"batches", "resuming", "runs", "store", "training", "methods", "datasets"},
    "fresh": {"datasets", "metrics"},
    "evidence": {
        "batches",
        "runs",
        "fresh",
        "metrics",
        "methods",
        "datasets",
        "distributions",
        "nets",
    },
    "scoring": {"runs", "evidence", "metrics", "methods", "datasets"},
    "control": {
        "batches",
        "datasets",
        "distributions",
        "hardware",
        "labels",
        "methods",
        "metrics",
        "nets",
        "pictures",
        "runs",
        "store",
        "training",
    },
}
TOP = {"figures", "tour", "cli", "__main__", "__init__"}  # may import all that is below them


def layer(path: Path) -> str:
    """Return the layer a source file belongs to: its folder, or its own name."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Return the modules a source file imports anywhere, ``unbraid.x`` as such."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "unbraid":
                found |= {f"unbraid.{alias.name}" for alias in node.names}
    return found


def layers_imported(path: Path) -> set[str]:
    """Return the layers a source file imports, its own left out."""
    parts = [name.split(".") for name in imports(path)]
    found = {part[1] for part in parts if part[0] == "unbraid" and len(part) > 1}
    return {name for name in found if (ROOT / name).is_dir() or (ROOT / f"{name}.py").is_file()} - {
        layer(path)
    }


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_go_one_way(path: Path) -> None:
    here = layer(path)
    if here in TOP:
        assert "cli" not in layers_imported(path) or here == "__main__"
        return
    assert here in ALLOWED, f"{here} is a new layer: say in this test what it may import"
    forbidden = layers_imported(path) - ALLOWED[here] - LEAVES
    assert not forbidden, f"{path.name} imports {', '.join(sorted(forbidden))}"


@pytest.mark.parametrize("folder", ["datasets", "metrics"])
def test_datasets_and_metrics_import_no_torch(folder: str) -> None:
    for path in (ROOT / folder).glob("*.py"):
        heavy = {name.split(".")[0] for name in imports(path)} & {"torch", "safetensors"}
        assert not heavy, f"{path.name} imports {heavy}"


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
    """Run code in a fresh process; return what it prints and how long it took."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    return done.stdout, time.perf_counter() - start


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
        "import sys, time; start = time.perf_counter(); import unbraid; "
        f"print(time.perf_counter() - start < 0.3, {HEAVY})"
    )
    assert python(code)[0].split(maxsplit=1) == ["True", "[]\n"]


def test_all_public_names_are_there() -> None:
    for name in unbraid.__all__:
        assert getattr(unbraid, name) is not None
    with pytest.raises(AttributeError, match="nosuch"):
        unbraid.nosuch  # noqa: B018
