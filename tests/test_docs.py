"""What the README and the pages say is true: examples run, commands parse, tables are complete."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import re
import shlex
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import unbraid
from tests.sound.voices import voice
from unbraid import cli, comparison, datasets, figures, pictures, runs, tour
from unbraid.control import api, recordings, sounds
from unbraid.control.assessment import judge_cache, run_report
from unbraid.control.language.parser import parse
from unbraid.core import registry
from unbraid.core.factors import FactorSpec
from unbraid.core.recordings import Recording, Source
from unbraid.datasets import speech
from unbraid.datasets.digits import Config, factor_specs
from unbraid.explorer import onnx, page
from unbraid.runs import evaluating
from unbraid.sound import Canonical, FrameFactors, Measures, picture_of

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("[!_]*.md"))]
PAGES = [page for page in PAGES if not {"_build", "_generated"} & set(page.parts)]
SHORT = {  # of the whole of MNIST, and of as many epochs as it takes
    r'load_dataset\("mnist"\)': 'load_dataset("mnist", split="test").take(range(256))',
    r"epochs=\d+": "epochs=1",
}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.+?)^```", text, re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    """Return the unbraid commands a page tells its reader to type."""
    found = "\n".join(blocks(page, "console"))
    return re.findall(r"^\$ (unbraid .+?)(?: +[#>].*)?$", found, re.MULTILINE)


@pytest.mark.parametrize(
    "page",
    [README, ROOT / "docs/quickstart.md", ROOT / "docs/methods/index.md"],
    ids=name_of,
)
def test_python_examples_run(page: Path) -> None:
    examples = blocks(page, "python")
    assert examples
    for example in examples:
        for pattern, short in SHORT.items():
            example = re.sub(pattern, short, example)
        names: dict[str, Any] = {}
        exec(example, names)
        assert names["codes"].shape == (10_000, 10)
        assert names["fresh"].shape == (16, 1, 28, 28)


def test_the_example_of_scikit_learn_runs() -> None:
    (example,) = blocks(ROOT / "docs/tools/sklearn.md", "python")
    names: dict[str, Any] = {}
    exec(example.replace('"beta": 4.0', '"net": "mlp"'), names)
    assert names["codes"].shape == (512, 6)
    assert names["images"].shape == (512, 784)


def test_the_example_of_recordings_runs() -> None:
    names: dict[str, Any] = {}
    exec("\n".join(blocks(ROOT / "docs/recordings.md", "python")), names)
    assert round(names["found"].before.hertz) == 150
    assert round(names["found"].after.hertz) == 200


def test_the_example_of_data_in_memory_runs() -> None:
    example, *others = blocks(ROOT / "docs/your_data.md", "python")
    for other in others:
        exec(other, {})
    names: dict[str, Any] = {}
    exec(example, names)
    assert [spec.kind for spec in names["data"].specs] == ["categorical", "periodic"]
    assert np.isnan(names["data"].factors).sum() == 34


def test_no_page_holds_both_sides_of_a_merge() -> None:
    marks = re.compile(r"^(<{7}|>{7}|\|{7}) |^={7}$", re.MULTILINE)
    pages = [*PAGES, ROOT / "CHANGELOG.md"]
    assert not [name_of(page) for page in pages if marks.search(page.read_text(encoding="utf-8"))]


ALL_COMMANDS = [pytest.param(c, id=c) for c in sorted({c for p in PAGES for c in commands(p)})]


@pytest.mark.parametrize("command", ALL_COMMANDS)
def test_commands_are_understood(
    command: str, tmp_path: Path, squares_npz: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command of the pages, but for the work it would do."""
    done: list[str] = []

    def train_run(config: runs.RunConfig, *_: Any, **__: Any) -> Any:
        done.append(config.data)
        return SimpleNamespace(result={"reconstruction_stats": {}})

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "train_run", train_run)
    monkeypatch.setattr(runs, "train_restarts", train_run)
    targets = {"run": lambda name, **_: name, "dataset": lambda name, **_: datasets.resolve(name)}
    monkeypatch.setattr(figures, "TARGETS", targets)
    for name, told_of in (("report", []), ("records", []), ("facts", {})):
        monkeypatch.setattr(figures, name, lambda *_, told_of=told_of: told_of)
    monkeypatch.setattr(figures, "produce", lambda *_: done.append("figure"))
    monkeypatch.setattr(evaluating, "evaluate", lambda *_: done.append("evaluate") or {})
    report = {"requests": 0, "figures": {}, "leakage": {}, "notes": [], "setting": ""}
    monkeypatch.setattr(run_report, "assess", lambda *_: done.append("control") or report)
    told = {"data": "", "learnt_from": 0, "measured_on": 0, "errors": {}, "notes": []}
    monkeypatch.setattr(judge_cache, "judge_report", lambda *_: done.append("judge") or told)
    score = importlib.import_module("unbraid.cli.score")
    coded = datasets.Coded(np.zeros((0, 2)), None, (), None, ())
    monkeypatch.setattr(score, "read", lambda *_: done.append("score") or coded)
    monkeypatch.setattr(score, "measure", lambda *_: ({}, []))
    ask_nobody(monkeypatch, done)
    table = SimpleNamespace(
        **{"rows": (), "names": (), "notes": (), "figure": lambda **_: None},
        **{f"to_{name}": lambda: "" for name in ("csv", "latex", "markdown")},
    )
    monkeypatch.setattr(comparison, "compare", lambda *_: done.append("compare") or table)
    monkeypatch.setattr(figures, "save", lambda *_: None)
    monkeypatch.setattr(page, "write", lambda *_, **__: done.append("page") or Path())
    monkeypatch.setattr(onnx, "write", lambda *_, **__: done.append("onnx") or Path())
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    monkeypatch.setattr(tour, "run", lambda *_: done.append("tour"), raising=False)
    of_study = importlib.import_module("unbraid.cli.study")
    named = {
        name: (lambda target, _: done.append(str((ROOT / target).stat())), options)
        for name, (_, options) in of_study.COMMANDS.items()
    }
    monkeypatch.setattr(of_study, "COMMANDS", named)
    Path("fashion").mkdir()
    Path("fashion/train-images-idx3-ubyte.gz").touch()
    args = [str(squares_npz.parent) if a.startswith("~/") else a for a in shlex.split(command)[1:]]
    assert cli.main(args) == 0
    assert (
        done
        or args[0] in ("methods", "datasets", "metrics", "recipes", "completion", "--help")
        or "--help" in args
    )


SQUARES = tuple(FactorSpec(n, "categorical", values=tuple(range(10))) for n in ("row", "column"))


def ask_nobody(monkeypatch: pytest.MonkeyPatch, done: list[str]) -> None:
    """Let requests be understood, and draw nothing."""
    images = np.zeros((1, 1, 32, 32), np.float32)
    plain = Canonical(np.full((64, 64), -20.0), np.zeros(64), np.zeros((3, 64)))
    voices = picture_of(plain, FrameFactors())[None]

    def controller_of(folder: Path | None) -> Any:
        voice = folder is not None and folder.name == "speech"
        specs = speech.factor_specs(speech.Config()) if voice else factor_specs(Config())
        return SimpleNamespace(
            specs=SQUARES if folder == Path("runs/mine") else specs,
            model=SimpleNamespace(image_shape=(3, 64, 64) if voice else (1, 32, 32)),
        )

    def draw(controller: Any, *_: Any) -> Any:
        done.append("generate")
        return voices if controller.model.image_shape[0] == 3 else images

    monkeypatch.setattr(api, "controller_of", controller_of)
    monkeypatch.setattr(api, "draw", draw)
    monkeypatch.setattr(api, "change", lambda *_: done.append("edit") or images)
    monkeypatch.setattr(api, "swap", lambda *_, **__: done.append("swap") or images)
    monkeypatch.setattr(pictures, "read_png", lambda *_: (images, ""))
    recording = Recording(voice(150, 0.4), 8000, Source(8000, 1, 0.4))
    monkeypatch.setattr(sounds, "read", lambda *_: recording)
    monkeypatch.setattr(sounds, "write", lambda *_: done.append("sound"))


def told_requests(heading: str, page: str = "control") -> list[tuple[str, list[str]]]:
    """Return requests of a page, each with what it says is understood, part by part."""
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    lines = text.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines()
    found = []
    for row in (line.strip("| ").split(" | ") for line in lines if line.startswith("| `")):
        requests = re.findall("`(.+?)`", row[0])
        parts = [re.fullmatch(r"(\w+) ([^a-z]+)( .*)?", p) for p in re.split(", (?=[a-z])", row[1])]
        for index, request in enumerate(requests):
            wanted = []
            for part in parts:
                assert part, row
                name, numbers, unit = part[1], part[2].split(", "), part[3] or ""
                assert len(numbers) in (1, len(requests)), row
                wanted.append(f"{name} {numbers[index % len(numbers)]}{unit}")
            found.append((request, wanted))
    return found


@pytest.mark.parametrize("heading", ["Words", "Editing"])
def test_requests_are_understood_as_told(heading: str) -> None:
    told = told_requests(heading)
    assert len(told) > 8
    for request, wanted in told:
        found = parse(request, factor_specs(Config()), relative=heading == "Editing")
        echoes = [re.sub(r" \(.*\)$", "", echo) for echo in found.understood]
        assert echoes == wanted, request


def test_requests_for_recordings_are_understood_as_told() -> None:
    told = told_requests("Editing", "recordings")
    assert len(told) > 30
    specs = recordings.specs_of(Measures(pitch=3.0, duration=400.0, loudness=-25.0))
    for request, wanted in told:
        found = parse(request, specs, relative=True)
        echoes = [re.sub(r" \(.*\)$", "", echo) for echo in found.understood]
        assert echoes == wanted, request


def test_the_readme_lists_the_methods() -> None:
    wanted = ["| Name | What it is |", "|---|---|"]
    for name in registry.names("methods"):
        page = f"docs/methods/{name}.md"
        wanted.append(f"| [`{name}`]({page}) | {registry.summary('methods', name)} |")
    table = "\n".join(wanted)
    assert table in README.read_text(encoding="utf-8"), f"README.md must say:\n{table}"


def test_the_readme_has_the_measured_numbers() -> None:
    """Its tables are those of the results, as the pages' are."""
    made = tables()
    results = {
        name: json.loads((ROOT / f"benchmarks/results/{name}.json").read_text(encoding="utf-8"))
        for name in ("control", "train_speed", "metrics_speed", "request_speed")
    }
    readme = README.read_text(encoding="utf-8")
    for table in (
        made.control_summary(results["control"]),
        made.peers(results["train_speed"], results["metrics_speed"]),
        made.request_time(results["request_speed"]),
    ):
        assert table in readme, f"README.md must say:\n{table}"


@pytest.mark.parametrize("name", registry.names("methods"))
def test_a_method_has_a_page_with_its_options_and_a_command(name: str) -> None:
    page = ROOT / "docs/methods" / f"{name}.md"
    assert page.is_file(), f"write {page.relative_to(ROOT)}"
    options = f"```{{options}} unbraid.methods.{name.replace('-', '_')}\n"
    assert options in page.read_text(encoding="utf-8")
    assert any(command.startswith(f"unbraid train {name} ") for command in commands(page))


def test_the_page_of_purposes_names_every_method() -> None:
    page = (ROOT / "docs/methods/which.md").read_text(encoding="utf-8")
    assert {name for name in registry.names("methods") if f"`{name}`" not in page} == set()


# how tests speak of code that is not ours
OTHERS = re.compile(
    r"\b(public|published) (code|port|implementation|note)s?\b|\bimplementation that\b"
    r"|\btutorials?\b|\bin a public\b|\bwidely copied\b|disentanglement_lib|studys_code",
    re.IGNORECASE,
)


def documented_tests() -> dict[str, str]:
    """Return name, docstring and comments of tests of methods, metrics, networks and data."""
    found = {}
    for folder in ("methods", "metrics", "nn", "datasets"):
        for path in sorted((ROOT / "tests" / folder).glob("test_*.py")):
            text = path.read_text(encoding="utf-8")
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
                    said = [node.name, ast.get_docstring(node) or ""]
                    said += [line for line in lines if line.strip().startswith("#")]
                    name = path.relative_to(ROOT / "tests").as_posix()
                    found[f"{name}::{node.name}"] = " ".join(said)
    return found


def test_the_page_of_faults_names_every_test_that_guards_against_one() -> None:
    page = (ROOT / "docs/faults.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.py::test_\w+)`", page))
    for each in named:
        path, name = each.split("::")
        assert f"def {name}(" in (ROOT / "tests" / path).read_text(encoding="utf-8"), each
    guards = {name for name, said in documented_tests().items() if OTHERS.search(said)}
    assert guards
    assert guards - named == set()


@pytest.mark.parametrize("name", registry.names("figures"))
def test_a_figure_is_told_with_its_options_a_command_and_a_call(name: str) -> None:
    page = ROOT / "docs/figures.md"
    text = page.read_text(encoding="utf-8")
    assert f"```{{options}} unbraid.figures.{name}\n" in text
    assert any(command.startswith(f"unbraid {name} ") for command in commands(page))
    (call,) = re.findall(rf'^`unbraid\.draw\("{name}", (.+?)\)`', text, re.MULTILINE)
    module = registry.load("figures", name)
    given = eval(f"dict({call.partition(', ')[2]})")
    registry.build(module.Config, given, name)


def test_the_example_of_figures_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks(ROOT / "docs/figures.md", "python")
    example = re.sub(r"epochs=\d+", "epochs=1, batch_size=64", example)
    exec(re.sub(r"\[:3000\]", "[:300]", example), {})
    assert {path.name for path in tmp_path.iterdir()} == {"traverse.pdf", "moving.gif", "runs"}


@pytest.mark.parametrize("page", [README, ROOT / "CONTRIBUTING.md"], ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """Sphinx checks those within docs."""
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def tables() -> ModuleType:
    """Import the package docs/_tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))
        return import_module("_tables")


def page_module(name: str) -> ModuleType:
    """Import a module of the docs."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"docs/{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_result_has_a_table_and_a_missing_one_is_said_to_be_missing(tmp_path: Path) -> None:
    module = tables()
    for name in module.TABLES:
        assert (ROOT / "benchmarks" / f"{name}.py").is_file()
    module.write_all(ROOT / "benchmarks/results", tmp_path / "real")
    module.write_all(tmp_path / "nowhere", tmp_path / "missing")
    for name in module.TABLES:
        result = ROOT / "benchmarks/results" / f"{name}.json"
        real = (tmp_path / "real" / f"{name}.md").read_text(encoding="utf-8")
        missing = (tmp_path / "missing" / f"{name}.md").read_text(encoding="utf-8")
        assert f"python benchmarks/{name}.py" in missing
        assert (real == missing) != result.is_file()
        if result.is_file():
            assert json.loads(result.read_text(encoding="utf-8"))
            assert "|---" in real


def test_a_pitch_that_is_not_read_is_off() -> None:
    off = import_module(f"{tables().__name__}.voices_page").off
    assert off({"beyond": 4.0, "unread": 0.0}) == 4.0
    assert off({"beyond": 4.0, "unread": 50.0}) == pytest.approx(
        52.0
    )  # and 2 of the 50 that are read
    assert off({"beyond": None, "unread": 100.0}) == 100.0


def test_sounds_of_the_docs_have_names_and_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    module = page_module("_sounds")
    included = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for name in module.SOUNDS:
        assert f"```{{include}} _generated/{name}.md\n" in included
    text = module.edits()
    files = re.findall(r'<audio controls [^>]*aria-label="Play: [^"]+" src="([^"]+)"', text)
    assert len(files) == len(set(files)) == text.count("<audio") == 4
    assert all(file.startswith("data:audio/wav;base64,") for file in files)
    assert len(text) < 100_000
    rows = re.findall(r"^\| (.+?) \| (\w+) \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    before, higher, longer, small = ([int(cell) for cell in row[2:]] for row in rows)
    assert {row[1] for row in rows} == {"three"}
    assert higher[0] == pytest.approx(2 * before[0], abs=4)
    assert longer[1] == pytest.approx(1.5 * before[1], rel=0.03)
    assert small[0] == pytest.approx(before[0], abs=2)


def test_the_version_is_told_once() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{unbraid.__version__}"' in pyproject
    assert f"Unreleased: {unbraid.__version__}" in (ROOT / "CHANGELOG.md").read_text() or (
        f"## {unbraid.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    )


def test_the_citation_is_of_this_version_and_names_nobody_else() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    found = dict(re.findall(r"^([a-z-]+): (.+)$", text, re.MULTILINE))
    assert found["cff-version"] == "1.2.0"
    assert found["version"] == unbraid.__version__
    assert found["license"] == "Apache-2.0"
    assert {"message", "title", "type"} <= found.keys()
    assert re.findall(r"^  - name: (.+)$", text, re.MULTILINE) == ["the unbraid developers"]
    assert "doi" not in text.lower()


def test_the_docker_image_runs_commands_of_the_makefile() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {name for line in re.findall(r"^([^\s#:=]+(?: [^\s:=]+)*):(?!=)", makefile, re.M)
               for name in line.replace("$(VENV)", ".venv").split()}  # fmt: skip
    made = {word for line in re.findall(r"^RUN make (.+)$", text, re.M) for word in line.split()}
    run = set(re.findall(r'^CMD \["(\w+)"\]$', text, re.M))
    run |= set(re.findall(r"^#   docker run .* unbraid (\w+)", text, re.M))
    assert made == {".venv/.installed-dev", ".venv/.installed"}
    assert run == {"tour", "test"}
    assert made | run <= targets
    assert 'ENTRYPOINT ["make"]' in text
    # nothing that the image needs is kept out of it, and nothing that a user made gets into it
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n", 1)[1].split()
    assert not {"src", "tests", "docs", "benchmarks", "Makefile", "constraints.txt"} & {*ignored}
    assert {"runs", "report", ".venv"} <= {*ignored}


def test_notebooks_are_stored_without_outputs_and_written_as_markdown() -> None:
    for path in (ROOT / "docs").rglob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs"), path
            assert cell.get("execution_count") is None, path
            if cell["cell_type"] == "code":
                compile("".join(cell["source"]), str(path), "exec")
    picture = {"output_type": "display_data", "data": {"image/png": "QUJD\n", "text/plain": "x"}}
    table = {"output_type": "execute_result", "data": {"text/html": ["<b>", "1</b>"]}}
    stream = {"output_type": "stream", "text": "done\n"}
    code = {"cell_type": "code", "source": ["1 + 1"], "metadata": {"alt": 'a "b"'}}
    cells = [
        {"cell_type": "markdown", "source": "# T"},
        {**code, "outputs": [picture, table, stream]},
    ]
    assert page_module("_notebooks").markdown({"cells": cells}).split("\n\n") == [
        "# T",
        "```python\n1 + 1\n```",
        '```{raw} html\n<img alt="a &quot;b&quot;" src="data:image/png;base64,QUJD">\n```',
        "```{raw} html\n<b>1</b>\n```",
        "```text\ndone\n```\n",
    ]


def test_the_reference_has_every_public_name() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    told = re.findall(r"^\.\. auto(?:function|class|exception):: ([\w.]+)", pages, re.M)
    names = {name.rpartition(".")[2] for name in told}
    assert {*unbraid.__all__} - {"__version__"} <= names
