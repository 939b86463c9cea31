"""The end of a training: the model's files, its results, and the machine that made them."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

import unbraid
from unbraid import methods
from unbraid.core import hardware
from unbraid.core.files import not_finite, write_json
from unbraid.core.store import write_tensors
from unbraid.evaluation import reconstruction
from unbraid.runs.results import STATS, trained_on, update_result
from unbraid.runs.run import Run
from unbraid.training import Diverged, Loop


def finish(folder: Path, loop: Loop, described: dict[str, Any]) -> None:
    """Write the finished model and its result.json, which says that all files are there.

    An earlier, shorter training of the folder stays complete until config.json is written, which
    names the new end. From then until result.json is written, the run counts as unfinished.

    Args:
        folder: the run folder.
        loop: at the end of its training.
        described: the new content of config.json.

    Raises:
        Diverged: the model gives something that is not finite; nothing is written.
    """
    run = Run(folder)
    unseen = run.unseen()
    with hardware.autocast(loop.device, loop.precision):
        stats = reconstruction.reconstruction_stats(loop.model.eval(), unseen.images)
    progress, training = loop.progress, loop.config
    if name := not_finite(stats):  # nothing shows it before where no images are held out
        raise Diverged(
            f"training stopped: {name} of {len(unseen):,} images ({unseen.split}) is not finite "
            f"after the last step, {progress.step:,}: try a lower lr, precision f32, or look for "
            "broken images.",
            progress.step,
        )
    result = {
        "method": methods.name_of(run.config.method),
        "data": {"name": run.config.data, "split": unseen.split, **trained_on(unseen)},
        STATS: stats,
        "training": {
            "seconds": round(progress.seconds, 2),
            "images_per_second": round(
                progress.step * training.batch_size / max(progress.seconds, 1e-9), 1
            ),
            "epochs": training.epochs,
            "steps": progress.step,
            "precision": str(loop.precision).removeprefix("torch."),
            "peak_memory_mb": peak_memory_mb(),
        },
        "machine": machine(loop.device),
    }
    if run.json != described:
        write_json(folder / "config.json", described)
    write_tensors(folder / "model.safetensors", loop.model.state_dict(), {"format": "pt"})
    update_result(folder, lambda before: result)  # scores of an earlier model are dropped


def machine(device: torch.device) -> dict[str, Any]:
    """Return the versions and the kind of machine that numbers were measured with."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "unbraid": unbraid.__version__,
        "system": platform.system(),
        "device": f"{device.type} ({name})",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def peak_memory_mb() -> int | None:
    """Return the process's peak resident memory in MB, None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)
