"""Whether the code of another package's method has changed since its runs were trained.

A method's options and its ``semantics`` are what a run's identity is of. Those of unbraid raise the
latter with each change of an objective; of other packages, ``code.json`` in the run's folder holds
a hash of the file that defines the method.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path

from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.files import read_object, write_json
from unbraid.studies.cells import RESULT, Cell
from unbraid.studies.study import Study

CODE = "code.json"


def record_code(folder: Path, cell: Cell) -> None:
    """Write the hash of the code that a run is about to be trained by, if another package's."""
    if (folder / RESULT).is_file():  # it is trained already
        return
    # what continues was begun by the code that is recorded
    continues = (folder / "checkpoint.safetensors").is_file() and (folder / CODE).is_file()
    if not continues and (found := registry.source_hash("methods", cell.method)):
        write_json(folder / CODE, {"method": found})


def changed_code(study: Study) -> list[str]:
    """Return a sentence on each method whose code has changed since runs of it were trained."""
    now = {
        method: registry.source_hash("methods", method)
        for method in dict.fromkeys(cell.method for cell in study.cells)
    }
    counts: Counter[str] = Counter()
    for cell in study.cells:
        folder = study.run_folder(cell)
        if not now[cell.method] or not (folder / RESULT).is_file():
            continue
        with suppress(UnbraidError, LookupError):  # of runs of earlier versions, which tell nothing
            counts[cell.method] += read_object(folder / CODE)["method"] != now[cell.method]
    return [
        f"the code of {method} has changed since {count} run{'s were' if count > 1 else ' was'} "
        f"trained: give its Model a higher `semantics` to train {'them' if count > 1 else 'it'} "
        "again"
        for method, count in counts.items()
        if count
    ]
