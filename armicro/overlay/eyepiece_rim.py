"""What stands at the rim of the eyepiece's field: one line, a flash, a fault's mark; never in the middle.

Letters are bright on bright: white would drown in glass, so that they are green, which adds most to what is
seen and is no category's colour, or red-orange for a fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.score import CaseSummary, Cutoff
from armicro.overlay.eyepiece import EyepieceStyle
from armicro.overlay.eyepiece_geometry import EyepieceGeometry
from armicro.overlay.style import Rgb

INK: Rgb = (0, 255, 0)
"""Of the read-out and the flash."""
ALARM: Rgb = (255, 0, 0)
"""Of a fault: pure, since whatever green is added to white glass makes red paler."""
RESEARCH_USE = "research use only"

_SHORT_QUANTITY = {
    "complete and intense": "IC",
    "complete and at least weak": "complete",
    "complete or intense": "complete or intense",
    "strong staining": "strong",
    "at least weak staining": "weak or strong",
    "any staining": "stained",
}
_SMALL = 0.75
_FLASH_SHARE = 0.012
_TEXT_SHARE = 0.95
_BOLD = 0.07
_WRITABLE = str.maketrans(
    {"µ": "u", "μ": "u", "≥": ">=", "≤": "<=", "×": "x", "−": "-", "–": "-", "…": "...", "κ": "kappa"}
)
"""Signs that the font lacks, and would draw as a box, by those that it has."""


@dataclass(frozen=True, slots=True)
class Rim:
    """What stands at the rim; all empty is at rest.

    Parameters
    ----------
    line : str
        The read-out, at the bottom.
    flash : str
        "field 7" right after a press: said at the top, and the whole rim lights up; "" for none.
    fault : str
        Three words; "" for none.
    research_use : bool
        Whether "research use only" stands at the top.
    """

    line: str = ""
    flash: str = ""
    fault: str = ""
    research_use: bool = False


def read_out(summary: CaseSummary | None) -> str:
    """Put a case into one line: score, leading proportion against its cut-off, fields, cells.

    Parameters
    ----------
    summary : CaseSummary or None
        The case so far.

    Returns
    -------
    str
        "2+   IC 8.4 %  (3+ at > 10 %)   6 fields · 1,912 cells"; "" without a field.
    """
    if summary is None or not summary.n_fields:
        return ""
    parts = [summary.score.score or "no score"]
    if summary.cutoff is not None:
        parts.append(_standing(summary.cutoff, summary.n_cells))
    fields = "1 field" if summary.n_fields == 1 else f"{summary.n_fields} fields"
    parts.append(f"{fields} · {summary.n_cells:,} cells")
    return "   ".join(parts)


def _standing(cutoff: Cutoff, n_cells: int) -> str:
    """Say the leading proportion, and the score on the other side of its cut-off."""
    name = _SHORT_QUANTITY.get(cutoff.quantity, cutoff.quantity)
    share = f"{name} {_percent(cutoff.share, cutoff.threshold)} %"
    if cutoff.next_score is None:
        return share
    # "At least" and "more than" differ only where the cut-off is a whole number of cells.
    at_least = cutoff.needed > 0 and cutoff.needed <= cutoff.threshold * n_cells + 1e-6
    met = cutoff.count >= cutoff.needed if cutoff.needed else cutoff.share > cutoff.threshold
    sign = {(False, False): ">", (False, True): "≥", (True, False): "≤", (True, True): "<"}[met, at_least]
    return f"{share}  ({cutoff.next_score} at {sign} {100 * cutoff.threshold:.3g} %)"


def _percent(share: float, threshold: float) -> str:
    """Round a share so that it is never read as the cut-off itself where it is not."""
    for digits in (1, 2, 3):
        text = f"{100 * share:.{digits}f}"
        if share == threshold or float(text) != round(100 * threshold, 6):
            return text
    return f"{100 * share:.4f}"


def draw_rim(canvas: U8, rim: Rim, geometry: EyepieceGeometry, style: EyepieceStyle) -> None:
    """Draw what stands at the rim, in place, on top of whatever is there.

    Parameters
    ----------
    canvas : ndarray of uint8, (H, W, 3)
        RGB of the display.
    rim : Rim
        What to draw.
    geometry : EyepieceGeometry
        Where the visible circle lies.
    style : EyepieceStyle
        Brightness and letters. A fault is shown at half brightness at least, however far the wheel is turned
        down: it must not be missed.
    """
    ink = _dimmed(INK, style.brightness)
    alarm = _dimmed(ALARM, max(style.brightness, 0.5))
    thick = max(3, round(geometry.display_circle[2] * _FLASH_SHARE))
    if rim.flash:
        cv2.polylines(canvas, [geometry.rim(0.985)], True, ink, thick, cv2.LINE_AA)
    if rim.fault:
        # The lower sixth of the rim: found without searching, and the tissue stays free.
        rim_xy = geometry.rim(0.975)
        corners = len(rim_xy)
        arc = rim_xy[corners // 4 - corners // 12 : corners // 4 + corners // 12]
        cv2.polylines(canvas, [arc], False, alarm, 2 * thick, cv2.LINE_AA)
    small = max(8, round(style.text_px * _SMALL))
    if rim.fault:
        _at_rim(canvas, rim.fault, geometry, round(style.text_px * 1.4), alarm, top=False)
    elif rim.line:
        _at_rim(canvas, rim.line, geometry, style.text_px, ink, top=False)
    if rim.flash:
        _at_rim(canvas, rim.flash, geometry, round(style.text_px * 1.4), ink, top=True)
    elif rim.research_use:
        _at_rim(canvas, RESEARCH_USE, geometry, small, _dimmed(INK, 0.8 * style.brightness), top=True)


def _dimmed(rgb: Rgb, strength: float) -> Rgb:
    r, g, b = (round(c * strength) for c in rgb)
    return r, g, b


def _at_rim(canvas: U8, text: str, geometry: EyepieceGeometry, text_px: int, rgb: Rgb, *, top: bool) -> None:
    """Write a line along the rim, in place: bent, it stays at the rim however long it is.

    Where the visible circle is larger than the display, the line stands straight at the display's border.
    """
    y0, x0, radius = geometry.display_circle
    height = canvas.shape[0]
    middle = _TEXT_SHARE * radius - text_px / 2
    edge = y0 - middle if top else y0 + middle
    if not text_px < edge < height - text_px:
        write_line(canvas, text, (text_px if top else height - text_px, x0), text_px, rgb)
        return
    cover, (down, right) = _bent(text, text_px, round(middle), top)
    first, left = round(y0) + down, round(x0) + right
    y, x = max(first, 0), max(left, 0)
    part = canvas[y : max(first + cover.shape[0], 0), x : max(left + cover.shape[1], 0)]
    _ink(part, cover[y - first :, x - left :][: part.shape[0], : part.shape[1]], rgb)


def _ink(part: U8, cover: U8, rgb: Rgb) -> None:
    """Blend a colour into a part of a picture, in place."""
    weight = cover[..., None].astype(np.uint16)
    part[...] = (part * (255 - weight) + np.array(rgb, np.uint16) * weight + 127) // 255


@lru_cache(maxsize=32)
def _bent(text: str, text_px: int, radius_px: int, top: bool) -> tuple[U8, tuple[int, int]]:
    """Bend a line onto a circle: its coverage, and where that begins, y, x from the circle's centre."""
    straight = _cover(text, text_px)
    height, width = straight.shape
    half_angle = min(width / (2 * radius_px), 0.45 * np.pi)
    reach = int(np.ceil((radius_px + height) * np.sin(half_angle))) + 2
    near = int((radius_px - height) * np.cos(half_angle)) - 2
    y, x = np.mgrid[near : radius_px + height + 2, -reach : reach + 1].astype(np.float32)
    out = np.hypot(y, x) - radius_px
    along = width / 2 + radius_px * np.arctan2(x, y)
    # At the bottom letters stand with their feet outwards, at the top with their heads: both upright.
    down = height / 2 + (-out if top else out)
    bent = cv2.remap(straight, along.astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR)
    cover: U8 = bent.astype(np.uint8, copy=False)
    if top:
        return frozen(cover[::-1]), (-(radius_px + height + 1), -reach)
    return frozen(cover), (near, -reach)


def write_line(canvas: U8, text: str, middle_yx: tuple[float, float], text_px: int, rgb: Rgb) -> None:
    """Write a line around a point, in place; near the border it is moved in, so that it is read whole.

    Parameters
    ----------
    canvas : ndarray of uint8, (H, W, 3)
        Written to.
    text : str
        One line.
    middle_yx : tuple of float
        Where its middle comes to lie, y, x in px.
    text_px : int
        Height of a capital.
    rgb : tuple of 3 int
        Colour.
    """
    cover = _cover(text, text_px)
    height, width = cover.shape
    first = int(np.clip(round(middle_yx[0] - height / 2), 0, max(canvas.shape[0] - height, 0)))
    left = int(np.clip(round(middle_yx[1] - width / 2), 0, max(canvas.shape[1] - width, 0)))
    part = canvas[first : first + height, left : left + width]
    _ink(part, cover[: part.shape[0], : part.shape[1]], rgb)


@lru_cache(maxsize=64)
def _cover(text: str, text_px: int) -> U8:
    """Draw a line as coverage, (h, w), cut to its ink; kept, since a live picture repeats its words."""
    text = text.translate(_WRITABLE)
    # Capitals of this font stand at 0.72 of its size.
    font, bold = ImageFont.load_default(text_px / 0.72), text_px * _BOLD
    left, above, right, below = (round(v) for v in font.getbbox(text, stroke_width=bold))
    image = Image.new("L", (max(1, right - left + 2), max(1, below - above + 2)))
    ImageDraw.Draw(image).text((1 - left, 1 - above), text, fill=255, font=font, stroke_width=bold)
    return frozen(np.array(image, np.uint8))
