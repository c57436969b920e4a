"""The picture on the eyepiece's display: one drawing for the display and for the operator's view of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.errors import AlignmentError
from armicro.contracts.eyepiece import EyepieceCalibration
from armicro.overlay.eyepiece import EyepieceStyle, draw_cells
from armicro.overlay.eyepiece_geometry import EyepieceGeometry
from armicro.overlay.eyepiece_rim import Rim, draw_rim
from armicro.overlay.eyepiece_show import Shows


@dataclass(frozen=True, slots=True)
class EyepieceDisplay:
    """The display, and how it is drawn on.

    Parameters
    ----------
    shape_px : tuple of int
        Its height and width.
    calibration : EyepieceCalibration or None
        Where the camera's picture lies on it; None lays it into the middle, for previews.
    style : EyepieceStyle
        Brightness, line width, signs.
    """

    shape_px: tuple[int, int]
    calibration: EyepieceCalibration | None = None
    style: EyepieceStyle = EyepieceStyle()

    def geometry(self, field_shape_px: tuple[int, int]) -> EyepieceGeometry:
        """Return how fields of a shape (height, width) lie on it.

        Raises
        ------
        AlignmentError
            If the calibration is of another camera format or another display.
        """
        if self.calibration is None:
            return EyepieceGeometry.fitted(field_shape_px, self.shape_px)
        geometry = EyepieceGeometry.of(self.calibration, field_shape_px)
        if geometry.display_shape_px != self.shape_px:
            have, want = self.shape_px, geometry.display_shape_px
            raise AlignmentError(
                f"the display has {have[1]} x {have[0]} px, the eyepiece was aligned for {want[1]} x "
                f"{want[0]}: choose that display or align again"
            )
        return geometry


@dataclass(frozen=True, slots=True)
class EyepiecePicture:
    """What a display shows, drawn.

    Parameters
    ----------
    shows : Shows
        What; other than was asked for where that could not be drawn.
    rgb : ndarray of uint8, (H, W, 3)
        The display's pixels; black where nothing is drawn.
    geometry : EyepieceGeometry
        How the field lies on it.
    """

    shows: Shows
    rgb: U8
    geometry: EyepieceGeometry


def draw_eyepiece(
    shows: Shows, display: EyepieceDisplay, frame_shape_px: tuple[int, int] | None
) -> EyepiecePicture:
    """Draw what a display shows.

    Parameters
    ----------
    shows : Shows
        What.
    display : EyepieceDisplay
        Where and how.
    frame_shape_px : tuple of int or None
        Height and width of the camera's frames, where there is no reading to tell.

    Returns
    -------
    EyepiecePicture
        Where the alignment does not fit camera or display, no cells and a fault in words.
    """
    field = frame_shape_px or (
        display.shape_px if display.calibration is None else display.calibration.camera_shape_px
    )
    if shows.result is not None:
        field = shows.result.shape
    try:
        geometry = display.geometry(field)
    except AlignmentError:
        shows = Shows(None, Rim(fault="align eyepiece anew"))
        geometry = EyepieceGeometry.fitted(field, display.shape_px)
    canvas: U8 = np.zeros((*display.shape_px, 3), np.uint8)
    if shows.result is not None:
        canvas = draw_cells(shows.result, geometry, display.style)
    draw_rim(canvas, shows.rim, geometry, display.style)
    return EyepiecePicture(shows, canvas, geometry)
