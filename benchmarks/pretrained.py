"""Make the model that comes with the package out of a run of benchmarks/control.py.

``python benchmarks/pretrained.py [RUN]`` takes a finished run, by default the one that was told all
labels, halves its weights' precision, and writes src/unbraid/pretrained/digits with the command and
seed that made it and its figures of benchmarks/results/control.json.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from _common import RESULTS

from unbraid.core.files import read_json, write_json
from unbraid.core.store import read_tensors, write_tensors
from unbraid.runs import Run

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "src/unbraid/pretrained/digits"
MOST = 3_000_000  # bytes


def main() -> None:
    """Write the pretrained model and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    given = ROOT / "runs/control/conditional-vae-all-seed-0"
    parser.add_argument("run", type=Path, nargs="?", default=given)
    run = Run(parser.parse_args().run)
    row, seed = run.folder.name.rsplit("-seed-", 1)
    found = read_json(RESULTS / "control.json")["rows"][row]
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(run.folder / "config.json", FOLDER / "config.json")
    weights, metadata = read_tensors(run.folder / "model.safetensors")
    halved = {name: value.half() for name, value in weights.items()}
    write_tensors(FOLDER / "model.safetensors", halved, metadata)
    figures = found["seeds"][seed]["report"]["figures"]
    command = found["command"].rsplit(" --seed ", 1)[0] + f" --seed {seed}"
    result = run.result | {"command": command, "control": figures}
    write_json(FOLDER / "result.json", result)
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{FOLDER.relative_to(ROOT)}: {size / 1e6:.2f} MB")
    if size > MOST:
        raise SystemExit(f"it is larger than {MOST / 1e6:g} MB: choose a narrower model.")


if __name__ == "__main__":
    main()
