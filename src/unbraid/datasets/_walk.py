"""Images or recordings below a folder, and the other files; unbraid's own output is no data."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from unbraid.core import recordings, registry
from unbraid.core.errors import UnbraidError
from unbraid.datasets._decode import PICTURES, SUFFIXES
from unbraid.datasets._table_files import SUFFIXES as TABLES

_SHEETS = (
    "generated",
    "edited",
    "swapped",
)  # default names of the files that generate, edit and swap write


class Media(NamedTuple):
    """What a folder is read for.

    Args:
        noun: of one, such as ``"image"``.
        suffixes: of the files that are read.
        common: those that a message names first, as text.
        unread: suffixes of files that cannot be read, which messages name.
        unread_noun: of one of those.
        advice: what to do with those.
    """

    noun: str
    suffixes: tuple[str, ...]
    common: str
    unread: frozenset[str]
    unread_noun: str
    advice: str


IMAGES = Media("image", SUFFIXES, ".png, .jpg", PICTURES, "picture", "convert them to PNG or JPEG")
RECORDINGS = Media(
    "recording",
    recordings.SUFFIXES,
    ".wav, .flac",
    recordings.UNREAD,
    "recording",
    "convert them to WAV or FLAC",
)
SHEETS = (".xlsx", ".xls", ".ods", ".numbers")  # of spreadsheets, which may hold labels
LOOKED_AT = 1000  # files by which it is decided what a folder holds


class Item(NamedTuple):
    """A file and its subfolder, ``""`` if it is in none."""

    path: Path
    label: str


@dataclass
class Skipped:
    """Files and folders in a folder of images or recordings that are not read."""

    root: Path
    media: Media = IMAGES
    outputs: list[Path] = field(default_factory=list)  # run and report folders, figures
    links: list[Path] = field(
        default_factory=list
    )  # to folders that are read anyway, or that contain them
    unread: list[Path] = field(default_factory=list)  # in formats that cannot be read
    tables: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    beside: list[Path] = field(default_factory=list)  # what is looked for, not in train or test

    @property
    def serious(self) -> bool:
        """Whether some of it may have been meant as data."""
        return bool(self.links or self.unread or self.tables or self.beside)

    def sentence(self) -> str:
        """Return one sentence on what was skipped, ``""`` for nothing."""
        parts = []
        if self.outputs:
            what = "run, report or figure" if len(self.outputs) == 1 else "runs, reports or figures"
            parts.append(
                f"{len(self.outputs):,} {what} written by unbraid ({self._named(self.outputs)})"
            )
        if self.unread:
            found, media = _suffixes(self.unread), self.media
            parts.append(
                f"{_count(self.unread, media.unread_noun)} in formats that are not supported "
                f"({found}; {media.advice})"
            )
        if self.links:
            links = f"{_count(self.links, 'link')} to folders that are read already"
            parts.append(f"{links} ({self._named(self.links)})")
        if self.beside:
            parts.append(
                f"{_count(self.beside, self.media.noun)} beside the folders train and test, the "
                f"only ones that are read where they exist ({self._named(self.beside)}; move them "
                "there to use them)"
            )
        sheets = [path for path in self.tables if path.suffix.lower() in SHEETS]
        if tables := [path for path in self.tables if path not in sheets]:
            parts.append(
                f"{_count(tables, 'table')} ({self._named(tables)}; to read labels from "
                "one, name it with labels, --data.labels)"
            )
        if sheets:
            parts.append(
                f"{_count(sheets, 'spreadsheet')} ({self._named(sheets)}; to read labels from one, "
                "save it as labels.csv)"
            )
        if self.others:
            parts.append(f"{_count(self.others, 'other file')} ({_suffixes(self.others)})")
        return f"{self.root}: skipped {', '.join(parts)}." if parts else ""

    def _named(self, paths: list[Path]) -> str:
        names = [_relative(path, self.root) for path in paths[:3]]
        return ", ".join(names) + (", ..." if len(paths) > 3 else "")


def items(root: Path, skipped: Skipped, roots: Sequence[Path]) -> list[Item]:
    """Return the image files or recordings below a folder, sorted by path.

    Hidden files and folders, run folders and report folders do not count. Links to folders are
    followed, unless they lead to a folder that is read anyway.

    Args:
        root: the folder; its subfolders are the labels.
        skipped: says what is looked for; what is skipped is added to it.
        roots: all folders that are read, this one and the other split's.

    Raises:
        UnbraidError: a folder that cannot be read, or no such files.
    """
    media = skipped.media
    files = _files(root, skipped, roots)
    found = sorted(file for file in files if file.suffix.lower() in media.suffixes)
    for file in sorted(files):
        suffix = file.suffix.lower()
        if suffix in media.unread:
            skipped.unread.append(file)
        elif suffix not in media.suffixes:
            (skipped.tables if suffix in (*TABLES, *SHEETS) else skipped.others).append(file)
    if not found:
        others = sorted({file.suffix or file.name for file in files})[:5]
        there = f"{len(files)} files ({', '.join(others)})" if files else "no files"
        rest = [each for each in media.suffixes if each not in (*media.common.split(", "), ".jpeg")]
        raise UnbraidError(
            f"found no {media.noun}s in {root}: it holds {there}, expected some in "
            f"{media.common} or another of the formats {', '.join(rest)}; "
            f"give the folder that holds the {media.noun}s, or convert them."
        )
    parents = [each.relative_to(root).parent.parts for each in found]
    return [
        Item(each, parts[0] if parts else "") for each, parts in zip(found, parents, strict=True)
    ]


def skip_beside(folders: Sequence[Path], skipped: Skipped) -> None:
    """Add to ``skipped`` what is looked for beside folders that alone are read."""
    for each in sorted(visible(skipped.root)):
        # what cannot be read is not data that was meant; a link in a circle is a RuntimeError
        with suppress(OSError, RuntimeError, UnbraidError):
            if each.is_symlink() or each in folders:  # a link may lead to what is read
                continue
            inside = [] if _is_figure(each) else [each]
            if each.is_dir():
                inside = _files(each, skipped, folders)
            wanted = (file for file in inside if file.suffix.lower() in skipped.media.suffixes)
            skipped.beside += sorted(file for file in wanted if not file.is_symlink())


def media_of(root: Path) -> Media:
    """Return what a folder is read for: recordings, if it holds more of them than of images.

    The first thousand of either decide, so that a large folder answers at once.
    """
    images = sounds = 0
    seen: set[Path] = set()
    for name, subfolders, names in os.walk(root, followlinks=True):
        folder = Path(name)
        # links are followed as in reading, each folder once, so that none leads in a circle
        if (place := folder.resolve()) in seen or (folder != root and is_output(folder)):
            subfolders[:] = []
            continue
        seen.add(place)
        subfolders[:] = sorted(each for each in subfolders if not _is_hidden(each))
        suffixes = [Path(each).suffix.lower() for each in sorted(names) if not _is_hidden(each)]
        images += sum(each in SUFFIXES for each in suffixes)
        sounds += sum(each in recordings.SUFFIXES for each in suffixes)
        if images + sounds >= LOOKED_AT:
            break
    return RECORDINGS if sounds > images else IMAGES


def visible(folder: Path) -> list[Path]:
    """Return the contents of a folder, without hidden files and run folders."""
    try:
        inside = [each for each in folder.iterdir() if not _is_hidden(each.name)]
    except OSError as error:
        raise _unreadable(error) from error
    return [each for each in inside if not (each.is_dir() and _holds_only_outputs(each))]


def unnested(root: Path, skipped: Skipped) -> Path:
    """Return the folder below ``root`` that is not the only entry of its parent."""
    if not root.is_dir():
        raise UnbraidError(
            f"{root} is not a folder: give the folder that holds the {skipped.media.noun}s."
        )
    while len(inside := visible(root)) == 1 and inside[0].is_dir():
        beside = (each for each in root.iterdir() if each.is_dir() and not _is_hidden(each.name))
        skipped.outputs += sorted(each for each in beside if each != inside[0])
        root = inside[0]
    return root


def _files(root: Path, skipped: Skipped, roots: Sequence[Path]) -> list[Path]:
    """Return all files below a folder that may be data."""
    leads_on = _Links(roots)
    files: list[Path] = []

    def stop(error: OSError) -> None:
        raise _unreadable(error) from error

    def walk(start: Path) -> None:
        for name, subfolders, names in os.walk(start, onerror=stop):
            folder = Path(name)
            if folder not in (root, skipped.root) and is_output(folder):
                skipped.outputs.append(folder)
                subfolders[:] = []
                continue
            kept = []
            for each in sorted(subfolders):
                if _is_hidden(each):
                    continue
                path = folder / each
                if not path.is_symlink():
                    kept.append(each)
                elif leads_on(path):
                    walk(path)
                else:
                    skipped.links.append(path)
            subfolders[:] = kept
            for each in sorted(names):
                path = folder / each
                if _is_hidden(each):
                    continue
                if folder in (root, skipped.root) and _is_figure(path):
                    skipped.outputs.append(path)
                else:
                    files.append(path)

    walk(root)
    return files


class _Links:
    """Whether a link leads to a folder that is not read yet, which is then added to those read."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.taken = [root.resolve() for root in roots]

    def __call__(self, link: Path) -> bool:
        target = link.resolve()
        for other in self.taken:
            if target.is_relative_to(other) or other.is_relative_to(target):
                return False
        self.taken.append(target)
        return True


def is_output(folder: Path) -> bool:
    """Whether a folder is a run's or a report's, by the content of its files."""
    path = folder / "config.json"
    try:
        config = None
        if path.is_file():  # a pipe would be waited for
            with path.open(encoding="utf-8-sig") as file:
                config = json.loads(file.read(1_000_000))
        if isinstance(config, dict) and {"unbraid", "method", "training"} <= config.keys():
            return True
    except (OSError, ValueError, RecursionError):
        pass
    path = folder / "index.html"
    if not path.is_file():
        return False
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return 'name="generator" content="unbraid' in file.read(2000)
    except OSError:
        return False


def _holds_only_outputs(folder: Path) -> bool:
    """Whether a folder, such as ``runs``, holds nothing but run folders and hidden files."""
    if is_output(folder):
        return True
    try:
        inside = [each for each in folder.iterdir() if not _is_hidden(each.name)]
    except OSError:
        return False
    return bool(inside) and all(each.is_dir() and is_output(each) for each in inside)


def _is_figure(path: Path) -> bool:
    """Whether a file is a figure or a sound that unbraid wrote under its default name."""
    names = (*registry.names("figures"), *_SHEETS)
    if path.stem not in names or not path.is_file():
        return False
    if path.suffix.lower() == ".wav":
        return recordings.is_own(path)
    if path.suffix.lower() != ".png":
        return False
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as image:
            software = str(image.info.get("Software", ""))
    except Exception:  # a broken file can make Pillow raise anything; reading reports it
        return False
    return software.startswith(("unbraid", "Matplotlib"))


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _unreadable(error: OSError) -> UnbraidError:
    return UnbraidError(
        f"cannot read {error.filename}: {error.strerror}, expected a folder that may be read; "
        "change its permissions, or give another one."
    )


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _count(things: list[Path], noun: str) -> str:
    return f"{len(things):,} {noun}{'' if len(things) == 1 else 's'}"


def _suffixes(paths: Iterable[Path]) -> str:
    counts = Counter(path.suffix.lower() or path.name for path in paths).most_common()
    listed = ", ".join(f"{count:,} {suffix}" for suffix, count in counts[:4])
    return listed + (", ..." if len(counts) > 4 else "")
