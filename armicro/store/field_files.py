"""The pixels of captured fields: one lossless OME-TIFF each, on disk before anyone is told so."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.errors import StoreError
from armicro.contracts.frame import Frame

_ROWS_PER_STRIP = 256


def pixels_sha256(rgb: U8) -> str:
    """Return the SHA-256 of pixels in row order."""
    return hashlib.sha256(np.ascontiguousarray(rgb).data).hexdigest()


@dataclass(frozen=True, slots=True)
class Packing:
    """How a TIFF is packed; both are lossless.

    Parameters
    ----------
    compression : str
        A name that `tifffile` knows.
    workers : int
        Threads that pack strips at once.
    """

    compression: str
    workers: int


EXCHANGED = Packing("zlib", 1)
"""What every reader of TIFF has known for decades."""
KEPT = Packing("zstd", 2)
"""A field of 3008² in a sixth of zlib's time, and smaller: a capture waits for it. Read by libtiff from
4.0.10 on, and by whatever stands on it."""
_LEVEL = 1
"""Of zlib and zstd; of pixels with noise, higher ones of zstd make more bytes, in seven times the time."""


def write_tiff(
    file: BinaryIO, frame: Frame, name: str, identity: str | None = None, packing: Packing = EXCHANGED
) -> None:
    """Write a field as a lossless OME-TIFF.

    Parameters
    ----------
    file : binary file
        Open for writing, and seekable.
    frame : Frame
        The field.
    name : str
        Its name in the metadata.
    identity : str or None
        A UUID for the file; None takes a new one, with which no two files are alike.
    packing : Packing
        How it is packed.
    """
    um = frame.optics.um_per_px
    about = {
        "axes": "YXS",
        "Name": name,
        "PhysicalSizeX": um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": um,
        "PhysicalSizeYUnit": "µm",
        "Description": f"objective {frame.optics.objective or 'not stated'}; frame {frame.frame_id}",
        **({} if identity is None else {"UUID": identity}),
    }
    options: dict[str, Any] = {
        "ome": True, "photometric": "rgb", "metadata": about, "compression": packing.compression,
        "predictor": True, "rowsperstrip": _ROWS_PER_STRIP,
    }  # fmt: skip
    rgb = np.ascontiguousarray(frame.rgb)
    if packing is EXCHANGED:
        tifffile.imwrite(file, rgb, compressionargs={"level": _LEVEL}, maxworkers=1, **options)
        return
    with ThreadPoolExecutor(packing.workers, "armicro-packing") as pool:
        tifffile.imwrite(file, _strips(rgb, pool), shape=rgb.shape, dtype=rgb.dtype, **options)


def _strips(rgb: U8, pool: ThreadPoolExecutor) -> Iterator[bytes]:
    """Pack strips of rows with zstd, in order; they are written while later ones are still being packed."""
    return pool.map(_strip, (rgb[y : y + _ROWS_PER_STRIP] for y in range(0, rgb.shape[0], _ROWS_PER_STRIP)))


def _strip(rgb: U8) -> bytes:
    """Pack rows: each pixel as its difference from the one to its left (TIFF's predictor 2), modulo 256."""
    steps = rgb.copy()
    # NumPy needs half of the time that the encoder in `imagecodecs` takes.
    np.subtract(rgb[:, 1:], rgb[:, :-1], out=steps[:, 1:])
    return bytes(imagecodecs.zstd_encode(steps, level=_LEVEL))  # type: ignore[arg-type]  # any buffer will do


def write_field(path: Path, frame: Frame) -> None:
    """Write a field so that it survives a power cut once this returns.

    The file appears under its name only when it is whole; what an earlier attempt left there is kept beside.

    Parameters
    ----------
    path : Path
        Ends in `.ome.tif`; its folder exists.
    frame : Frame
        The field.

    Raises
    ------
    OSError
        If it cannot be written; nothing is left then.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            part.chmod(0o600)
            write_tiff(file, frame, path.name, packing=KEPT)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            path.replace(_free_name(path))
        part.replace(path)
        sync_folder(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _free_name(path: Path) -> Path:
    """Name for a file that no capture record knows: written just before a power cut."""
    n = 1
    while (other := path.with_name(f"orphan-{n}-{path.name}")).exists():
        n += 1
    return other


def read_field(path: Path, sha256: str) -> U8:
    """Read a field's pixels back.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        Read-only.

    Raises
    ------
    StoreError
        If the file is missing, damaged, or does not hold what was captured.
    """
    try:
        rgb = np.asarray(tifffile.imread(path))
    except OSError as error:
        raise StoreError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from error
    except Exception as error:  # a damaged file can make the reader fail in any way
        raise StoreError(f"{path} is damaged: {type(error).__name__}; restore it from a backup") from error
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or pixels_sha256(rgb) != sha256:
        raise StoreError(
            f"{path} is not what was captured: its pixels have changed; restore it from a backup"
        )
    return frozen(rgb)


def sync_folder(folder: Path) -> None:
    """Make a folder's entries survive a power cut; Windows does so by itself."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
