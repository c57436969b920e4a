"""What a picture file turns into, its limits, and the rules that all file formats share.

Messages here do not name the file; `read_image` puts its name before them.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from armicro.contracts.arrays import U8, require
from armicro.contracts.errors import ImageError, ScaleError
from armicro.contracts.frame import Frame, Optics

MAX_PIXELS = 1_000_000_000
"""A larger picture (3 GB of RGB) is refused from its header: it would not fit beside its analysis."""
MIN_SIDE_PX = 32
"""A smaller picture (7 µm at 40x) cannot hold one cell."""
SCALE_TOLERANCE = 0.02
"""Scales that differ by more than this share are two different objectives or a typing error."""

DECODER_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    SyntaxError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What the decoding libraries raise on damaged or hostile files; each becomes one ImageError."""


@dataclass(frozen=True, slots=True)
class FileScale:
    """The scale that a file tells of itself.

    Parameters
    ----------
    x_um, y_um : float
        Width and height of a pixel, µm.
    origin : str
        Where in the file it stands, in words ("OME metadata").
    """

    x_um: float
    y_um: float
    origin: str


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """A field as it was read from a file.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        RGB pixels.
    um_per_px : float
        Side of a pixel, µm.
    scale_origin : str
        Where the scale comes from, in words.
    notes : tuple of str
        What was done to the picture on its way in and what in it was not used, for people.
    frame_id, t_ns : int
        Identity of the frame where the file is a captured one, otherwise 0.
    objective : str
        A name for people where a captured frame tells it.
    simulated : bool
        Whether the file says that it was rendered, not recorded from tissue.
    """

    rgb: U8
    um_per_px: float
    scale_origin: str
    notes: tuple[str, ...] = ()
    frame_id: int = 0
    t_ns: int = 0
    objective: str = ""
    simulated: bool = False

    def __post_init__(self) -> None:
        require("LoadedImage.rgb", self.rgb, shape=(None, None, 3), dtype="u1")

    def frame(self, source: str, objective: str = "") -> Frame:
        """Return the picture as a frame, with its source and, where it was given, the objective's name."""
        optics = Optics(self.um_per_px, objective or self.objective)
        return Frame(self.rgb, self.frame_id, self.t_ns, optics, source)


def check_size(height: int, width: int) -> None:
    """Refuse a picture by the size that its header claims, before a pixel is decoded.

    Raises
    ------
    ImageError
        If it has more than `MAX_PIXELS` pixels or a side below `MIN_SIDE_PX`.
    """
    if height * width > MAX_PIXELS:
        raise ImageError(
            f"{width} × {height} px is more than {MAX_PIXELS // 10**6} million pixels: "
            "crop it or score its parts as fields of one case"
        )
    if min(height, width) < MIN_SIDE_PX:
        raise ImageError(f"{width} × {height} px is too small for a cell: at least {MIN_SIDE_PX} px")


def settle_scale(given: float | None, told: FileScale | None) -> tuple[float, str, tuple[str, ...]]:
    """Decide the scale of a picture from what the user said and what the file says.

    What the user said counts, and a file that says otherwise is pointed out: metadata of microscope images
    are often left at a default, and the person at the bench is the one who can know. Nothing is guessed.

    Parameters
    ----------
    given : float or None
        What the user said, µm per px.
    told : FileScale or None
        What the file says.

    Returns
    -------
    tuple
        µm per px; where it comes from, in words; notes.

    Raises
    ------
    ScaleError
        If there is no scale, it is impossible, or the file's pixels are not square to 1 %.
    """
    if told is not None:
        square = (
            math.isfinite(told.x_um)
            and math.isfinite(told.y_um)
            and min(told.x_um, told.y_um) > 0
            and abs(told.x_um / told.y_um - 1) <= 0.01
        )
        if not square:
            raise ScaleError(
                f"{told.origin} gives pixels of {told.x_um:g} × {told.y_um:g} µm: square pixels are needed"
            )
    if given is not None:
        Optics(given)
        if told is not None and abs(told.x_um / given - 1) > SCALE_TOLERANCE:
            return given, "given", (f"{told.origin} says {told.x_um:g} µm/px; the given {given:g} was used",)
        return given, "given", ()
    if told is None:
        raise ScaleError("the file does not tell its scale: give µm per pixel with --um-per-px")
    try:
        Optics(told.x_um)
    except ScaleError as error:
        raise ScaleError(f"{told.origin}: {error}") from error
    return told.x_um, told.origin, ()


def to_8_bit(samples: npt.NDArray[Any], depth_bits: int | None) -> tuple[U8, tuple[str, ...]]:
    """Bring samples of a picture to 8 bits.

    Full scale goes to 255, so that optical densities against an 8-bit white point keep their value. Cameras
    of 10, 12 or 14 bits write 16-bit files whose full scale is not 65535; where the file does not say so, the
    smallest of these depths that holds the brightest sample is taken, since a bright-field picture whose
    glass stays below a quarter of full scale is far less likely than such a camera.

    Parameters
    ----------
    samples : ndarray of uint8 or uint16
        The samples.
    depth_bits : int or None
        Significant bits of a 16-bit sample where the file says so.

    Returns
    -------
    tuple
        Samples as uint8, and notes.
    """
    if samples.dtype == np.uint8:
        return samples, ()
    brightest = int(samples.max())
    stated = depth_bits is not None and 8 <= depth_bits <= 16 and brightest < 1 << depth_bits
    if stated:
        assert depth_bits is not None
        bits = depth_bits
    else:
        bits = next(b for b in (8, 10, 12, 14, 16) if brightest < 1 << b)
    full = (1 << bits) - 1
    table = np.rint(np.minimum(np.arange(1 << 16), full) * (255.0 / full)).astype(np.uint8)
    how = "" if stated or bits == 16 else f", taken as {bits} bit because no sample is above {brightest}"
    return table[samples], (f"16-bit samples (full scale {full}{how}) reduced to 8 bit",)


def drop_alpha(samples: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """Drop what follows the third channel of samples (H, W, C) and tell so."""
    extra = samples.shape[2] - 3
    if extra == 0:
        return samples, ()
    if extra > 1:
        return samples[:, :, :3], (f"{extra} channels beyond red, green and blue dropped",)
    alpha = samples[:, :, 3]
    clear = float(np.mean(alpha < np.iinfo(alpha.dtype).max))
    how = f" ({clear:.1%} of the pixels were not opaque)" if clear else ""
    return samples[:, :, :3], (f"alpha channel dropped{how}",)
