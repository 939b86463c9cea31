"""The four autoencoders side by side on MNIST, and the pictures on their pages.

``python benchmarks/autoencoders.py`` runs the commands that the pages name, going on where it was
stopped, draws docs/images and writes benchmarks/results/autoencoders.json.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from unbraid.cli import main as unbraid
from unbraid.core.files import write_json
from unbraid.runs import Run

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "runs"
IMAGES = ROOT / "docs/images"
RESULT = ROOT / "benchmarks/results/autoencoders.json"

COMMON = "--data mnist --epochs 5"
COMPARED = {
    "ae": "ae",
    "vae": "vae",
    "beta-vae": "beta-vae --beta 6",
    "beta-tcvae": "beta-tcvae --beta 6",
}
TWO_LATENTS = {
    f"{name}-2-seed-{seed}": f"{name} --net mlp --latent-dim 2 --seed {seed}"
    for name in ("ae", "vae")
    for seed in (0, 1)
}
FIGURES = [
    *(("scatter", run, []) for run in TWO_LATENTS),
    ("sample", "ae-2-seed-0", ["--rows", "3"]),
    ("sample", "vae-2-seed-0", ["--rows", "3"]),
    ("traverse", "beta-vae", []),
    ("traverse", "beta-tcvae", []),
]


def train(run: str, command: str) -> None:
    """Train in a process of its own, so that its peak memory is its own."""
    script = Path(sys.executable).with_name("unbraid")
    out = RUNS / run
    subprocess.run(
        [script, "train", *f"{command} {COMMON}".split(), "--out", out, "--resume"], check=True
    )


def main() -> None:
    """Train, draw and write the results."""
    for run, command in {**COMPARED, **TWO_LATENTS}.items():
        train(run, command)
    for name, run, options in FIGURES:
        path = IMAGES / f"{run}-{name}.png"
        if unbraid([name, str(RUNS / run), "--out", str(path), *options]):
            sys.exit(f"unbraid {name} failed")
    found = {
        name: {"command": f"unbraid train {command} {COMMON}", **Run(RUNS / name).result}
        for name, command in COMPARED.items()
    }
    write_json(RESULT, found)
    for name, result in found.items():
        stats = result["reconstruction_stats"].items()
        print(name, {k: v for k, v in stats if isinstance(v, int | float)})


if __name__ == "__main__":
    main()
