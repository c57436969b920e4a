"""How the camera's picture lies in the eyepiece: measured once, stamped with when and by whom."""

from __future__ import annotations

import math
from dataclasses import dataclass

Matrix3 = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

ANY_OBJECTIVE = "any"
"""Camera and display see the same intermediate image, so that one alignment may serve all objectives."""


@dataclass(frozen=True, slots=True)
class EyepieceCalibration:
    """An alignment of camera, display and eyepiece.

    Parameters
    ----------
    name, version : str
        What people call it.
    identity : str
        Stamped on results: name, version and a hash of the content.
    objective : str
        The objective it was measured with, or `ANY_OBJECTIVE`.
    camera_shape_px, display_shape_px : tuple of int
        Height and width of the camera's frames and of the display.
    matrix : 3 x 3 floats
        From camera to display: (x, y, 1) in camera px to (x, y, w) in display px; pixel centres are whole
        numbers.
    circle_yx_px : tuple of float
        Centre y, x of what is seen through the eyepiece, camera px.
    circle_radius_px : float
        Its radius, camera px.
    residual_um : float or None
        RMS distance of the measured points from where the matrix puts them, µm in the specimen; None where
        nothing was measured.
    date, expires : str
        ISO days; it is not valid after `expires`.
    operator : str
        Who measured it.

    Raises
    ------
    ValueError
        If sizes are not positive or the matrix cannot be inverted.
    """

    name: str
    version: str
    identity: str
    objective: str
    camera_shape_px: tuple[int, int]
    display_shape_px: tuple[int, int]
    matrix: Matrix3
    circle_yx_px: tuple[float, float]
    circle_radius_px: float
    residual_um: float | None
    date: str
    expires: str
    operator: str

    def __post_init__(self) -> None:
        if min(*self.camera_shape_px, *self.display_shape_px) < 1 or self.circle_radius_px <= 0:
            raise ValueError("sizes of camera, display and visible circle must be positive")
        (a, b, c), (d, e, f), (g, h, i) = self.matrix
        determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
        if not math.isfinite(determinant) or abs(determinant) < 1e-12:
            raise ValueError("the matrix cannot be inverted")

    def serves(self, objective: str | None) -> bool:
        """Whether it holds for an objective, by its name."""
        return self.objective in (ANY_OBJECTIVE, objective)
