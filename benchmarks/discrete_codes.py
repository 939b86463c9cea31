"""How well InfoGAN and JointVAE find the digit by themselves, and what their other codes do.

``python benchmarks/discrete_codes.py`` trains five seeds of each on MNIST, one thread a process,
going on where it was stopped, and writes benchmarks/results/discrete_codes.json. ``--methods`` and
``--seeds`` do a part: parts may run side by side, and each writes what there is by then. With no
seed at all it only writes that; seeds whose runs are not here stay as the result has them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from _choices import restarts
from _common import RESULTS, load, machine, write

from unbraid.cli import main as unbraid
from unbraid.core.files import read_json, write_json
from unbraid.evaluation import scores as scoring
from unbraid.methods import Method
from unbraid.runs import Run
from unbraid.runs.restarts import score
from unbraid.strokes import MEASURES, rank_correlations

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "runs/discrete-codes"
IMAGES = ROOT / "docs/images"
DRAWN = 5000  # images whose strokes are measured
SEEDS = range(5)

RECIPES = {
    "infogan": "unbraid train infogan --data mnist --channels 32 --hidden 256 --invariance 1"
    " --steadiness 2 --sparseness 0.2 --epochs 8",
    "joint-vae": "unbraid train joint-vae --data mnist --invariance 500 --discrete-epochs 2"
    " --capacity-epochs 5 --epochs 12",
    "joint-vae-published": "unbraid train joint-vae --recipe dupont2018",
}
PICTURED = ("infogan", "joint-vae")  # with a traversal on their pages

TARGETS = {
    "infogan": {"accuracy": 0.95, "slant": 0.8, "stroke width": 0.8, "minutes": 15},
    "joint-vae": {"accuracy": 0.887},
    "joint-vae-published": {"accuracy": 0.887},
}


def folder(method: str, seed: int) -> Path:
    """Return where a seed's run lies."""
    return RUNS / f"{method}-{seed}"


def train(method: str, seed: int) -> Run:
    """Train in a process of its own, on one thread, or go on where it was stopped."""
    script = Path(sys.executable).with_name("unbraid")
    options = ["--seed", str(seed), "--threads", "1", "--out", str(folder(method, seed))]
    command = [str(script), *RECIPES[method].split()[1:], *options, "--resume"]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return Run(folder(method, seed))


def correlations(model: Method) -> dict[str, dict[str, list[float]]]:
    """Return Spearman's rho of each continuous code with each measure of what is drawn.

    Codes and noise come from their priors. ``within`` ranks images among those of their category:
    what the code does to a digit, whichever it is. ``over all`` ranks all of them.
    """
    codes, images = (part.numpy() for part in model.draw_with_codes(DRAWN, seed=0))
    categories = model.layout.categories[0]
    category, continuous = codes[:, :categories].argmax(1), codes[:, categories:]
    return {
        name: {
            "within": np.round(rank_correlations(continuous, found, category), 4).tolist(),
            "over all": np.round(rank_correlations(continuous, found), 4).tolist(),
        }
        for name, found in ((name, measure(images)) for name, measure in MEASURES.items())
    }


def best_pair(rho: dict[str, dict[str, list[float]]]) -> dict[str, float]:
    """Return |rho| of slant on one code and stroke width on another, the pair of the largest sum.

    >>> best_pair({"slant": {"within": [0.9, 0.2]}, "stroke width": {"within": [0.8, -0.7]}})
    {'slant': 0.9, 'stroke width': 0.7}
    """
    slant, width = (np.nan_to_num(np.abs(rho[name]["within"])) for name in MEASURES)
    pairs = [(i, j) for i in range(len(slant)) for j in range(len(width)) if i != j]
    if not pairs:
        return dict.fromkeys(MEASURES, 0.0)
    i, j = max(pairs, key=lambda pair: slant[pair[0]] + width[pair[1]])
    return dict(zip(MEASURES, (float(slant[i]), float(width[j])), strict=True))


def measure(run: Run) -> dict[str, Any]:
    """Return a seed's figures; accuracies are of MNIST's test images."""
    model = run.model()
    asked = scoring.Config(metrics="clustering-accuracy")
    accuracy = scoring.measure(model, run.dataset("test"), asked)["clustering-accuracy"]
    rho = correlations(model)
    return {
        "seed": run.config.training.seed,
        "one-to-one": accuracy.parts["one-to-one (Hungarian)"].value,
        "majority": accuracy.parts["majority vote"].value,
        "digits without a category": sorted(
            set(range(10)) - set(majority(accuracy.detail["table"]))
        ),
        "match": accuracy.detail["match"].tolist(),
        "correlations": rho,
        "restart score": score(run),
        "seconds": run.result["training"]["seconds"],
    }


def majority(table: np.ndarray) -> list[int]:
    """Return the most frequent digit of each category: one that is none's shares another's."""
    return [int(label) for label in table.argmax(axis=1)]


def summary(method: str, seeds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return medians and spread over seeds, what restarts would keep, and which targets are met."""
    accuracy = np.array([seed["one-to-one"] for seed in seeds])
    values = {
        "accuracy": accuracy,
        "majority": np.array([seed["majority"] for seed in seeds]),
        "minutes": np.array([seed["seconds"] / 60 for seed in seeds]),
    } | {name: np.array([seed["strokes"][name] for seed in seeds]) for name in MEASURES}
    found = {
        name: {
            "median": round(float(np.median(each)), 4),
            "mean": round(float(each.mean()), 4),
            "sd": round(float(each.std(ddof=1)), 4) if len(each) > 1 else None,
            "lowest": round(float(each.min()), 4),
            "highest": round(float(each.max()), 4),
        }
        for name, each in values.items()
    }
    met = {
        name: found[name]["median"] <= aim if name == "minutes" else found[name]["median"] >= aim
        for name, aim in TARGETS[method].items()
    }
    whole = np.array([not seed["digits without a category"] for seed in seeds])
    return {
        "over seeds": found,
        "failed seeds": int((~whole).sum()),
        "restarts": restarts(accuracy, np.array([seed["restart score"] for seed in seeds]), whole),
        "targets": TARGETS[method],
        "met": met,
    }


def collect(load_before: float, trained: bool) -> dict[str, Any]:
    """Gather what has been measured by now, of all methods and seeds, and write it.

    Args:
        load_before: of the machine.
        trained: whether something has been; else the machine stays the one of the result.
    """
    path = RESULTS / "discrete_codes.json"
    stored = read_json(path) if path.is_file() else {}
    here = {"machine": machine(), "load_before": load_before}
    found: dict[str, Any] = {
        "command": "python benchmarks/discrete_codes.py",  # whichever parts were done one by one
        **{name: here[name] if trained else stored.get(name, here[name]) for name in here},
    }
    for method in RECIPES:
        rows = {seed["seed"]: seed for seed in stored.get(method, {}).get("seeds", [])}
        for seed in SEEDS:
            if (measured := folder(method, seed) / "measured.json").is_file():
                rows[seed] = read_json(measured)
        seeds = [rows[seed] for seed in sorted(rows)]
        seeds = [seed | {"strokes": best_pair(seed["correlations"])} for seed in seeds]
        if seeds:
            found[method] = {
                "command": RECIPES[method],
                "seeds": seeds,
                **summary(method, seeds),
            }
    write("discrete_codes", found)
    return found


def draw(found: dict[str, Any]) -> None:
    """Draw what the pages show: a traversal of the seed that restarts would keep."""
    for method in PICTURED:
        if method in found:
            seed = found[method]["seeds"][found[method]["restarts"]["kept"]]["seed"]
            if not (folder(method, seed) / "measured.json").is_file():
                continue  # trained elsewhere
            path = IMAGES / f"{method}-traverse.png"
            if unbraid(["traverse", str(folder(method, seed)), "--rows", "2", "--out", str(path)]):
                sys.exit("unbraid traverse failed")


def show(found: dict[str, Any]) -> None:
    """Print every seed and the summary."""
    for method in RECIPES:
        if method not in found:
            continue
        print(f"\n{found[method]['command']}")
        print("seed  one-to-one  majority   slant   width  minutes  restart score  missing digits")
        for seed in found[method]["seeds"]:
            strokes = seed["strokes"]
            print(
                f"{seed['seed']:4}  {seed['one-to-one']:10.4f}  {seed['majority']:8.4f}"
                f"  {strokes['slant']:6.3f}  {strokes['stroke width']:6.3f}"
                f"  {seed['seconds'] / 60:7.1f}  {seed['restart score']:13.4f}"
                f"  {seed['digits without a category'] or ''}"
            )
        for name, each in found[method]["over seeds"].items():
            print(f"{name}: {each}")
        print("restarts:", found[method]["restarts"])
        print("targets:", found[method]["targets"], "met:", found[method]["met"])


def main() -> None:
    """Train and measure the seeds asked for, then write and show all there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", choices=list(RECIPES), default=list(RECIPES))
    parser.add_argument("--seeds", nargs="*", type=int, default=list(SEEDS))
    options = parser.parse_args()
    before = load()
    for method in options.methods:
        for seed in options.seeds:
            run = train(method, seed)
            write_json(run.folder / "measured.json", measure(run))
    found = collect(before, bool(options.seeds))
    draw(found)
    show(found)


if __name__ == "__main__":
    main()
