"""Published files: where they are looked for, and a download that resumes and checks itself.

A file is looked for at the path the user gives, then in the data folder (``$UNBRAID_DATA``, or
``data`` in the cache folder). It is fetched only where the user asks for that.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from unbraid.core.errors import UnbraidError
from unbraid.core.files import cache_folder, cannot_write, expand

BLOCK = 1 << 20
TIMEOUT = 30.0  # seconds without a byte after which a connection is closed
TRIES = 3  # connections in a row without a byte after which the next mirror is tried
PAUSE = 1.0  # seconds before the second such connection, twice that before the third


@dataclass(frozen=True)
class RemoteFile:
    """One published file.

    Args:
        name: its name in the data folder.
        urls: its mirrors, tried in order; empty if it can only be fetched by hand.
        sha256: its SHA-256, None if not known.
        md5: its MD5, for files without a published SHA-256; it detects damage, not tampering.
        size: its length in bytes, None if not known.
        page: its web page.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    page: str = ""


class _Broken(Exception):
    """A mirror failed; the text says why."""


def data_folder() -> Path:
    """Return the folder of the user's data files: ``$UNBRAID_DATA``, or ``data`` in the cache."""
    if chosen := os.environ.get("UNBRAID_DATA"):
        return expand(chosen)
    return cache_folder() / "data"


def find(remote: RemoteFile) -> Path | None:
    """Return the file in the data folder, None if it is not there."""
    path = data_folder() / remote.name
    return path if path.is_file() else None


def locate(remote: RemoteFile, path: str | None, download: bool) -> Path:
    """Return where the file is: at ``path``, else in the data folder, else freshly downloaded.

    Args:
        remote: the file.
        path: the file, or its folder; None to look in the data folder.
        download: whether it may be fetched if it is not there.

    Raises:
        UnbraidError: it is not found, or no mirror delivered it complete; the message names the
            address and the folder to put it in.
    """
    if path is not None:
        given = expand(path)
        found = given / remote.name if given.is_dir() else given
        if not found.is_file():
            raise UnbraidError(f"there is no file {found}; {_by_hand(remote, given.parent)}.")
        return found
    if (here := find(remote)) is not None:
        return here
    if download and remote.urls:
        return fetch(remote, data_folder())
    ask = "fetch it with download=True (--data.download), or " if remote.urls else ""
    raise UnbraidError(
        f"{remote.name} is not in {data_folder()}: {ask}{_by_hand(remote, data_folder())}, "
        "or name it with path (--data.path)."
    )


def fetch(remote: RemoteFile, folder: Path) -> Path:
    """Download the file into ``folder``, complete or not at all; progress goes to stderr.

    Partial downloads are kept in ``<name>.part`` and resumed by HTTP Range, by the next attempt
    or by the next run. Where no checksum is known, the SHA-256 found is printed.
    """
    part, path = folder / f"{remote.name}.part", folder / remote.name
    failures = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for url in remote.urls:
            try:
                found = _download_checked(url, part, remote)
            except _Broken as broken:
                failures.append(f"{url}: {broken}")
                continue
            part.replace(path)
            if remote.sha256 is None:
                _print(f"{remote.name}: SHA-256 {found} (none is published to check it against)")
            return path
    except OSError as error:
        raise cannot_write(part, error) from error
    raise UnbraidError(
        f"could not download {remote.name} ({'; '.join(failures)}): check the connection and run "
        f"the same command again to resume, or {_by_hand(remote, folder)}."
    )


def _by_hand(remote: RemoteFile, folder: Path) -> str:
    return f"download {(*remote.urls, remote.page)[0]} by hand and put it in {folder}"


def _download_checked(url: str, part: Path, remote: RemoteFile) -> str:
    """Complete and check ``part`` from one mirror; return its SHA-256."""
    resumed = part.exists()
    _download_rest(url, part, remote)
    try:
        return _verify(part, remote)
    except _Broken:
        if not resumed:
            raise
    # The earlier part may be of another version of the file: download it again from the start.
    _download_rest(url, part, remote)
    return _verify(part, remote)


def _download_rest(url: str, part: Path, remote: RemoteFile) -> None:
    """Download the rest of ``part`` from one mirror, resuming broken connections."""
    without_progress = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            if _connect(url, part, remote):
                return
            reason = "the connection broke"
        except urllib.error.HTTPError as error:
            reason = f"HTTP {error.code} {error.reason}"
            if error.code < 500:  # a second request would fail, too
                raise _Broken(reason) from error
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise  # an error of the local file, not of the network
            reason = str(getattr(error, "reason", None) or error) or type(error).__name__
        after = part.stat().st_size if part.exists() else 0
        without_progress = 0 if after > before else without_progress + 1
        if without_progress == TRIES:
            raise _Broken(reason)
        time.sleep(PAUSE * without_progress)


def _connect(url: str, part: Path, remote: RemoteFile) -> bool:
    """Open one connection and append its bytes; return whether the file is now complete."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "unbraid"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        # No bytes follow those received: the file is complete, or it is a different file.
        if error.headers.get("Content-Range") == f"bytes */{have}":
            return True
        part.unlink()
        return False
    with response:
        resumed = response.status == 206
        start = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = remote.size if length is None else start + int(length)
        with part.open("ab" if resumed else "wb") as file:
            received = _copy(response, file, start, total, remote.name)
    return total is None or received >= total


def _copy(
    response: http.client.HTTPResponse, file: IO[bytes], start: int, total: int | None, name: str
) -> int:
    """Copy the response to the file and return the length reached."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    reached = start
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=total, completed=start)
        while block := response.read(BLOCK):
            try:
                file.write(block)
            except OSError as error:
                raise OSError(error.errno, error.strerror, file.name) from error
            reached += len(block)
            progress.update(task, completed=reached)
    return reached


def _verify(part: Path, remote: RemoteFile) -> str:
    """Return the SHA-256 of the download; a wrong length or checksum drops it."""
    size = part.stat().st_size
    wrong = None
    if remote.size is not None and size != remote.size:
        wrong = f"it has {size} bytes, expected {remote.size}"
    found = _digest(part, "sha256")
    if remote.sha256 is not None and found != remote.sha256:
        wrong = f"its SHA-256 is {found}, expected {remote.sha256}"
    elif remote.sha256 is None and remote.md5 is not None:
        md5 = _digest(part, "md5")
        if md5 != remote.md5:
            wrong = f"its MD5 is {md5}, expected {remote.md5}"
    if wrong is not None:
        part.unlink()
        raise _Broken(f"what was downloaded is not the published file ({wrong})")
    return found


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()


def _print(text: str) -> None:
    from rich.console import Console

    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)
