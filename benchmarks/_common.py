"""What every benchmark says of where it ran, and how it writes its result."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from unbraid.core import hardware
from unbraid.core.files import write_json
from unbraid.runs import machine as versions

RESULTS = Path(__file__).parent / "results"
CPU = torch.device("cpu")


def machine() -> dict[str, Any]:
    """Return versions and the class of machine."""
    found = versions(CPU) | {"bf16 in hardware": hardware.has_bf16(CPU)}
    found["vector instructions"] = torch.backends.cpu.get_cpu_capability()
    return found | {name: version(name) for name in ("scipy", "scikit-learn")}


def load() -> float:
    """Return the one-minute load average: what others ask of the machine."""
    return round(os.getloadavg()[0], 2)


def write(name: str, result: dict[str, Any]) -> None:
    """Write benchmarks/results/NAME.json with the command and the machine."""
    options = [Path(arg).name if Path(arg).is_absolute() else arg for arg in sys.argv[1:]]
    command = " ".join(["python", f"benchmarks/{name}.py", *options])
    write_json(RESULTS / f"{name}.json", {"command": command, "machine": machine(), **result})
