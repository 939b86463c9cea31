"""Limits on what files from elsewhere may claim, checked before memory is set aside for it.

A header of a few bytes can promise terabytes. Whatever a file declares is held against the length
it has and the memory of the machine.
"""

from __future__ import annotations

import gzip
import math
import os
from collections.abc import Sequence
from io import BufferedIOBase
from pathlib import Path
from tokenize import TokenError
from typing import IO, TYPE_CHECKING, Any
from zipfile import ZipFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.lib.npyio import NpzFile

TENSORS_HEADER = 10 << 20  # bytes; that of a model of a thousand tensors has 0.1 MB
JSON = 100 << 20  # bytes
PIXELS = 1 << 26  # of a picture, 8,192 by 8,192: with transparency it takes 0.8 GB to decode
EXACT = 2**53  # whole numbers; float64 rounds larger ones, so that different ones become equal
BLOCK = 1 << 24  # bytes read at once

# What Pillow may take a picture for, whatever its name ends in. Others are left out on purpose:
# to show PostScript, Pillow starts Ghostscript.
FORMATS = ("PNG", "JPEG", "JPEG2000", "BMP", "DIB", "GIF", "TIFF", "WEBP", "TGA", "PPM", "ICO")


class Implausible(ValueError):
    """A file claims what cannot be; the text says what, to stand within a sentence."""


def check_memory(count: int) -> None:
    """Raise Implausible if ``count`` bytes are more than the memory of the machine."""
    try:
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return
    if count > there:
        raise Implausible(
            f"what it holds takes {count / 1e9:.4g} GB, and this machine has {there / 1e9:.4g} GB"
        )


def check_json(path: Path) -> None:
    """Raise Implausible if a JSON file is longer than any of ours."""
    if (size := path.stat().st_size) > JSON:
        raise Implausible(f"it has {size / 1e6:,.0f} MB, expected {JSON >> 20} MB at most")


def check_tensors(path: Path) -> None:
    """Raise Implausible if a safetensors file's header is longer than itself, or than any of ours.

    That tensors lie within the file, side by side, and are as long as their shapes say, the
    safetensors library sees to.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8:
        raise Implausible(f"its header says {length:,} bytes, and the file has {size:,}")
    if length > TENSORS_HEADER:
        raise Implausible(f"its header has {length:,} bytes, expected {TENSORS_HEADER:,} at most")
    check_memory(size)


def check_pixels(size: Sequence[int]) -> None:
    """Raise Implausible if a picture of (width, height) is too large to decode."""
    if math.prod(size) > PIXELS:
        raise Implausible(
            f"it has {size[0]:,} by {size[1]:,} pixels, expected {PIXELS:,} in all at most"
        )


def check_array(file: NpzFile, key: str) -> None:
    """Raise Implausible unless an array of a ``.npz`` file is as long as its header says.

    Raises:
        ValueError: its header cannot be read.
    """
    from numpy.lib import format as npy

    archive = file.zip
    assert isinstance(archive, ZipFile)
    name = key if key in archive.namelist() else f"{key}.npy"
    stored = archive.getinfo(name).file_size  # no more than that is ever unpacked
    with archive.open(name) as member:
        if member.read(len(npy.MAGIC_PREFIX)) != npy.MAGIC_PREFIX:
            check_memory(stored)
            return  # not an array
    with archive.open(name) as member:
        shape, dtype = array_header(member)
        start = member.tell()
    if dtype.hasobject:
        return  # refused by numpy, as pickle
    declared = math.prod(shape) * dtype.itemsize
    if declared != stored - start:
        raise Implausible(
            f"'{key}' has {stored - start:,} bytes, but its header says {declared:,} for the shape "
            f"{shape}"
        )
    check_memory(declared)


def check_npy(path: Path) -> None:
    """Raise Implausible unless the array of a ``.npy`` file is as long as its header says.

    Raises:
        ValueError: its header cannot be read.
    """
    with path.open("rb") as file:
        shape, dtype = array_header(file)
        stored = path.stat().st_size - file.tell()
    declared = math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and declared != stored:  # numpy refuses objects, as pickle
        raise Implausible(
            f"it has {stored:,} bytes, but its header says {declared:,} for the shape {shape}"
        )
    check_memory(stored)


def array_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read the header of an array in NumPy's format; return its shape and type.

    Raises:
        ValueError: it is no such header.
    """
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    # of version 3.0 it reads all but names of fields, which no data set has
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    try:
        shape, _, dtype = read(file)
    except (TokenError, MemoryError, RecursionError) as error:  # brackets within brackets
        raise Implausible("the header of an array in it is broken") from error
    return tuple(shape), dtype


def opened(path: Path) -> BufferedIOBase:
    """Open a file for reading, unpacking it if it is gzipped."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


def read_at_most(file: IO[bytes] | BufferedIOBase, count: int) -> bytearray:
    """Read a file to its end, or to so many bytes; memory grows with what is there alone."""
    found = bytearray()
    while len(found) < count and (block := file.read(min(BLOCK, count - len(found)))):
        found += block
    return found
