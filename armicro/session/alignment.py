"""Camera and eyepiece aligned by hand: a thing is brought beneath each cross, and a press takes it.

    circle --short--> points --short: take--> ... --all taken, or double--> result --short--> done
                      points --long: take the last back                     result --long--> points

The state machine knows no pedal, window or camera: it is told gestures and places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from armicro.contracts.arrays import F64
from armicro.contracts.devices import Gesture
from armicro.contracts.errors import AlignmentError
from armicro.imaging.homography import (
    MIN_POINTS,
    FitLimits,
    HomographyFit,
    apply_homography,
    fit_homography,
    inverse,
    local_scale,
)
from armicro.overlay.eyepiece_target import TargetCircle

AROUND = 8
"""Crosses around the field; one more stands in its middle."""
_CROSSES_AT = 0.7
_LEAST_CIRCLE_PX = 40.0


class AlignmentStep(StrEnum):
    """What is being done."""

    CIRCLE = "circle"
    POINTS = "points"
    RESULT = "result"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class CameraMode:
    """What the points are measured in; it must not change in between.

    Parameters
    ----------
    shape_px : tuple of int
        Height and width of the camera's frames.
    um_per_px : float
        Their scale.
    """

    shape_px: tuple[int, int]
    um_per_px: float


class Alignment:
    """The measurement as it grows. For one thread.

    Parameters
    ----------
    display_shape_px : tuple of int
        Height and width of the eyepiece's display.
    limits : FitLimits
        What a fit must meet to be accepted.
    """

    def __init__(self, display_shape_px: tuple[int, int], limits: FitLimits | None = None) -> None:
        height, width = display_shape_px
        self.display_shape_px = display_shape_px
        self.limits = limits or FitLimits()
        self.circle = TargetCircle(((height - 1) / 2, (width - 1) / 2), 0.46 * min(height, width))
        self.step = AlignmentStep.CIRCLE
        self.camera: CameraMode | None = None
        self.fit: HomographyFit | None = None
        self.problem = ""
        """Why the last press or the fit counts for nothing, in words; "" where it does."""
        self._taken: list[tuple[float, float]] = []

    # -- what is there -------------------------------------------------------------------------------------

    @property
    def crosses_yx_px(self) -> F64:
        """All crosses in the order in which they are shown, (N, 2) y, x, display px.

        The first four are spread over the whole field: they alone already determine a mapping.
        """
        order = np.array([0, 2, 4, 6, 1, 3, 5, 7]) * 2 * np.pi / AROUND
        around = np.stack([np.sin(order), np.cos(order)], axis=1) * self.circle.radius_px * _CROSSES_AT
        crosses: F64 = np.concatenate([around, np.zeros((1, 2))]) + np.array(self.circle.yx_px)
        return crosses

    @property
    def taken_yx_px(self) -> F64:
        """Where the thing stood in the camera's picture at each press, (N, 2) y, x, px."""
        return np.array(self._taken, np.float64).reshape(-1, 2)

    @property
    def current(self) -> int:
        """Which cross is next."""
        return len(self._taken)

    @property
    def accepted(self) -> bool:
        """Whether there is a fit within the limits."""
        return self.fit is not None

    @property
    def words(self) -> str:
        """How it stands, in one line."""
        n, all_ = len(self._taken), AROUND + 1
        if self.step is AlignmentStep.CIRCLE:
            return "Fit the thick circle to the rim of what is seen."
        if self.step is AlignmentStep.POINTS:
            so_far = f", so far {self._so_far()}" if n > MIN_POINTS else ""
            return self.problem or f"{n} of {all_} points taken{so_far}."
        if self.fit is None:
            return self.problem
        left_out = int((~self.fit.inliers).sum())
        apart = f", {left_out} left out" if left_out else ""
        if not self.fit.redundant:
            return f"{n} points are met exactly, whatever their errors: more would tell the residual."
        return f"Fits to {self.fit.rms_um:.1f} µm, worst {self.fit.max_um:.1f} µm, {n} points{apart}."

    @property
    def circle_in_camera(self) -> tuple[tuple[float, float], float]:
        """The visible circle in the camera's picture by the fit: centre y, x and radius, px.

        Raises
        ------
        AlignmentError
            Before there is a fit.
        """
        if self.fit is None:
            raise AlignmentError("there is no fit yet")
        y, x = apply_homography(inverse(self.fit.matrix), np.array(self.circle.yx_px))
        scale = float(local_scale(self.fit.matrix, np.array([y, x])))
        return (float(y), float(x)), self.circle.radius_px / scale

    # -- what is done --------------------------------------------------------------------------------------

    def nudge(self, dy_px: float = 0.0, dx_px: float = 0.0, grow_px: float = 0.0) -> None:
        """Move or resize the circle on the display; only before the first point."""
        if self.step is not AlignmentStep.CIRCLE:
            return
        (y, x), (height, width) = self.circle.yx_px, self.display_shape_px
        y, x = min(max(y + dy_px, 0.0), height - 1.0), min(max(x + dx_px, 0.0), width - 1.0)
        largest = math.hypot(height, width) / 2
        radius = min(max(self.circle.radius_px + grow_px, _LEAST_CIRCLE_PX), largest)
        self.circle = replace(self.circle, yx_px=(y, x), radius_px=radius)

    def needs_place(self, gesture: Gesture) -> bool:
        """Whether a gesture takes a point, so that `take` is to be told where the thing stands."""
        return self.step is AlignmentStep.POINTS and gesture is Gesture.SHORT

    def press(self, gesture: Gesture) -> None:
        """Take a gesture that takes no point; see `needs_place`."""
        if self.step is AlignmentStep.CIRCLE:
            if gesture is Gesture.SHORT:
                self.step = AlignmentStep.POINTS
        elif self.step is AlignmentStep.POINTS:
            if gesture is Gesture.LONG:
                self._back()
            elif gesture is Gesture.DOUBLE:
                self._finish()
        elif self.step is AlignmentStep.RESULT:
            if gesture is Gesture.LONG:
                self.step, self.fit = AlignmentStep.POINTS, None
                self._back()
            elif gesture is Gesture.SHORT and self.fit is not None:
                self.step = AlignmentStep.DONE

    def take(self, camera_yx_px: tuple[float, float], camera: CameraMode) -> None:
        """Take the present cross: the thing that covers it stands there in the camera's picture."""
        if self.step is not AlignmentStep.POINTS:
            return
        if self._taken and camera != self.camera:
            self.refuse("the camera's format or the objective changed: take all points in one")
            return
        self.camera, self.problem = camera, ""
        self._taken.append(camera_yx_px)
        if len(self._taken) == AROUND + 1:
            self._finish()

    def refuse(self, why: str) -> None:
        """Say why a press took no point."""
        self.problem = why

    def _back(self) -> None:
        self.problem = ""
        if self._taken:
            self._taken.pop()

    def _finish(self) -> None:
        n = len(self._taken)
        if n < MIN_POINTS or self.camera is None:
            self.problem = f"{n} points are too few: at least {MIN_POINTS}, better all {AROUND + 1}"
            return
        self.step, self.problem = AlignmentStep.RESULT, ""
        try:
            self.fit = self._fitted(self.limits)
        except AlignmentError as error:
            self.fit, self.problem = None, str(error)

    def _fitted(self, limits: FitLimits) -> HomographyFit:
        assert self.camera is not None
        n = len(self._taken)
        shown = self.crosses_yx_px[:n]
        return fit_homography(self.taken_yx_px, shown, self.camera.um_per_px, self.camera.shape_px, limits)

    def _so_far(self) -> str:
        """Say how the points fit up to now; the limits are for the end."""
        try:
            fit = self._fitted(replace(self.limits, max_rms_um=math.inf, max_um=math.inf))
        except AlignmentError as error:
            return str(error)
        return f"{fit.rms_um:.1f} µm"
