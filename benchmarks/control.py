"""Accuracy, diversity and sharpness of control: 2,000 random requests to every method.

``python benchmarks/control.py`` trains each row into runs/control, going on where it was stopped,
asks the judge, and writes benchmarks/results/control.json and docs/images/control-frontier.png.
``--rows`` and ``--seeds`` choose; ``--validation`` measures on the requests that settings are
chosen by, and writes nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _common import RESULTS, load, write

from unbraid.control import loading
from unbraid.control.assessment import judge as judging
from unbraid.control.assessment.report import FRESH, VALIDATION, measure
from unbraid.control.assessment.run_report import draw_function, setting_name, writers_in_training
from unbraid.control.assessment.summary import HIGHER
from unbraid.core.errors import UnbraidError
from unbraid.core.files import read_json, write_json
from unbraid.datasets.digits import Config, Renderer, factor_specs
from unbraid.runs import Run

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "runs/control"
FIGURE = ROOT / "docs/images/control-frontier.png"
RESULT = RESULTS / "control.json"

FIGURES = ("digit accuracy", "angle", "x", "y", "size", "thickness")
FIGURES += ("diversity", "grey ratio", "leakage")
# What is aimed at, by method and labels; at least for those in HIGHER, at most for others.
TARGETS: dict[str, dict[str, dict[str, float]]] = {
    method: {labels: dict(zip(FIGURES, aims, strict=False)) for labels, aims in each.items()}
    for method, each in {
        "conditional-vae": {
            "all": (98, 3.0, 0.45, 0.45, 2.0, 0.10, 0.75, 0.21, 1.4),
            "1,000": (97, 3.2, 0.50, 0.50, 2.3, 0.13, 0.75, 0.21, 1.4),
            "100": (95, 3.7, 0.60, 0.60, 2.6, 0.15, 0.60, 0.26, 1.5),
        },
        "conditional-flow": {
            "all": (98, 3.0, 0.45, 0.45, 2.2, 0.12, 0.80, 0.23, 2.0),
            "1,000": (96, 3.4, 0.50, 0.50, 2.6, 0.15, 0.75, 0.25, 2.5),
            "100": (88, 4.5, 0.80, 0.80, 4.0, 0.25, 0.65, 0.27),
        },
    }.items()
}
MINUTES = {32: 20, 64: 60}  # that a training may take on two cores


@dataclass(frozen=True)
class Row:
    """A row of the table: a method, what it is told, and how often it is trained."""

    method: str
    options: str
    labels: str  # "all", "1,000", "100", or "100, to steer by"
    canvas: int = 32
    seeds: tuple[int, ...] = (0,)
    aimed: bool = False  # whether the targets are its own
    correct: bool = True  # whether it looks at what it drew and tries once more
    reject: bool = True  # whether it may draw a style again that its own reader doubts
    trained: str = ""  # the row whose training this one shares

    def command(self, seed: int) -> str:
        """Return the command that trains it, but for where to."""
        return (
            f"unbraid train {self.method} {self.options} --data digits --data.canvas "
            f"{self.canvas} --data.glyphs 0 40000 --seed {seed}"
        )


STEERED = "100, to steer by"  # labels used by control.fit alone
FEW = {"all": "--labels 0", "1,000": "--labels 1000", "100": "--labels 100"}


def asked(options: str, labels: str, **more: Any) -> Row:
    """Return a row of the conditional VAE, which the targets are for."""
    options = f"--epochs 27 --batch-size 256 {options}"
    return Row("conditional-vae", options, labels, **{"aimed": True, **more})


def flow(labels: str, **more: Any) -> Row:
    """Return a row of the conditional flow, into which no factor's meaning is built."""
    options = f"--epochs 32 --batch-size 256 {FEW[labels]}"
    return Row("conditional-flow", options, labels, **{"aimed": True, **more})


# The KL's weight rises over the first third, else the codes collapse to the two easiest factors.
WARM = "--latent-dim 10 --epochs 12 --warmup 4"
ROWS = {
    "conditional-vae-all": asked("--cycle 1.5 " + FEW["all"], "all"),
    "conditional-vae-1000": asked(FEW["1,000"], "1,000", seeds=(0, 1, 2)),
    "conditional-vae-1000-64": asked(FEW["1,000"], "1,000", canvas=64),
    "conditional-vae-100": asked(FEW["100"], "100"),
    "conditional-vae-1000-first-draw": asked(
        FEW["1,000"], "1,000", correct=False, trained="conditional-vae-1000"
    ),
    "conditional-vae-1000-first-draw-no-rejection": asked(
        FEW["1,000"], "1,000", correct=False, reject=False, trained="conditional-vae-1000"
    ),
    "conditional-flow-all": flow("all"),
    "conditional-flow-1000": flow("1,000", seeds=(0, 1, 2)),
    "conditional-flow-100": flow("100"),
    "conditional-flow-1000-first-draw": flow(
        "1,000", correct=False, trained="conditional-flow-1000"
    ),
    "conditional-flow-1000-first-draw-no-rejection": flow(
        "1,000", correct=False, reject=False, trained="conditional-flow-1000"
    ),
    **{
        f"{method}-{labels.replace(',', '')}": Row(method, f"{WARM} {beta}{option}", labels)
        for method, beta in (("s2-vae", ""), ("s2-beta-tcvae", "--beta 3 "))
        for labels, option in FEW.items()
    },
    "vae": Row("vae", WARM, STEERED),
    "beta-vae": Row("beta-vae", f"{WARM} --beta 4", STEERED),
    "beta-tcvae": Row("beta-tcvae", f"{WARM} --beta 3", STEERED),
    "joint-vae": Row(
        "joint-vae",
        "--latent-dim 10 --invariance 500 --discrete-epochs 2 --capacity-epochs 5 --epochs 12",
        STEERED,
    ),
    "infogan": Row(
        "infogan",
        "--continuous 5 --channels 32 --hidden 256 --invariance 1 --epochs 8",
        STEERED,
    ),
}


# -- training -------------------------------------------------------------------------------------


def train(key: str, row: Row, seed: int) -> tuple[Run, dict[str, float]]:
    """Train a row, or take it as it is if it is finished; return the run and what it cost."""
    folder = RUNS / f"{row.trained or key}-seed-{seed}"
    costs = folder / "cost.json"
    cost = read_json(costs) if costs.is_file() else {"seconds": 0.0, "cpu_seconds": 0.0}
    if cost.setdefault("command", row.command(seed)) != row.command(seed):
        raise UnbraidError(f"{folder} was trained by {cost['command']}: move it away.")
    if not (folder / "result.json").is_file():
        script = Path(sys.executable).with_name("unbraid")
        args = [script, *row.command(seed).split()[1:], "--out", folder, "--resume"]
        start, before = time.perf_counter(), children_seconds()
        try:
            subprocess.run(args, check=True)
        finally:
            cost["seconds"] += time.perf_counter() - start
            cost["cpu_seconds"] += children_seconds() - before
            if folder.is_dir():
                write_json(costs, cost)
    return Run(folder), cost


def children_seconds() -> float:
    """Return the processor time of the processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def digest(*folders: Path) -> str:
    """Say by what a report was made: the weights of the judge and of a run."""
    found = hashlib.sha256()
    for folder in (judging.FOLDER, *folders):
        found.update((folder / "model.safetensors").read_bytes())
    return found.hexdigest()[:16]


# -- measuring ------------------------------------------------------------------------------------


def ask(run: Run, row: Row, requests: int, seed: int) -> tuple[dict[str, Any], float]:
    """Return the report of a run, and the seconds it took to be ready for requests."""
    start = time.perf_counter()
    answers = loading.open(run)
    ready = time.perf_counter() - start
    if writers_in_training(run):
        raise UnbraidError(f"{run.folder} was trained on the handwriting that the judge was.")
    draw = draw_function(answers, correct=row.correct, reject=row.reject)
    return report_of(draw, row.canvas, requests, seed), round(ready, 2)


def report_of(draw: Callable[..., Any], canvas: int, requests: int, seed: int) -> dict[str, Any]:
    """Return the report of a drawer of digits with all factors at their default ranges."""
    specs, renderer = factor_specs(Config()), Renderer("test", canvas)
    return measure(draw, judging.Judge.load(), specs, renderer, requests, seed)


def floor(canvas: int, requests: int, seed: int) -> dict[str, Any]:
    """Return the report of other real handwriting than that which all is compared with."""
    renderer = Renderer("test", canvas)

    def draw(factors: np.ndarray, styles: np.ndarray) -> np.ndarray:
        return renderer.draw(factors, renderer.choose(factors, int(styles[0])))

    return report_of(draw, canvas, requests, seed)


def met(report: dict[str, Any], aims: dict[str, float]) -> dict[str, bool]:
    """Return for each target whether it is met."""
    found = {name: report["figures"][name]["value"] for name in aims}
    return {
        name: found[name] >= aim if name in HIGHER else found[name] <= aim
        for name, aim in aims.items()
    }


def line(name: str, report: dict[str, Any]) -> str:
    """Return a report in a line."""
    figures = report["figures"]
    return f"{name:42s}" + "  ".join(f"{n} {figures[n]['value']:.2f}" for n in FIGURES)


def stored() -> dict[str, Any]:
    """Return what is measured so far."""
    found: dict[str, Any] = read_json(RESULT) if RESULT.is_file() else {}
    return {"rows": found.get("rows", {}), "floor": found.get("floor", {})}


def save(found: dict[str, Any], requests: int) -> None:
    """Write the results, rows in the order of the table, and draw them."""
    from _frontier import draw

    found["rows"] = {key: found["rows"][key] for key in ROWS if key in found["rows"]}
    for key, entry in found["rows"].items():
        entry["aimed"] = ROWS[key].aimed
        for seed in entry["seeds"].values():
            aims = TARGETS[ROWS[key].method][ROWS[key].labels] if ROWS[key].aimed else {}
            seed["met"] = met(seed["report"], aims)
    seeds = {key: set(map(str, row.seeds)) for key, row in ROWS.items()}
    left = [
        f"{key}, seed {seed}"
        for key in ROWS
        for seed in sorted(seeds[key] - found["rows"].get(key, {}).get("seeds", {}).keys())
    ]
    about: dict[str, Any] = {"not measured yet": left}
    about |= {"requests": requests, "seed": FRESH, "targets": TARGETS, "minutes": MINUTES}
    write("control", about | {"load": load(), **found})
    draw(read_json(RESULT), FIGURE)


def fill(key: str, given: argparse.Namespace) -> None:
    """Train and measure a row, seed by seed; what is there is kept."""
    row = ROWS[key]
    about = {"method": row.method, "labels": row.labels, "canvas": row.canvas}
    about |= {"corrected": row.correct, "command": row.command(row.seeds[0])}
    about["setting"] = setting_name(row.correct, row.reject)

    def measured(found: dict[str, Any]) -> dict[str, Any]:
        """Return what is known of the row's seeds, nothing if it was another row then."""
        entry = found["rows"].get(key, {})
        same = all(entry.get(name) == about[name] for name in ("setting", "command"))
        seeds: dict[str, Any] = entry["seeds"] if same else {}
        return seeds

    for seed in row.seeds if given.seeds is None else given.seeds:
        run, cost = train(key, row, seed)
        known = measured(stored()).get(str(seed), {})
        made_by = digest(run.folder)
        if known.get("digest") == made_by and not given.again and not given.validation:
            continue
        report, ready = ask(run, row, given.requests, VALIDATION if given.validation else FRESH)
        print(line(f"{key}, seed {seed}", report), flush=True)
        if given.validation:
            continue
        found = stored()  # anew: another process may have measured another row meanwhile
        kept = measured(found)
        kept[str(seed)] = {
            "digest": made_by,
            "training_seconds": run.result["training"]["seconds"],
            **{name: round(cost[name], 1) for name in ("seconds", "cpu_seconds")},
            "in_time": cost["cpu_seconds"] <= 2 * 60 * MINUTES[row.canvas],
            "ready_seconds": ready,
            "report": report,
        }
        found["rows"][key] = {**about, "seeds": dict(sorted(kept.items()))}
        save(found, given.requests)


def fill_floor(given: argparse.Namespace) -> None:
    """Measure real renderings, if the judge is another than when that was done."""
    for canvas in MINUTES:
        made_by = digest()
        known = stored()["floor"].get(str(canvas), {})
        if known.get("digest") == made_by and not given.again:
            continue
        report = floor(canvas, given.requests, FRESH)
        print(line(f"real renderings, {canvas} pixels", report), flush=True)
        found = stored()
        found["floor"][str(canvas)] = {"digest": made_by, **report}
        save(found, given.requests)


def main() -> None:
    """Train, measure, write and draw what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--seeds", type=int, nargs="+", help="of those rows, not the table's")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--validation", action="store_true", help="choose settings by these")
    parser.add_argument("--again", action="store_true", help="measure what is measured already")
    given = parser.parse_args()
    if not given.validation:
        fill_floor(given)
    failed = []
    for key in given.rows:
        try:
            fill(key, given)
        except (UnbraidError, subprocess.CalledProcessError) as error:
            failed.append(key)
            print(f"{key}: {error}", file=sys.stderr, flush=True)
    if not given.validation:
        save(stored(), given.requests)
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


if __name__ == "__main__":
    main()
