"""Slurm: an array script, each element of which is a shard of the study.

Run folders are claimed by a lock of the file system, so that elements may be submitted again, and
any other scheduler may run the same shards.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic
from unbraid.studies.study import Study

SCRIPT = "slurm.sh"
MOST = 1000  # elements: the usual MaxArraySize is 1,001


def write_script(study: Study, target: str, root: Path, jobs: int) -> list[str]:
    """Write the script of a study's unfinished runs; return lines that say how to submit it.

    Args:
        study: its runs.
        target: the study's file or folder, as it was given.
        root: of the folders of studies and runs.
        jobs: elements that run at the same time; 0 leaves it to Slurm.

    Raises:
        UnbraidError: the folder's name or a share of a GPU is nothing that Slurm takes.
    """
    states = study.states()
    left = sum(
        state.status(cell) == "unfinished" for cell, state in zip(study.cells, states, strict=True)
    )
    if not left:
        return [f"all {len(study.cells)} runs are done"]
    shards = elements(len(study.cells))
    resources = study.spec.resources
    words = [sys.executable, "-m", "unbraid", "study", "run", os.path.abspath(target)]
    words += ["--root", os.path.abspath(root), "--jobs", "1"]
    command = f'{shlex.join(words)} --shard "$SLURM_ARRAY_TASK_ID/{shards}"'
    options = {
        "job-name": f"study-{study.name}",
        "array": f"0-{shards - 1}" + (f"%{jobs}" if jobs else ""),
        "cpus-per-task": str(resources.threads),
        # Slurm takes "%" and a letter as a place for a number
        "output": str(study.folder.absolute()).replace("%", "%%") + "/slurm-%a.out",
    }
    if resources.gpus:
        if resources.gpus != int(resources.gpus):
            raise UnbraidError(
                f"gpus of [resources] is {resources.gpus:g}, and Slurm gives a run whole GPUs: "
                "make it a whole number."
            )
        options["gres"] = f"gpu:{int(resources.gpus)}"
    if resources.seconds:
        # an attempt is ended by the study itself; this is for what comes before and after
        minutes = -(-int(resources.seconds) // 60) * -(-len(study.cells) // shards) + 10
        options["time"] = str(minutes)
    if any(ord(char) < 32 for value in options.values() for char in value):
        raise UnbraidError(f"{study.folder} has a name that no Slurm script can hold: rename it.")
    lines = ["#!/bin/bash"]
    lines += [f"#SBATCH --{name}={_quoted(value)}" for name, value in options.items()]
    lines += [f"export OMP_NUM_THREADS={resources.threads}", f"exec {command}"]
    path = study.folder / SCRIPT
    with atomic(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [
        f"{left} of {len(study.cells)} runs are left, in {shards} elements of an array",
        f"submit them with: sbatch {shlex.quote(str(path))}",
        f"afterwards: unbraid study table {shlex.quote(str(study.folder))}",
    ]


def elements(runs: int) -> int:
    """Return how many elements the array of so many runs has."""
    return min(runs, MOST)


def _quoted(value: str) -> str:
    """Return an option's value as Slurm reads it: as it is, or in double quotes.

    >>> _quoted("0-7%2"), _quoted("/my studies/a")
    ('0-7%2', '"/my studies/a"')
    """
    if not set(value) & set(" \"'#\\"):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
