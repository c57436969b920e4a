"""The pixels of captured fields: one lossless OME-TIFF each, on disk before anyone is told so."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import tifffile

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.errors import StoreError
from armicro.contracts.frame import Frame

_ROWS_PER_STRIP = 256


def pixels_sha256(rgb: U8) -> str:
    """Return the SHA-256 of pixels in row order."""
    return hashlib.sha256(np.ascontiguousarray(rgb).data).hexdigest()


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
    um = frame.optics.um_per_px
    about = {
        "axes": "YXS",
        "Name": path.name,
        "PhysicalSizeX": um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": um,
        "PhysicalSizeYUnit": "µm",
        "Description": f"objective {frame.optics.objective or 'not stated'}; frame {frame.frame_id}",
    }
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            part.chmod(0o600)
            tifffile.imwrite(
                file, np.ascontiguousarray(frame.rgb), ome=True, photometric="rgb", metadata=about,
                compression="zlib", compressionargs={"level": 1}, predictor=True,
                rowsperstrip=_ROWS_PER_STRIP,
            )  # fmt: skip
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
