"""TIFF, BigTIFF and OME-TIFF pictures, checked before they are decoded."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from armicro.contracts.errors import ImageError
from armicro.devices.loaded_image import (
    FileScale,
    LoadedImage,
    check_size,
    drop_alpha,
    settle_scale,
    to_8_bit,
)
from armicro.devices.ome import OmePixels, read_ome

# tifffile logs what it finds odd in a file; what matters of it is raised here, in words for people.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_JPEG = 7
_REDUCED_OR_MASK = 1 | 4
_MICROSCOPE_UM_PER_PX = (0.05, 2.0)
_RESOLUTION_UNIT_UM = {2: 25_400.0, 3: 10_000.0}
_APERIO_SCALE = re.compile(r"^Aperio.*\|\s*MPP\s*=\s*([0-9.eE+-]+)", re.DOTALL)
_RGB_NAMES = re.compile(r"^(r|g|b)\b|^(red|green|blue)\b", re.IGNORECASE)


def _tag_scale(page: tifffile.TiffPage) -> FileScale | None:
    """Read the scale from a scanner's description or the TIFF resolution tags.

    Resolution tags hold print resolution (72, 300 dpi) as often as the microscope's, so they count only
    where they come to what a microscope can have.
    """
    aperio = _APERIO_SCALE.search(page.description)
    if aperio:
        um = float(aperio.group(1))
        return FileScale(um, um, "the scanner's description (MPP)")
    unit_um = _RESOLUTION_UNIT_UM.get(int(page.tags.valueof("ResolutionUnit", default=2)))
    origin = "the TIFF resolution tags"
    imagej = re.search(r"^unit=(micron|um|µm|\\u00B5m)\s*$", page.description, re.MULTILINE)
    if page.description.startswith("ImageJ=") and imagej:
        unit_um, origin = 1.0, "ImageJ's calibration"
    if unit_um is None:
        return None
    sizes = []
    for name in ("XResolution", "YResolution"):
        value = page.tags.valueof(name)
        if value is None or value[0] == 0 or value[1] == 0:
            return None
        sizes.append(unit_um * value[1] / value[0])
    low, high = _MICROSCOPE_UM_PER_PX
    return FileScale(sizes[0], sizes[1], origin) if all(low <= s <= high for s in sizes) else None


def _full_resolution_page(tif: tifffile.TiffFile) -> tuple[int, tifffile.TiffPage]:
    """Return the first page that is no thumbnail, pyramid level or mask."""
    for index in range(min(len(tif.pages), 16)):
        page = tif.pages[index]
        if not isinstance(page, tifffile.TiffPage):
            page = page.aspage()
        if not int(page.subfiletype) & _REDUCED_OR_MASK:
            return index, page
    raise ImageError("no page of full resolution among its first 16")


def _check_colour(page: tifffile.TiffPage, n_planes: int) -> None:
    """Refuse what is not 8- or 16-bit RGB, each with its reason."""
    if page.dtype not in (np.dtype("u1"), np.dtype("u2")):
        raise ImageError(f"its samples are {page.dtype}: 8- or 16-bit RGB is needed")
    if n_planes == 3:
        return
    name = str(getattr(page.photometric, "name", page.photometric))
    if page.samplesperpixel < 3:
        if name == "PALETTE":
            raise ImageError("it has palette colours: save it as RGB")
        raise ImageError("it has one channel (grey): stains cannot be told apart without colour")
    if name == "YCBCR" and page.compression == _JPEG:
        return
    if name != "RGB":
        raise ImageError(f"its colours are {name}: RGB is needed")


def _check_segments(page: tifffile.TiffPage, file_size: int) -> None:
    """Refuse a page of which a strip or tile is missing or reaches beyond the file's end.

    A decoder would fill such places with black or grey and say nothing.
    """
    if page.imagedepth != 1 or page.tiledepth not in (0, 1):
        raise ImageError("it is a volume: save one plane as RGB")
    ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if not ends or 0 in page.databytecounts or 0 in page.dataoffsets:
        raise ImageError("a strip or tile of it is missing")
    if max(ends) > file_size:
        raise ImageError(f"it is truncated: {max(ends) - file_size} bytes are missing at its end")
    if page.compression == 1 and sum(page.databytecounts) < page.nbytes:
        raise ImageError("it is truncated: it holds fewer samples than its header says")


def _planes(tif: tifffile.TiffFile, first: int, page: tifffile.TiffPage, ome: OmePixels | None) -> list[Any]:
    """Return the pages that together make the picture: one, or three planes of an OME-TIFF."""
    if page.samplesperpixel != 1 or ome is None or not ome.channel_pages:
        return [page]
    if len(ome.channel_pages) != 3 or not all(not n or _RGB_NAMES.match(n) for n in ome.channel_names):
        names = ", ".join(n for n in ome.channel_names if n)
        raise ImageError(
            f"it has {len(ome.channel_pages)} separate channels ({names or 'unnamed'}): RGB is needed"
        )
    pages = [tif.pages[first + index].aspage() for index in ome.channel_pages]
    if any(p.shape != page.shape or p.dtype != page.dtype for p in pages):
        raise ImageError("its channel planes differ in size")
    return pages


def _depth_bits(page: tifffile.TiffPage, ome: OmePixels | None) -> int | None:
    """Find how many bits of a 16-bit sample are in use, where the file says so."""
    if page.bitspersample < 16:
        return int(page.bitspersample)
    if ome is not None and ome.significant_bits is not None:
        return ome.significant_bits
    for name in ("SMaxSampleValue", "MaxSampleValue"):
        value = page.tags.valueof(name)
        if value is not None:
            highest = int(max(value)) if isinstance(value, tuple) else int(value)
            return highest.bit_length() if highest & (highest + 1) == 0 else None
    return None


def _notes(tif: tifffile.TiffFile, index: int, page: tifffile.TiffPage, planes: int) -> tuple[str, ...]:
    notes = []
    n_pages = len(tif.pages)
    if n_pages > planes:
        notes.append(f"{n_pages} pages: page {index + 1}, the first of full resolution, was taken")
    elif page.subifds:
        notes.append("pyramid: its full resolution was taken")
    if planes == 3:
        notes.append("three channel planes were taken as red, green and blue")
    if page.tags.valueof("Orientation", default=1) != 1:
        notes.append("orientation tag not applied: coordinates are those of the stored pixels")
    return tuple(notes)


def read_tiff(path: Path, um_per_px: float | None) -> LoadedImage:
    """Read the first full-resolution picture of a TIFF file.

    Parameters
    ----------
    path : Path
        TIFF, BigTIFF or OME-TIFF, striped or tiled, chunky or planar, any common compression.
    um_per_px : float or None
        Scale that the user gave, µm per px.

    Returns
    -------
    LoadedImage
        The picture in 8 bits, its scale and notes.

    Raises
    ------
    ImageError
        If the file is truncated, too large, or not RGB of 8 or 16 bits. Damage that only the decoder meets
        comes as one of `DECODER_ERRORS`.
    ScaleError
        If there is no scale or it is impossible.
    """
    with tifffile.TiffFile(path) as tif:
        index, page = _full_resolution_page(tif)
        check_size(page.imagelength, page.imagewidth)
        text = tif.pages[0].aspage().description
        ome = read_ome(text) if text.lstrip().startswith("<") and "<OME" in text[:2000] else None
        planes = _planes(tif, index, page, ome)
        _check_colour(page, len(planes))
        for plane in planes:
            _check_segments(plane, path.stat().st_size)
        scale = (ome.scale if ome is not None else None) or _tag_scale(page)
        um, origin, scale_notes = settle_scale(um_per_px, scale)
        samples: npt.NDArray[Any]
        if len(planes) == 3:
            samples = np.stack([plane.asarray() for plane in planes], axis=-1)
        else:
            samples = page.asarray()
            if page.axes == "SYX":
                samples = np.moveaxis(samples, 0, -1)
        if samples.shape[:2] != (page.imagelength, page.imagewidth) or samples.ndim != 3:
            raise ImageError(f"its pixels have axes {page.axes}: one RGB picture is needed")
        depth = _depth_bits(page, ome)
        notes = _notes(tif, index, page, len(planes))
    samples, alpha_notes = drop_alpha(samples)
    rgb, depth_notes = to_8_bit(samples, depth)
    return LoadedImage(np.ascontiguousarray(rgb), um, origin, notes + alpha_notes + depth_notes + scale_notes)
