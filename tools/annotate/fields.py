"""The fields of a folder: finding, identifying and loading their images."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from armicro.contracts.arrays import U8
from armicro.contracts.errors import InputError, ScaleError
from armicro.contracts.stain import Vector3
from armicro.devices.image_files import read_image
from armicro.devices.loaded_image import SCALE_TOLERANCE
from armicro.imaging.stain import estimate_white
from tools.annotate.folder import Opened, PointsFolder
from tools.annotate.store import ImageId, printable, sha256_of

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff"))
_DIGITS = re.compile(r"(\d+)")


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts names as people count: 9 before 10."""
    parts = _DIGITS.split(name.casefold())
    return tuple((1, int(p), "") if i % 2 else (0, 0, p) for i, p in enumerate(parts))


def list_images(folder: Path) -> tuple[Path, ...]:
    """Return the images of a folder and of the folders in it, without hidden ones.

    Raises
    ------
    InputError
        If there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
    if not found:
        raise InputError(f"{folder}: no PNG, JPEG or TIFF image in it")
    return tuple(sorted(found, key=lambda p: natural_key(p.relative_to(folder).as_posix())))


def identify(folder: Path, path: Path) -> ImageId:
    """Return an image's identity: its path below the folder, and its hash.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    return ImageId(printable(path.relative_to(folder).as_posix()), sha256_of(path))


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is open.

    Parameters
    ----------
    image : ImageId
        Which image it is.
    rgb : ndarray of uint8, (H, W, 3)
        Its pixels.
    um_per_px : float
        Its scale.
    white_rgb : tuple of 3 floats
        Grey value of its empty glass, estimated.
    opened : Opened
        What is marked on it.
    notes : tuple of str
        What the reader should know about the file.
    """

    image: ImageId
    rgb: U8
    um_per_px: float
    white_rgb: Vector3
    opened: Opened
    notes: tuple[str, ...]


def load_field(path: Path, image: ImageId, folder: PointsFolder, um_per_px: float | None) -> Field:
    """Load an image and what is marked on it.

    Parameters
    ----------
    path : Path
        The image.
    image : ImageId
        Its identity.
    folder : PointsFolder
        Where points are.
    um_per_px : float or None
        Scale from the command line; that of the index counts more, so that a crop keeps its scale.

    Returns
    -------
    Field
        Pixels, scale and points.

    Raises
    ------
    InputError
        If the image cannot be read, has no scale, or is not the one that was marked.
    """
    opened = folder.open(image)
    known = opened.um_per_px
    try:
        loaded = read_image(path, known if known is not None else um_per_px)
    except ScaleError as error:
        if known is None and um_per_px is None:
            raise ScaleError(f"{image.name} does not tell its scale: start with --um-per-px X") from error
        raise
    notes = loaded.notes
    if known is not None and um_per_px is not None and abs(known / um_per_px - 1) > SCALE_TOLERANCE:
        notes += (f"the index gives {known:g} µm/px for this image, which is used, not {um_per_px:g}",)
    return Field(
        image, loaded.rgb, loaded.um_per_px, estimate_white(loaded.rgb, loaded.um_per_px), opened, notes
    )
