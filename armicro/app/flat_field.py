"""A stored flat field as the instrument applies it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from armicro.app.calibration_files import FlatFile
from armicro.app.calibration_store import read
from armicro.contracts.arrays import U8, frozen
from armicro.contracts.errors import CalibrationError
from armicro.contracts.stain import StainProfile, Vector3
from armicro.imaging.glass import FlatField, flatten, gain_map


def flat_of(stored: FlatFile) -> FlatField:
    """Return what a stored flat field corrects with."""
    light = np.array([stored.light_red, stored.light_green, stored.light_blue], np.float64)
    return FlatField(stored.shape_px, stored.white_rgb, stored.degree, light)


class FlatCorrection:
    """Evens the light of a camera's pictures; used before a picture is read or kept.

    Parameters
    ----------
    stored : FlatFile
        The calibration.
    """

    def __init__(self, stored: FlatFile) -> None:
        self.identity = stored.identity
        self.objective = stored.objective
        self.white_rgb: Vector3 = stored.white_rgb
        self._gain = gain_map(flat_of(stored))

    def __call__(self, rgb: U8) -> U8:
        """Correct a picture (H, W, 3).

        Raises
        ------
        CalibrationError
            If it is of another camera mode.
        """
        return frozen(flatten(rgb, self._gain))

    def profiles(self, load: Callable[[str], StainProfile]) -> Callable[[str], StainProfile]:
        """Return a loader whose profiles have the measured white point, unless they have one of their own."""

        def loaded(name: str) -> StainProfile:
            profile = load(name)
            return profile if profile.white_rgb is not None else replace(profile, white_rgb=self.white_rgb)

        return loaded


def load_flat(path: Path) -> FlatCorrection:
    """Load a flat field that counts today.

    Raises
    ------
    CalibrationError
        If the file is none, or has expired.
    """
    file = read(path)
    if not isinstance(file, FlatFile):
        raise CalibrationError(f"{path}: it is a calibration of kind {file.kind}, not a flat field")
    if not file.valid_on(datetime.now().astimezone().date()):
        raise CalibrationError(
            f"{path}: valid {file.date} to {file.expires}; measure again: armicro calibrate flat"
        )
    return FlatCorrection(file)
