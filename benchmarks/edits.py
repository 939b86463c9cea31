"""How exactly an edit changes what was asked and keeps the rest, with and without correction.

``python benchmarks/edits.py`` edits images that no model was trained on: renderings of digits by
the pretrained model, and real images by the run of benchmarks/control_data.py on MNIST with
measured factors, if it is there. The judge reads digits before and after, and measured factors are
measured. Writes benchmarks/results/edits.json.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _common import load, write
from numpy.typing import NDArray

import unbraid
from unbraid.control import Controller, loading, parse
from unbraid.control.assessment.judge import Judge
from unbraid.control.assessment.judge_cache import cached_judge
from unbraid.control.assessment.judge_data import judge_data
from unbraid.control.assessment.judge_training import Config as JudgeConfig
from unbraid.control.factor_distance import factor_difference
from unbraid.core.subsets import some_rows
from unbraid.datasets import load_dataset, remeasured
from unbraid.runs import Run

Read = Callable[[NDArray[Any]], NDArray[np.float64]]
IMAGES = 1000
MEASURED = Path(__file__).parent.parent / "runs/control/mnist-measured-1000"
CHANGES = {
    "digits": {
        "size": "4 px bigger",
        "x": "3 px further left",
        "angle": "turn 20 degrees clockwise",
        "thickness": "bolder",
    },
    "mnist": {
        "size": "2 px bigger",
        "slant": "upright",
        "thickness": "bolder",
        "length": "10% longer",
    },
}


def figures(
    controller: Controller, images: NDArray[Any], read: Read, text: str, factor: str, correct: bool
) -> dict[str, Any]:
    """Return how far the changed factor is from what was asked, and how much the others moved."""
    specs = controller.specs
    request = parse(text, specs, clip=True, relative=True)
    before = read(images)
    start = time.process_time()
    edited = unbraid.edit(images, text, model=controller, clip=True, correct=correct)
    seconds = time.process_time() - start
    after, wanted = read(edited), request.applied(specs, before)
    found: dict[str, Any] = {"milliseconds": round(1000 * seconds / len(images), 2)}
    for column, spec in enumerate(specs):
        if spec.kind == "categorical":
            same = after[:, column] == before[:, column]
            found[f"{spec.name} kept, %"] = round(100 * float(same.mean()), 1)
            continue
        away = np.abs(factor_difference(specs, wanted, after, column))
        key = "error" if spec.name == factor else f"{spec.name} moved"
        found[key] = round(float(np.nanmean(away)), 4)
    return found


def of_digits() -> tuple[Controller, NDArray[Any], Read]:
    """Return the pretrained model, renderings of the test split's handwriting and the judge."""
    data = load_dataset("digits", "test", canvas=32, n=IMAGES, stream=True)
    judge = Judge.load()
    return loading.open(loading.pretrained("digits")), data.images[np.arange(IMAGES)], judge.read


def of_mnist() -> tuple[Controller, NDArray[Any], Read]:
    """Return the run on measured MNIST, images no model has seen, and what reads them."""
    run = Run(MEASURED)
    data = judge_data(run.config.data, run.config.data_options, run.config.training.validation)
    judge = cached_judge(data, JudgeConfig())
    rows = some_rows(len(data.test), IMAGES)
    controller = loading.open(run)

    def read(images: NDArray[Any]) -> NDArray[np.float64]:
        return remeasured(images, controller.specs, judge.read(images))

    return controller, np.asarray(data.test.images[rows]), read


def main() -> None:
    """Measure both models."""
    sources = {"digits": of_digits}
    if (MEASURED / "result.json").is_file():
        sources["mnist"] = of_mnist
    result: dict[str, Any] = {"load": load(), "images": IMAGES, "data": {}}
    for name, source in sources.items():
        controller, images, read = source()
        units = {spec.name: spec.unit for spec in controller.specs}
        told: dict[str, Any] = {"units": units, "changes": {}}
        result["data"][name] = told
        for factor, text in CHANGES[name].items():
            told["changes"][text] = {"factor": factor} | {
                setting: figures(controller, images, read, text, factor, correct)
                for setting, correct in (("first draw", False), ("corrected", True))
            }
            print(name, text, told["changes"][text], flush=True)
    write("edits", result)


if __name__ == "__main__":
    main()
