"""Where the field lies on the eyepiece's display, and which part of it is seen through the oculars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from armicro.contracts.arrays import F64, I32, Bool, frozen, require
from armicro.contracts.errors import AlignmentError
from armicro.contracts.eyepiece import EyepieceCalibration
from armicro.imaging.homography import apply_homography, inverse, local_scale

_CIRCLE_CORNERS = 180
_RIM_SHARE = 0.985


@dataclass(frozen=True, slots=True)
class EyepieceGeometry:
    """From field to display.

    Parameters
    ----------
    matrix : ndarray of float64, (3, 3)
        (x, y, 1) in field px to display px.
    field_shape_px, display_shape_px : tuple of int
        Height and width.
    circle_yx_px : tuple of float
        Centre y, x of the visible circle, field px.
    circle_radius_px : float
        Its radius, field px.

    Raises
    ------
    ValueError
        If the matrix is not float64 (3, 3).
    """

    matrix: F64
    field_shape_px: tuple[int, int]
    display_shape_px: tuple[int, int]
    circle_yx_px: tuple[float, float]
    circle_radius_px: float

    def __post_init__(self) -> None:
        require("EyepieceGeometry.matrix", self.matrix, shape=(3, 3), dtype="f8")

    @classmethod
    def of(cls, calibration: EyepieceCalibration, field_shape_px: tuple[int, int]) -> EyepieceGeometry:
        """Make it from a calibration, for fields of a shape.

        Raises
        ------
        AlignmentError
            If the field is another part of the sensor than was aligned. A whole field that is binned or
            reduced is taken: its pixels are larger, the picture is the same.
        """
        have, want = field_shape_px, calibration.camera_shape_px
        step = have[0] / want[0]
        if abs(have[1] - want[1] * step) > 1.0:
            raise AlignmentError(
                f"the camera sends {have[1]} x {have[0]} px, the eyepiece was aligned for "
                f"{want[1]} x {want[0]} px: choose its calibration or align again"
            )
        # Pixel centres are whole numbers: half a pixel is added before and taken off after the scaling.
        shift = (1 - step) / (2 * step)
        larger = np.array([[1 / step, 0, shift], [0, 1 / step, shift], [0, 0, 1]])
        y, x = calibration.circle_yx_px
        return cls(
            matrix=frozen(np.array(calibration.matrix, np.float64) @ larger),
            field_shape_px=have,
            display_shape_px=calibration.display_shape_px,
            circle_yx_px=((y + 0.5) * step - 0.5, (x + 0.5) * step - 0.5),
            circle_radius_px=calibration.circle_radius_px * step,
        )

    @classmethod
    def fitted(cls, field_shape_px: tuple[int, int], display_shape_px: tuple[int, int]) -> EyepieceGeometry:
        """Lay the whole field into the middle of the display, for previews without a calibration."""
        (h, w), (height, width) = field_shape_px, display_shape_px
        s = min(height / h, width / w)
        dx, dy = (width - w * s + s - 1) / 2, (height - h * s + s - 1) / 2
        return cls(
            matrix=frozen(np.array([[s, 0, dx], [0, s, dy], [0, 0, 1]])),
            field_shape_px=field_shape_px,
            display_shape_px=display_shape_px,
            circle_yx_px=((h - 1) / 2, (w - 1) / 2),
            circle_radius_px=min(h, w) / 2,
        )

    def to_display(self, yx_px: F64) -> F64:
        """Map points (..., 2) y, x of the field to the display."""
        return apply_homography(self.matrix, yx_px)

    def to_field(self, yx_px: F64) -> F64:
        """Map points (..., 2) y, x of the display to the field."""
        return apply_homography(inverse(self.matrix), yx_px)

    @property
    def scale(self) -> float:
        """Display px per field px in the middle of the visible circle."""
        return float(local_scale(self.matrix, np.array(self.circle_yx_px)))

    @property
    def display_circle(self) -> tuple[float, float, float]:
        """Centre y, x and radius of the visible circle on the display, px."""
        y, x = self.to_display(np.array(self.circle_yx_px))
        return float(y), float(x), self.circle_radius_px * self.scale

    def rim(self, share: float = _RIM_SHARE) -> I32:
        """Corners of the visible circle's outline as mapped, (M, 1, 2) x, y in whole display px."""
        yx = self.to_display(self.field_rim(share))
        return np.rint(yx[:, None, ::-1]).astype(np.int32)

    def field_rim(self, share: float = 1.0) -> F64:
        """Corners of the visible circle's outline, (M, 2) y, x in field px."""
        angle = np.linspace(0, 2 * np.pi, _CIRCLE_CORNERS, endpoint=False)
        around = np.stack([np.sin(angle), np.cos(angle)], axis=1) * self.circle_radius_px * share
        corners: F64 = np.array(self.circle_yx_px) + around
        return corners

    def sees(self, yx_px: F64) -> Bool:
        """Whether points (N, 2) y, x of the field lie in the visible circle, (N,)."""
        off = np.asarray(yx_px, np.float64) - np.array(self.circle_yx_px)
        seen: Bool = (off**2).sum(axis=1) <= self.circle_radius_px**2
        return seen
