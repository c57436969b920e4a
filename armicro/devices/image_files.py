"""Pictures of fields in files: PNG, JPEG, TIFF and OME-TIFF in, PNG out.

A file is judged by its first bytes, not by its name, and by its header before it is decoded. A decoder that
would mend a damaged picture is not used: half a field in grey would be scored like any other.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np
import simplejpeg
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin

from armicro.contracts.arrays import U8
from armicro.contracts.errors import ArmicroError, ImageError
from armicro.contracts.frame import Frame, Optics
from armicro.devices.loaded_image import (
    DECODER_ERRORS,
    MAX_PIXELS,
    FileScale,
    LoadedImage,
    check_size,
    drop_alpha,
    settle_scale,
    to_8_bit,
)
from armicro.devices.tiff_files import read_tiff

__all__ = ["MAX_PIXELS", "LoadedImage", "check_header", "frame_text", "read_image", "write_png"]

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_END = b"IEND\xaeB`\x82"
_HEAD = 33
"""Length of a PNG's signature and header chunk."""
_TAIL = 65_536
"""Some writers append a little of their own behind the end of a PNG."""
_PNG_GREY = (0, 4)
_PNG_PALETTE = 3
_EXIF_ORIENTATION = 274
_KEY = "armicro:"
"""Prefix of the PNG text entries with which frames carry their identity and scale."""


def _header_notes(header: ImageFile.ImageFile) -> tuple[str, ...]:
    """Tell what in a header is known and on purpose not used."""
    notes = []
    # Without EXIF data, asking a PNG for them would decode the whole picture.
    if "exif" in header.info and header.getexif().get(_EXIF_ORIENTATION, 1) not in (0, 1):
        notes.append("EXIF orientation not applied: coordinates are those of the stored pixels")
    if header.info.get("icc_profile"):
        notes.append("embedded colour profile not applied")
    return tuple(notes)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Put the file's name before any error, and turn what decoders raise into one kind."""
    try:
        yield
    except ArmicroError as error:
        raise type(error)(f"{path}: {error}") from error
    except PermissionError as error:
        raise ImageError(f"{path}: no permission to read it") from error
    except MemoryError as error:
        raise ImageError(f"{path}: not enough memory to decode it") from error
    except DECODER_ERRORS as error:
        if isinstance(error, OSError) and error.strerror:
            # The system's own answer; what decoders raise as OSError carries none.
            raise ImageError(f"{path}: cannot be read ({error.strerror.lower()})") from error
        why = " ".join(str(error).split())
        raise ImageError(f"{path}: the picture is damaged and cannot be decoded ({why})") from error


def _open(path: Path) -> BinaryIO:
    if path.is_dir():
        raise ImageError("it is a folder, not a picture")
    if not path.exists():
        raise ImageError("no such file")
    if not path.is_file():
        # A named pipe or a device would keep the reader waiting for ever.
        raise ImageError("it is not a regular file")
    return path.open("rb")


def _png_header(head: bytes) -> tuple[int, int, int]:
    """Return height, width and colour type of a PNG, having checked them."""
    if len(head) < _HEAD or head[12:16] != b"IHDR":
        raise ImageError("it is truncated or damaged in its header")
    width, height, _, colour = struct.unpack(">IIBB", head[16:26])
    check_size(height, width)
    if colour in _PNG_GREY:
        raise ImageError("it has one channel (grey): stains cannot be told apart without colour")
    return height, width, colour


def _kind(file: BinaryIO) -> tuple[bytes, str]:
    """Read a file's first bytes and tell what it is; a PNG that claims too much is refused right here."""
    head = file.read(_HEAD)
    if not head:
        raise ImageError("the file is empty")
    if head[:4] in _TIFF:
        return head, "TIFF"
    if head[:8] == _PNG:
        _png_header(head)
        return head, "PNG"
    if head[:3] == _JPEG:
        return head, "JPEG"
    raise ImageError("not a PNG, JPEG or TIFF picture")


def _read_png(data: bytes, given: float | None) -> LoadedImage:
    height, width, colour = _png_header(data)
    if _PNG_END not in data[-_TAIL:]:
        raise ImageError("it is truncated: its end is missing")
    header = PngImagePlugin.PngImageFile(io.BytesIO(data))
    text = {k: str(v) for k, v in header.info.items() if isinstance(k, str) and k.startswith(_KEY)}
    um = float(text[_KEY + "um_per_px"]) if _KEY + "um_per_px" in text else None
    told = None if um is None else FileScale(um, um, "the frame's own record")
    um_per_px, origin, scale_notes = settle_scale(given, told)
    notes = _header_notes(header)
    samples = imagecodecs.png_decode(data)
    if samples.ndim != 3 or samples.shape[:2] != (height, width) or samples.shape[2] not in (3, 4):
        raise ImageError(f"it decodes to {samples.shape}: an RGB picture is needed")
    samples, alpha_notes = drop_alpha(samples)
    if colour == _PNG_PALETTE:
        if not (np.diff(samples.astype(np.int16), axis=2) != 0).any():
            raise ImageError("its palette is grey: stains cannot be told apart without colour")
        notes += ("palette colours converted to RGB",)
    rgb, depth_notes = to_8_bit(samples, None)
    return LoadedImage(
        np.ascontiguousarray(rgb),
        um_per_px,
        origin,
        notes + alpha_notes + depth_notes + scale_notes,
        frame_id=int(text.get(_KEY + "frame_id", "0")),
        t_ns=int(text.get(_KEY + "t_ns", "0")),
        objective=text.get(_KEY + "objective", ""),
        simulated=text.get(_KEY + "simulated") == "true",
    )


def _read_jpeg(data: bytes, given: float | None) -> LoadedImage:
    header = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    check_size(header.height, header.width)
    if header.mode == "L":
        raise ImageError("it has one channel (grey): stains cannot be told apart without colour")
    if header.mode != "RGB":
        raise ImageError(f"its colours are {header.mode}: save it as RGB")
    um_per_px, origin, scale_notes = settle_scale(given, None)
    rgb: U8 = simplejpeg.decode_jpeg(data, colorspace="RGB", strict=True)
    return LoadedImage(rgb, um_per_px, origin, _header_notes(header) + scale_notes)


def read_image(path: Path, um_per_px: float | None = None) -> LoadedImage:
    """Read a field from a picture file.

    Taken are 8- and 16-bit RGB in PNG, JPEG and TIFF. An alpha channel is dropped, palette colours become
    RGB, 16 bits become 8 (see `to_8_bit`), of several pages the first of full resolution is taken, and each
    of these is said in the notes. Orientation tags and colour profiles are not applied.

    Parameters
    ----------
    path : Path
        The file.
    um_per_px : float or None
        Scale in µm per px; None where the file tells it.

    Returns
    -------
    LoadedImage
        Pixels, scale and notes.

    Raises
    ------
    ImageError
        If the file is missing, empty, damaged, truncated, too large, or not an RGB picture.
    ScaleError
        If there is no scale or it is impossible.
    """
    if um_per_px is not None:
        Optics(um_per_px)
    with _named(path), _open(path) as file:
        head, kind = _kind(file)
        if kind == "TIFF":
            return read_tiff(path, um_per_px)
        if kind == "PNG":
            return _read_png(head + file.read(), um_per_px)
        return _read_jpeg(head + file.read(), um_per_px)


def check_header(path: Path) -> None:
    """Refuse, from its first bytes alone, what is no picture; cheap enough to do for all files of a case.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    ImageError
        If the file is missing, empty, or not a PNG, JPEG or TIFF of a size that can be read.
    """
    with _named(path), _open(path) as file:
        _kind(file)


def write_png(path: Path, rgb: U8, text: Mapping[str, str] | None = None) -> None:
    """Write an RGB picture as a PNG, losslessly and with the same bytes each time.

    Parameters
    ----------
    path : Path
        The file; replaced if it exists.
    rgb : ndarray of uint8, (H, W, 3)
        RGB pixels.
    text : mapping of str to str, optional
        Text entries for the file's head.
    """
    chunks = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        chunks.add_text(key, value)
    Image.fromarray(rgb).save(path, "png", pnginfo=chunks, compress_level=1)


def frame_text(frame: Frame, *, simulated: bool = False) -> dict[str, str]:
    """Return the text entries with which a frame's PNG carries its scale, identity and nature."""
    optics = frame.optics
    values = {"um_per_px": repr(optics.um_per_px), "frame_id": str(frame.frame_id), "t_ns": str(frame.t_ns)}
    if optics.objective:
        values["objective"] = optics.objective
    if simulated:
        values["simulated"] = "true"
    return {_KEY + name: value for name, value in values.items()}
