"""The picture as an eye sees it through the oculars, from the eyepiece's own drawing. Knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from armicro.contracts.arrays import F64, U8
from armicro.contracts.errors import AlignmentError
from armicro.contracts.eyepiece import ANY_OBJECTIVE, EyepieceCalibration
from armicro.contracts.results import FovResult
from armicro.overlay.eyepiece_geometry import EyepieceGeometry
from armicro.overlay.eyepiece_picture import EyepieceDisplay, EyepiecePicture, draw_eyepiece
from armicro.overlay.eyepiece_rim import Rim, read_out
from armicro.overlay.eyepiece_show import EyepieceShow, Shows, Sight
from armicro.overlay.eyepiece_sum import sum_in_view
from armicro.session.view import LiveView, SessionSnapshot

TRANSMISSION = 0.7
"""Share of the specimen's light that a usual beam splitter lets through to the eye."""
PREVIEW_PX = (1080, 1920)
"""The display that is drawn for where none is known: height, width."""


def sight_of(snapshot: SessionSnapshot, live: LiveView | None) -> Sight:
    """Put together what the eyepiece has to know of a session."""
    blanking = [f for f in snapshot.faults if f.blanks]
    faults = blanking or list(snapshot.faults)
    return Sight(
        result=None if live is None or live.moving else live.result,
        fault=faults[0].short if faults else "",
        blanked=bool(blanking),
        wanted=snapshot.overlay_on,
        objective=snapshot.objective,
        summary=snapshot.summary,
        captured=max((f.number for f in snapshot.fields), default=0),
    )


@dataclass(frozen=True, slots=True, eq=False)
class EyepieceLight:
    """What the display shows, and on which display."""

    shows: Shows
    display: EyepieceDisplay

    def same(self, other: EyepieceLight | None) -> bool:
        """Tell whether the drawing is the same; a reading is the same only if it is that very one."""
        return (
            other is not None
            and self.shows.result is other.shows.result
            and (self.shows.rim, self.display) == (other.shows.rim, other.display)
        )


class EyepieceLights:
    """What the eyepiece shows of what an operator looks at.

    Of the live picture it is what the eyepiece's window shows. A captured field never stands in the eyepiece:
    of that it is what the eyepiece showed when it was there.
    """

    def __init__(self) -> None:
        self._show = EyepieceShow()
        self._objective = ANY_OBJECTIVE

    def live(
        self, snapshot: SessionSnapshot, live: LiveView | None, display: EyepieceDisplay, now_ns: int
    ) -> EyepieceLight:
        """Return the light over the live picture at a moment, monotonic ns."""
        objective = ANY_OBJECTIVE if display.calibration is None else display.calibration.objective
        if objective != self._objective:
            self._show, self._objective = EyepieceShow(objective), objective
        return EyepieceLight(self._show.at(sight_of(snapshot, live), now_ns), display)

    @staticmethod
    def field(snapshot: SessionSnapshot, result: FovResult | None, display: EyepieceDisplay) -> EyepieceLight:
        """Return the light over a captured field."""
        if not snapshot.overlay_on:
            return EyepieceLight(Shows(None, Rim()), display)
        line = read_out(snapshot.summary)
        return EyepieceLight(Shows(result, Rim(line=line, research_use=bool(line))), display)


class LookThrough:
    """Adds the display's light to views of a field, keeping the last drawing. For one thread."""

    def __init__(self) -> None:
        self._drawn: tuple[EyepieceLight, tuple[int, int], EyepiecePicture] | None = None

    def seen(self, view_rgb: U8, light: EyepieceLight, field_shape_px: tuple[int, int], to_view: F64) -> U8:
        """Return a view as it looks through the oculars, (h, w, 3); see `sum_in_view`."""
        drawn = self._drawn
        if drawn is None or not light.same(drawn[0]) or drawn[1] != field_shape_px:
            picture = draw_eyepiece(light.shows, light.display, field_shape_px)
            drawn = self._drawn = light, field_shape_px, picture
        return sum_in_view(view_rgb, drawn[2].rgb, drawn[2].geometry, to_view, TRANSMISSION)


def visible_circle(
    calibration: EyepieceCalibration, shape_px: tuple[int, int]
) -> tuple[float, float, float] | None:
    """Return what the oculars show of a picture: centre y, x and radius, px; None for another camera."""
    try:
        geometry = EyepieceGeometry.of(calibration, shape_px)
    except AlignmentError:
        return None
    return (*geometry.circle_yx_px, geometry.circle_radius_px)


def view_matrix(window: tuple[int, int, int, int], size: tuple[int, int]) -> F64:
    """Return the mapping from a field to a view of a part of it.

    Parameters
    ----------
    window : tuple of int
        The part: first row, first column, height and width, px of the field.
    size : tuple of int
        Height and width of the view, px.

    Returns
    -------
    ndarray of float64, (3, 3)
        Acts on (x, y, 1); pixel centres are whole numbers on both sides.
    """
    y, x, height, width = window
    down, across = size[0] / height, size[1] / width
    shift_x, shift_y = (0.5 - x) * across - 0.5, (0.5 - y) * down - 0.5
    return np.array([[across, 0, shift_x], [0, down, shift_y], [0, 0, 1]], np.float64)
