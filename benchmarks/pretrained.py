"""Make the models that come with the package out of runs of their benchmarks.

``python benchmarks/pretrained.py [RUN]`` takes a finished run of benchmarks/control.py, or with
``--kind speech`` of benchmarks/speech_control.py, by default the one that was told all labels. It
halves its weights' precision, and writes src/unbraid/pretrained/digits (or speech) with the command
and seed that made it and its figures of the benchmark's result.
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
FOLDER = ROOT / "src/unbraid/pretrained"
MOST = {"digits": 3_000_000, "speech": 4_000_000}  # bytes
BENCHMARKS = {"digits": "control", "speech": "speech_control"}


def main() -> None:
    """Write the pretrained model and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--kind", choices=list(BENCHMARKS), default="digits")
    given = parser.parse_args()
    default = ROOT / "runs" / {"digits": "control"}.get(given.kind, given.kind)
    run = Run(given.run or default / "conditional-vae-all-seed-0")
    row, seed = run.folder.name.rsplit("-seed-", 1)
    found = read_json(RESULTS / f"{BENCHMARKS[given.kind]}.json")["rows"][row]
    folder = FOLDER / given.kind
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(run.folder / "config.json", folder / "config.json")
    weights, metadata = read_tensors(run.folder / "model.safetensors")
    halved = {name: value.half() for name, value in weights.items()}
    write_tensors(folder / "model.safetensors", halved, metadata)
    measured = found["seeds"][seed]
    command = measured.get("command", found.get("command", ""))
    command = command.rsplit(" --seed ", 1)[0] + f" --seed {seed}"
    result = run.result | {"command": command, "control": measured["report"]["figures"]}
    write_json(folder / "result.json", result)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder.relative_to(ROOT)}: {size / 1e6:.2f} MB")
    if size > MOST[given.kind]:
        raise SystemExit(f"it is larger than {MOST[given.kind] / 1e6:g} MB: choose a narrower one.")


if __name__ == "__main__":
    main()
