"""Train a judge of several data sets as ``unbraid judge`` does, and measure how well each reads.

``python benchmarks/judges.py`` writes benchmarks/results/judges.json, data set by data set; those
that were measured before are kept unless ``--again`` is given. Three to five core-minutes each.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from _common import RESULTS, load, write

from unbraid.control.assessment.judge_data import judge_data
from unbraid.control.assessment.judge_training import Config, train_judge
from unbraid.core.files import read_json

DATA: dict[str, tuple[str, dict[str, Any]]] = {
    "mnist": ("mnist", {}),
    "digits --data.canvas 32": ("digits", {"canvas": 32}),
    "dsprites": ("dsprites", {}),
}
VALIDATION = 0.1


def measured(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return what a judge of some data learns from, what it costs, and its errors."""
    images = judge_data(name, options, VALIDATION)
    columns = list(images.columns)
    specs = [images.dataset.specs[column] for column in columns]
    wall, cpu = time.perf_counter(), time.process_time()
    judge = train_judge(specs, images.train.images, images.train.factors[:, columns], Config())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    values = judge.heads.units.values(images.test.factors[:, columns])
    return {
        "learnt_from": len(images.train),
        "measured_on": len(images.test),
        "seconds": round(wall),
        "cpu_seconds": round(cpu),
        "errors": judge.errors_on(images.test.images, values),
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--again", action="store_true", help="measure what is measured already")
    given = parser.parse_args()
    path, before = RESULTS / "judges.json", load()
    for key in given.data:
        found = read_json(path)["data"] if path.is_file() else {}
        if key in found and not given.again:
            continue
        found[key] = measured(*DATA[key])
        kept = {each: found[each] for each in DATA if each in found}
        write("judges", {"validation": VALIDATION, "load_before": before, "data": kept})
        print(key, found[key], flush=True)


if __name__ == "__main__":
    main()
