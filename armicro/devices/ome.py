"""The few facts of OME metadata that scoring needs: scale, channel planes, significant bits."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET

from armicro.contracts.errors import ImageError
from armicro.devices.loaded_image import FileScale

_UNIT_UM = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,
    "μm": 1.0,
    "um": 1.0,
    "nm": 1e-3,
    "pm": 1e-6,
    "Å": 1e-4,
}
_MAX_XML = 50_000_000


@dataclass(frozen=True, slots=True)
class OmePixels:
    """The first image of an OME-XML block.

    Parameters
    ----------
    scale : FileScale or None
        PhysicalSizeX and PhysicalSizeY; one of them stands for both where the other is missing.
    significant_bits : int or None
        SignificantBits.
    channel_names : tuple of str
        Names of the channels, empty text where a channel has none.
    channel_pages : tuple of int
        Pages of the channels at the first depth and time, where each channel is a page of its own.
    """

    scale: FileScale | None
    significant_bits: int | None
    channel_names: tuple[str, ...]
    channel_pages: tuple[int, ...]


def _tag(element: ET.Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def _scale(attributes: dict[str, str]) -> FileScale | None:
    """Read PhysicalSizeX/Y with their units (µm where none is named)."""
    sizes: dict[str, float] = {}
    for axis in "XY":
        text = attributes.get(f"PhysicalSize{axis}")
        if text is None:
            continue
        unit = attributes.get(f"PhysicalSize{axis}Unit", "µm")
        if unit not in _UNIT_UM:
            # "pixel" and "reference frame" are units of the standard that say nothing of size.
            continue
        sizes[axis] = float(text) * _UNIT_UM[unit]
    if not sizes:
        return None
    return FileScale(sizes.get("X", sizes.get("Y", 0.0)), sizes.get("Y", sizes.get("X", 0.0)), "OME metadata")


def _channel_pages(pixels: ET.Element, n_channels: int) -> tuple[int, ...]:
    """Find the page of each channel at Z = T = 0, from TiffData where it says so, else by dimension order."""
    order = pixels.attrib.get("DimensionOrder", "XYCZT")[2:]
    stride = 1
    for axis in order:
        if axis == "C":
            break
        stride *= int(pixels.attrib.get(f"Size{axis}", "1"))
    pages = {c: c * stride for c in range(n_channels)}
    for element in pixels:
        at = element.attrib
        if (
            _tag(element) == "TiffData"
            and "IFD" in at
            and at.get("FirstZ", "0") == at.get("FirstT", "0") == "0"
        ):
            pages[int(at.get("FirstC", "0"))] = int(at["IFD"])
    return tuple(pages[c] for c in range(n_channels))


def read_ome(xml: str) -> OmePixels:
    """Read the first image of an OME-XML block.

    Parameters
    ----------
    xml : str
        The text of a TIFF's image description.

    Returns
    -------
    OmePixels
        What it says.

    Raises
    ------
    ImageError
        If it is not readable as OME-XML, or declares entities, which OME never does and which could be made
        to grow without bound.
    """
    if len(xml) > _MAX_XML or "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise ImageError("its OME metadata are of a kind that is not read (a DOCTYPE, or very long)")
    try:
        root = ET.fromstring(xml)  # noqa: S314 - entity declarations are refused above
        pixels = next((e for e in root.iter() if _tag(e) == "Pixels"), None)
        if pixels is None:
            return OmePixels(None, None, (), ())
        bits = pixels.attrib.get("SignificantBits")
        channels = [e for e in pixels if _tag(e) == "Channel"]
        names = tuple(e.attrib.get("Name", "") for e in channels)
        separate = all(e.attrib.get("SamplesPerPixel", "1") == "1" for e in channels)
        n_channels = int(pixels.attrib.get("SizeC", "1")) if separate else 1
        pages = _channel_pages(pixels, n_channels) if 1 < n_channels <= 8 else ()
        return OmePixels(_scale(dict(pixels.attrib)), int(bits) if bits else None, names, pages)
    except (ET.ParseError, ValueError, OverflowError) as error:
        raise ImageError(f"its OME metadata cannot be read ({error})") from error
