"""Every method on the same data with the same number of steps: scores, speed, and their orders.

``python benchmarks/methods.py`` trains each method with its published settings, five seeds on
dSprites and 3D Shapes at 32 pixels, going on where it was stopped, and writes
benchmarks/results/methods.json after each training. What that file has is not trained again, so
that it can go on in another place. The runs are those of studies in ``studies``: what
``unbraid study run benchmarks/studies/locatello2019-small.toml`` has trained there is not trained
again, nor the other way round; do not run both at once. ``--methods``, ``--data`` and ``--seeds``
do a part: parts may run side by side, and each writes what there is by then. ``--tune`` also trains
with other values of each method's weight: the tuned run of a seed is that of the value with the
highest DCI over the other seeds. ``--speed`` times the steps.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import _common
import _gates
import _tuning
from _gaussian_tc import gaussian_tc
from _step_costs import OPERATIONS, TIMES, Costs, merged, step_costs

from unbraid import methods
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.files import read_json, write_json
from unbraid.datasets import load_dataset
from unbraid.evaluation.scores import Config as Metrics
from unbraid.runs import Run, RunConfig, evaluating, train_run
from unbraid.studies import plan, spec
from unbraid.training import Diverged, Loop, Recorder, TrainingConfig, new_model

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "runs/methods"
STUDIES = ROOT / "studies/runs"  # where the runs of studies lie
DATA: dict[str, dict[str, Any]] = {
    "dsprites": {"size": 32},
    "shapes3d": {"size": 32},
    "digits": {"canvas": 32},
    "mnist": {},
}
# As the study of benchmarks/studies has it. The published learning rate, 1e-4, is for 300,000
# steps; FactorVAE's discriminator keeps it.
COMMON = {"batch_size": 64, "lr": 5e-4, "sampling": "iid", "threads": 1}

# (options as published, the option that is tuned, its values). A method that this version does not
# have is left out.
METHODS: dict[str, tuple[dict[str, Any], str, tuple[float, ...]]] = {
    "ae": ({}, "", ()),
    "vae": ({}, "", ()),
    "beta-vae": ({"beta": 4.0}, "beta", (1.0, 4.0, 16.0)),
    "annealed-vae": ({"capacity": 25.0}, "capacity", (5.0, 25.0, 100.0)),
    "factor-vae": ({"gamma": 40.0, "discriminator_lr": 0.2}, "gamma", (10.0, 40.0, 100.0)),
    "dip-vae-i": ({"off_diagonal": 10.0, "diagonal": 100.0}, "off_diagonal", (1.0, 10.0, 50.0)),
    "dip-vae-ii": ({"off_diagonal": 10.0, "diagonal": 10.0}, "off_diagonal", (1.0, 10.0, 50.0)),
    "beta-tcvae": ({"beta": 6.0}, "beta", (1.0, 6.0, 10.0)),
    "info-vae": ({}, "scale", (10.0, 100.0, 1000.0)),
    "wae-mmd": ({}, "scale", (10.0, 100.0, 1000.0)),
    "hfs": ({"gamma": 300.0, "beta": 0.0}, "gamma", (100.0, 300.0, 1000.0)),
    "ada-gvae": ({}, "beta", (1.0, 4.0, 8.0)),
    "ada-ml-vae": ({}, "beta", (1.0, 4.0, 8.0)),
    "slow-vae": ({}, "gamma", (1.0, 10.0, 100.0)),
    "qlae": ({}, "weight_decay", (0.01, 0.1, 1.0)),
    "tripod": ({}, "hessian", (1e-3, 1e-2, 1e-1)),
    "s2-vae": ({"labels": 1000}, "gamma_sup", (1.0, 10.0, 100.0)),
}
OWN_TRAINING = {"qlae": {"lr": 1e-3}}  # published with it
# a step takes 6 to 15 times that of the VAE: this part of the steps
FEWER = {"qlae": 5, "tripod": 5}
# another setting, with the steps of the others: a cheaper network, and all points as published
BESIDE: dict[str, tuple[str, Any]] = {"qlae": ("net", "conv"), "hfs": ("points", 0)}
# Published values, of other outlines, resolutions and numbers of steps, so no more than a size.
PUBLISHED: dict[str, list[dict[str, Any]]] = {
    "dsprites": [
        {
            "source": "Lin et al. 2020, InfoGAN-CR",
            "values": {
                "vae": {"factorvae": 0.63, "dci disentanglement": 0.30, "mig": 0.10},
                "beta-vae": {"factorvae": 0.63, "dci disentanglement": 0.41, "mig": 0.21},
                "beta-tcvae": {"factorvae": 0.62, "dci disentanglement": 0.29, "mig": 0.45},
                "factor-vae": {"factorvae": 0.82, "dci disentanglement": 0.74, "mig": 0.43},
            },
        },
        {
            "source": "Saha et al. 2025, ARD-VAE",
            "values": {
                "vae": {"factorvae": 0.648, "mig": 0.06},
                "beta-tcvae": {"factorvae": 0.756, "mig": 0.20},
                "dip-vae-i": {"factorvae": 0.595, "mig": 0.05},
                "dip-vae-ii": {"factorvae": 0.607, "mig": 0.08},
            },
        },
    ],
    "shapes3d": [
        {
            "source": "Saha et al. 2025, ARD-VAE",
            "values": {
                "vae": {"factorvae": 0.559, "mig": 0.13},
                "beta-tcvae": {"factorvae": 0.755, "mig": 0.40},
                "dip-vae-i": {"factorvae": 0.519, "mig": 0.06},
                "dip-vae-ii": {"factorvae": 0.637, "mig": 0.24},
            },
        },
        {
            "source": "Yang et al. 2024, EncDiff",
            "values": {
                "factor-vae": {"factorvae": 0.840, "dci disentanglement": 0.611},
                "beta-tcvae": {"factorvae": 0.873, "dci disentanglement": 0.613},
            },
        },
        {
            "source": "Wu and Zheng 2024, FDAE",
            "values": {"factor-vae": {"mig": 0.434}, "beta-tcvae": {"mig": 0.406}},
        },
        {
            "source": "Bayes-QLAE (ICLR 2026, *A Bayesian Nonparametric Framework for Learning "
            "Disentangled Representations*)",
            "values": {
                "beta-vae": {"infomec InfoM": 0.62, "dci disentanglement": 0.58},
                "beta-tcvae": {"infomec InfoM": 0.65, "dci disentanglement": 0.56},
                "qlae": {"infomec InfoM": 0.84, "dci disentanglement": 0.79},
            },
        },
    ],
}
MOST_SEEDS = 20  # that are looked for
TUNED_BY = "dci disentanglement"
ROW = "row.json"  # what the result holds of a run, in its folder


@dataclass(frozen=True)
class Cell:
    """A training of the table.

    Args:
        data: the data set.
        method: the method.
        setting: ``published``, or the option and value that were tried.
        options: of the method.
        training: of the training.
        seed: of the training.
    """

    data: str
    method: str
    setting: str
    options: dict[str, Any]
    training: dict[str, Any]
    seed: int

    @property
    def folder(self) -> Path:
        """Where its row lies."""
        steps = self.training["steps"]
        return RUNS / f"{self.data}/{self.method}-{self.setting}-{self.seed}-{steps}"

    @property
    def config(self) -> RunConfig:
        """What is trained."""
        training = TrainingConfig(seed=self.seed, **self.training)
        method = methods.configure(self.method, **self.options)
        return RunConfig(method, self.data, DATA[self.data], training)

    def run_folder(self) -> Path:
        """Return where its run lies: the folder that a study's run of these options has."""
        training = {name: v for name, v in self.training.items() if name != "threads"}
        told = {
            "study": {"name": "methods", "seeds": self.seed},
            "data": [{"name": self.data, **DATA[self.data]}],
            "common": training,
            "grid": [{"method": self.method, **self.options}],
            "resources": {"threads": self.training["threads"]},
        }
        (cell,), _ = plan.expand(spec.understood(told, ROOT))
        return STUDIES / cell.id


def published(data: str, method: str, seed: int, steps: int) -> Cell:
    """Return the cell of a method as published."""
    options = dict(METHODS[method][0])
    if method == "annealed-vae":
        options["threshold"] = max(1, steps // 3)  # 100,000 of the published 300,000
    training = {
        **COMMON,
        **OWN_TRAINING.get(method, {}),
        "steps": max(1, steps // FEWER.get(method, 1)),
    }
    return Cell(data, method, _tuning.PUBLISHED, options, training, seed)


def tried(data: str, method: str, seed: int, steps: int, value: float) -> Cell:
    """Return the cell of one value of the option that is tuned."""
    base, option = published(data, method, seed, steps), METHODS[method][1]
    options = {**base.options, option: value}
    if method == "dip-vae-i":
        options["diagonal"] = 10 * value
    if method == "dip-vae-ii":
        options["diagonal"] = value
    return Cell(data, method, f"{option}={value:g}", options, base.training, seed)


def beside(data: str, method: str, seed: int, steps: int) -> Iterator[Cell]:
    """Yield the cell of a method's other setting, with as many steps as others have, if any."""
    if method in BESIDE:
        base, (option, value) = published(data, method, seed, steps), BESIDE[method]
        options = {**base.options, option: value}
        training = {**base.training, "steps": steps}
        yield Cell(data, method, f"{option}={value}", options, training, seed)


def train(cell: Cell, metrics: str) -> None:
    """Train and measure a cell, or go on where it was stopped.

    That a training diverged is a result of its own, without scores. Another failure is told, and
    left for the next time.
    """
    try:
        folder = cell.run_folder()
        folder.parent.mkdir(parents=True, exist_ok=True)
        run = train_run(cell.config, folder, resume=True)
        (folder / "checkpoint.safetensors").unlink(missing_ok=True)
        evaluating.evaluate([str(folder)], Metrics(metrics=metrics))
        row = described(cell, run)
    except Diverged as error:
        print(f"{cell.folder}: {error}")
        row = {**identity(cell), "diverged": str(error), "scores": {}, "stats": {}}
    except UnbraidError as error:
        print(f"{cell.folder}: {error}")
        return
    write_json(cell.folder / ROW, row)


def row_of(cell: Cell) -> dict[str, Any] | None:
    """Return what the result holds of a cell, None if it is not trained and measured.

    One with other options, of an earlier version of this table, is none of this cell.
    """
    path, asked = cell.folder / ROW, identity(cell)
    own: list[dict[str, Any]] = [read_json(path)] if path.is_file() else []
    # a published value that is also tried is one training
    named = ({**row, "setting": cell.setting} for row in own + kept_rows())
    return next((row for row in named if {**row, **asked} == row), None)


@cache
def kept_rows() -> list[dict[str, Any]]:
    """Return the rows that the result had when this was started."""
    path = _common.RESULTS / "methods.json"
    rows: list[dict[str, Any]] = read_json(path)["rows"] if path.is_file() else []
    return rows


def identity(cell: Cell) -> dict[str, Any]:
    """Return what tells a cell from others; rows of an earlier objective of a method are none."""
    semantics = methods.model_of(methods.configure(cell.method)).semantics
    return {
        **({"semantics": semantics} if semantics > 1 else {}),
        "data": cell.data,
        "method": cell.method,
        "setting": cell.setting,
        "seed": cell.seed,
        "options": cell.options,
        "training": {k: v for k, v in cell.training.items() if k != "threads"},
    }


def described(cell: Cell, run: Run) -> dict[str, Any]:
    """Return what the result holds of a cell that is trained and measured."""
    told: dict[str, list[Any]] = {}
    for metric, score in run.scores().items():
        for part, each in (score.get("parts") or {"": score}).items():
            told[f"{metric} {part}".strip()] = [each["value"], each["standard_error"]]
    stats = run.result["reconstruction_stats"]
    return {
        **identity(cell),
        "scores": told,
        "stats": {k: stats[k] for k in ("reconstruction", "kl", "active_units") if k in stats},
        "gaussian_tc": gaussian_tc(run),
        "images_per_second": run.result["training"]["images_per_second"],
        "precision": run.result["training"]["precision"],
    }


def loops_of(data: str, names: list[str]) -> dict[str, Loop]:
    """Return a training of each method on one thread, of batches of 64 images.

    That of another setting is called by its method and setting.
    """
    dataset = load_dataset(data, **DATA[data])
    timed = {name: published(data, name, 0, steps=1000) for name in names}
    for name in names:
        timed |= {f"{name} {each.setting}": each for each in beside(data, name, 0, steps=1000)}
    loops = {}
    for name, cell in timed.items():
        training = TrainingConfig(**{**cell.training, "batch_size": 64})
        loops[name] = Loop(new_model(cell.config.method, dataset, 0), dataset, training, Recorder())
    return loops


def cells(given: argparse.Namespace) -> Iterator[Cell]:
    """Yield the trainings asked for."""
    for seed in given.seeds:
        for data in given.data:
            for method in given.methods:
                yield published(data, method, seed, given.steps)
                yield from beside(data, method, seed, given.steps)
    if given.tune:
        for seed in given.seeds:
            for data in given.data:
                for method in given.methods:
                    for value in METHODS[method][2]:
                        yield tried(data, method, seed, given.steps, value)


def everything(steps: int) -> list[dict[str, Any]]:
    """Return the rows of all that is trained and measured with so many steps."""
    found = []
    for data in DATA:
        for method in available():
            cells = [published(data, method, seed, steps) for seed in range(MOST_SEEDS)]
            for seed in range(MOST_SEEDS):
                cells += beside(data, method, seed, steps)
            settings = []
            for value in METHODS[method][2]:
                cells += [tried(data, method, seed, steps, value) for seed in range(MOST_SEEDS)]
                settings.append(cells[-1].setting)
            rows = [row for cell in cells if (row := row_of(cell))]
            found += [*rows, *_tuning.tuned(rows, settings, TUNED_BY)]
    return found


def available() -> list[str]:
    """Return the methods of the table that this version has."""
    return [name for name in METHODS if name in registry.names("methods")]


def write(given: argparse.Namespace, busy: float, measured: Costs) -> None:
    """Write all that is trained and measured by now, and what other parts wrote meanwhile."""
    costs = merged(measured, _common.RESULTS / "methods.json")
    rows = everything(given.steps)
    result = {
        # whichever parts were done one by one
        "command": f"python benchmarks/methods.py --steps {given.steps}",
        "load_before": busy,
        "steps": given.steps,
        "common": COMMON,
        "tuned by": TUNED_BY,
        "published": PUBLISHED,
        **costs,
        "rows": rows,
        "gates": _gates.evaluate(rows, costs[TIMES], costs[OPERATIONS]),
    }
    _common.write("methods", result)


def main() -> None:
    """Train and measure what is asked for, and write the result after each training."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = lambda text: [name.strip() for name in text.split(",")]  # noqa: E731
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument(
        "--seeds",
        type=lambda text: range(int(text)) if text.isdigit() else spec.seeds_of(text),
        default=range(5),
        help="how many, or which, as 3-4; 0 only writes the result",
    )
    parser.add_argument("--data", type=names, default=["shapes3d", "dsprites"])
    parser.add_argument("--methods", type=names, default=available())
    parser.add_argument("--metrics", default="all", help="as unbraid evaluate takes them")
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--speed", action="store_true")
    given = parser.parse_args()
    for kind, asked, known in (
        ("method", given.methods, available()),
        ("data set", given.data, DATA),
    ):
        if unknown := [name for name in asked if name not in known]:
            parser.error(f"there is no {kind} {unknown[0]}: they are {', '.join(known)}")
    busy = _common.load()
    measured: Costs = {TIMES: {}, OPERATIONS: {}}
    for data in given.data if given.speed else []:
        found = step_costs(loops_of(data, given.methods))
        measured[TIMES][data], measured[OPERATIONS][data] = found
    done = False
    for cell in cells(given):
        if row_of(cell) is None:
            print(cell.folder.relative_to(RUNS), cell.options, flush=True)
            train(cell, given.metrics)
            write(given, busy, measured)
            done = True
    if not done:
        write(given, busy, measured)


if __name__ == "__main__":
    main()
