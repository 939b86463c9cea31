"""Trained models to pass on: whole folders with a model card, and the Hugging Face Hub.

Such a folder is a run folder without its checkpoint, so every command and figure takes it. Nothing
in it is code: weights are safetensors, and the rest is JSON, pictures and text.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, expand, write_json
from unbraid.core.store import locked
from unbraid.datasets import PATHS
from unbraid.hub.card import model_card
from unbraid.runs import Run

CONFIG = "config.json"
RESULT = "result.json"
CARD = "README.md"
NEEDED = ("model.safetensors", RESULT)
# Of what a run folder may hold besides: the history, held-out images, estimates for requests.
BESIDE = ("metrics.jsonl", "held_out.npz", "control.json", "control.safetensors")
PICTURES = ("reconstruct", "traverse", "sample")  # drawn for the card
_CLIENTS = ("huggingface_hub", "httpx", "httpx2", "httpcore", "httpcore2", "requests")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def save_pretrained(
    run: Run,
    folder: str | os.PathLike[str],
    *,
    repository: str = "",
    pictures: str | Sequence[str] = PICTURES,
) -> Path:
    """Write a finished run as a folder to pass on, with a model card ``README.md``.

    Paths of this machine, that of the folder too, are reduced to their last part. Where a user's
    own data are, is said by ``Run(folder, data=...)`` and ``--data`` then.

    Args:
        run: a finished run.
        folder: where to; it must not hold a run, nor another file of the names that are written.
        repository: the name on the Hub that the card tells to load.
        pictures: figures that the card shows; those that the run's data or method do not allow
            are left out.

    Returns:
        The folder.

    Raises:
        UnbraidError: the run is not finished, or the folder holds such files or cannot be written.
    """
    folder = expand(folder)
    if not run.finished:
        raise UnbraidError(
            f"{run.folder} is not finished: continue it with unbraid train ... --resume."
        )
    for name in (CONFIG, *NEEDED):
        if not (run.folder / name).is_file():
            raise UnbraidError(
                f"{run.folder / name} is missing: save a model in memory with unbraid.save first."
            )
    pictures = [pictures] if isinstance(pictures, str) else list(pictures)
    for picture in pictures:
        registry.check("figures", picture)
    with locked(folder):
        if (folder / CONFIG).exists():
            raise UnbraidError(f"{folder} already holds a run: choose another folder.")
        for name in (*NEEDED, *BESIDE, CARD, *(f"{picture}.png" for picture in pictures)):
            if (folder / name).exists():  # such as the README of a project
                raise UnbraidError(
                    f"{folder} already holds a {name}, expected a new folder: choose another one, "
                    "or move that file away."
                )
        for name in (*NEEDED, *BESIDE):
            if name == RESULT:
                write_json(folder / name, _without_folders(run.result))
            elif (run.folder / name).is_file():
                with atomic(folder / name) as temporary:
                    shutil.copyfile(run.folder / name, temporary)
        drawn = _draw(run, folder, pictures)
        with atomic(folder / CARD) as temporary:
            card = model_card(run, repository or folder.absolute().name, drawn)
            temporary.write_text(card, encoding="utf-8")
        write_json(folder / CONFIG, _without_paths(run.json))  # last: it makes it a run folder
    return folder


def from_pretrained(
    source: str | os.PathLike[str],
    *,
    revision: str | None = None,
    token: str | None = None,
    data: str | os.PathLike[str] = "",
) -> Run:
    """Open a run that ``save_pretrained`` or ``push_to_hub`` wrote.

    Args:
        source: a folder, or a repository of the Hugging Face Hub, ``"owner/name"``; it is
            downloaded into the cache of huggingface_hub once.
        revision: branch, tag or commit of the repository.
        token: for a private repository; that of ``hf auth login`` if not given.
        data: the path of the run's data, if they are the user's own.

    Returns:
        The run; ``run.model()`` is its model.

    Raises:
        UnbraidError: neither is there, or it does not hold a run.

    >>> run = from_pretrained("runs/first")  # doctest: +SKIP
    """
    folder = expand(source)
    name = os.fspath(source)
    if not folder.exists() and _REPOSITORY.fullmatch(name):
        with _sentences(f"download {name}"):
            files = [CONFIG, *NEEDED, *BESIDE]
            found = _api(token).snapshot_download(name, revision=revision, allow_patterns=files)
        folder = Path(found)
        if not (folder / CONFIG).is_file():
            raise UnbraidError(
                f"the repository {name} holds no run of unbraid: expected a {CONFIG} in it, as "
                "run.push_to_hub writes."
            )
    return Run(folder, data=data)


def push_to_hub(
    run: Run,
    repository: str,
    *,
    private: bool | None = None,
    token: str | None = None,
    message: str = "Upload a run of unbraid",
    pictures: str | Sequence[str] = PICTURES,
) -> str:
    """Upload a finished run to the Hugging Face Hub, with its model card.

    Args:
        run: a finished run.
        repository: ``"owner/name"``; it is made if it does not exist.
        private: whether to make it private.
        token: with the right to write; that of ``hf auth login`` if not given.
        message: of the commit.
        pictures: as of ``save_pretrained``.

    Returns:
        The address of the repository.

    Raises:
        UnbraidError: the run is not finished, huggingface_hub is not installed, or the Hub
            refuses.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise UnbraidError(f"the repository is '{repository}', expected 'owner/name'.")
    api = _api(token)
    with tempfile.TemporaryDirectory() as scratch:
        folder = save_pretrained(
            run, Path(scratch) / "run", repository=repository, pictures=pictures
        )
        with _sentences(f"upload {run.folder} to {repository}"):
            made = api.create_repo(repository, private=private, exist_ok=True)
            api.upload_folder(repo_id=repository, folder_path=folder, commit_message=message)
    return str(made)


def _draw(run: Run, folder: Path, pictures: Sequence[str]) -> list[str]:
    """Draw figures into a folder; return the names of those that the run has."""
    from unbraid import figures

    drawn = []
    for name in pictures:
        try:
            figures.write(name, run, folder / f"{name}.png")
        except UnbraidError:  # no such figure of this method, or its data are not here
            continue
        drawn.append(name)
    return drawn


def _without_paths(config: dict[str, Any]) -> dict[str, Any]:
    """Return the content of config.json with paths reduced to their last part."""
    data = {
        name: Path(value).name if name in PATHS and isinstance(value, str) else value
        for name, value in config["data"].items()
    }
    return {**config, "data": data}


def _without_folders(result: dict[str, Any]) -> dict[str, Any]:
    """Return the content of result.json with the folders of compared runs reduced likewise."""
    scores = {
        key: {**score, "compared_with": [Path(other).name for other in score["compared_with"]]}
        if "compared_with" in score
        else score
        for key, score in result.get("scores", {}).items()
    }
    return {**result, **({"scores": scores} if scores else {})}


def _api(token: str | None) -> Any:
    """Return the client of the Hub."""
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise UnbraidError(
            "the Hugging Face Hub needs huggingface_hub: install it with "
            "pip install 'unbraid[hub]'."
        ) from error
    return hub.HfApi(token=token)


@contextmanager
def _sentences(what: str) -> Iterator[None]:
    """Report in one sentence what the Hub refused."""
    try:
        yield
    except Exception as error:
        # the errors of the client, of HTTP and of the network have no common base
        theirs = type(error).__module__.partition(".")[0] in _CLIENTS
        if not theirs and not isinstance(error, OSError | ValueError):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnbraidError(
            f"cannot {what} ({reason[:300]}): check the name, your permissions (hf auth login) and "
            "the network."
        ) from error
