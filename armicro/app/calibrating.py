"""From a measurement to the calibration that is kept: shared by the commands and the window."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from armicro import __version__
from armicro.app.calibration_files import DustFile, EyepieceFile, FlatFile, ScaleFile
from armicro.app.calibration_store import Origin, build, file_name, write
from armicro.app.flat_field import flat_of
from armicro.app.profiles import OpticsProfileFile
from armicro.app.toml_text import toml_text
from armicro.contracts.arrays import U8
from armicro.contracts.errors import CalibrationError
from armicro.contracts.frame import Optics
from armicro.imaging.glass import GlassMeasured
from armicro.imaging.glass_drift import glass_drift
from armicro.imaging.homography import HomographyFit
from armicro.imaging.rulings import Rulings
from armicro.session.measured import DailyCheck, MeasuredScale
from armicro.store.account import account

UNNAMED = "unnamed"
SQUARE = 0.01
"""Scales of two pictures that differ by more are of two objectives, or pixels are not square."""
_LEAST_BY_HAND_PX = 100


def login() -> str:
    """Return who is logged in."""
    return account(UNNAMED)


# -- empty glass -------------------------------------------------------------------------------------------


def keep_glass(found: GlassMeasured, who: Origin, folder: Path) -> tuple[FlatFile, Path]:
    """Keep what frames of empty glass told: white point, evenness of the light, dust."""
    light = [tuple(float(v) for v in row) for row in found.flat.light]
    dust = DustFile(
        yx_px=tuple((round(float(y), 1), round(float(x), 1)) for y, x in found.dust.yx_px),
        radius_px=tuple(round(float(r), 1) for r in found.dust.radius_px),
        contrast=tuple(round(float(c), 3) for c in found.dust.contrast),
    )
    kept = build(
        FlatFile,
        {
            **who.head("flat", folder),
            "shape_px": found.flat.shape_px,
            "frames": found.frames,
            "white_rgb": tuple(round(v, 3) for v in found.flat.white_rgb),
            "degree": found.flat.degree,
            "light_red": light[0],
            "light_green": light[1],
            "light_blue": light[2],
            "uneven_before": found.uneven_before,
            "uneven_after": found.uneven_after,
            "dust": dust,
        },
    )
    return kept, write(kept, folder)


def glass_words(kept: FlatFile) -> str:
    """Say in one line what a flat field holds."""
    white = ", ".join(f"{v:.1f}" for v in kept.white_rgb)
    return (
        f"white point {white} (red, green, blue) from {kept.frames} frames; {kept.residual}; "
        f"{len(kept.dust.yx_px)} spots of dust"
    )


def check_glass(rgb: U8, stored: FlatFile, day: dt.date) -> DailyCheck:
    """Compare a frame of empty glass with the stored calibration.

    Raises
    ------
    CalibrationError
        If the frame is clipped, too dark, or of another camera mode.
    """
    found = glass_drift(rgb, flat_of(stored))
    verdict, reasons = found.verdict, list(found.reasons)
    if not stored.valid_on(day):
        verdict = "warn" if verdict == "ok" else verdict
        reasons.append(f"the calibration counted from {stored.date} to {stored.expires}: calibrate again")
    figures = (
        f"white point {found.white:+.2%}, colour {found.colour:.2%}, uneven {found.uneven:.2%}, "
        f"dust {found.spots:.2%} of the field"
    )
    return DailyCheck(verdict, figures, tuple(reasons), f"{stored.identity} of {stored.date}")


# -- scale -------------------------------------------------------------------------------------------------


def scale_of_rulings(found: Sequence[Rulings], division_um: float) -> MeasuredScale:
    """Put the rulings of some pictures together.

    Raises
    ------
    CalibrationError
        If the pictures contradict each other.
    """
    each = [division_um / one.period_px for one in found]
    if max(each) / min(each) - 1 > SQUARE:
        raise CalibrationError(
            f"the pictures give {min(each):.5f} to {max(each):.5f} µm/px; they must agree to {SQUARE:.0%}: "
            "same objective, same camera mode, square pixels?"
        )
    weights = [1 / max(one.standard_error_px / one.period_px, 1e-6) ** 2 for one in found]
    mean = sum(w * e for w, e in zip(weights, each, strict=True)) / sum(weights)
    # What two pictures differ by is an error that neither knows of.
    spread = math.sqrt(sum((e - mean) ** 2 for e in each) / max(1, len(each) - 1) / len(each))
    pictures = "1 picture" if len(found) == 1 else f"{len(found)} pictures"
    return MeasuredScale(
        um_per_px=mean,
        method=f"stage micrometer, {division_um:g} µm per division, {pictures}",
        standard_error_um_per_px=max(mean / math.sqrt(sum(weights)), spread),
        residual_px=max(one.residual_px for one in found),
        lines=sum(one.lines for one in found),
    )


def scale_by_hand(known_um: float, start_yx: tuple[float, ...], end_yx: tuple[float, ...]) -> MeasuredScale:
    """Take a known length, µm, between two places of the picture.

    Raises
    ------
    CalibrationError
        If it is too short to measure.
    """
    length_px = math.dist(start_yx, end_yx)
    if length_px < _LEAST_BY_HAND_PX or not 0 < known_um < 1e6:
        raise CalibrationError(
            f"{known_um:g} µm over {length_px:.0f} px is too short to measure: take a length above "
            f"{_LEAST_BY_HAND_PX} px"
        )
    return MeasuredScale(known_um / length_px, f"{known_um:g} µm over {length_px:.1f} px, by hand")


def keep_scale(scale: MeasuredScale, who: Origin, folder: Path) -> tuple[ScaleFile, tuple[Path, ...]]:
    """Keep a scale, and beside it an optics profile; returns the files, the calibration's first.

    Raises
    ------
    ScaleError
        If it is no scale of a microscope.
    """
    Optics(scale.um_per_px)
    values = {
        "um_per_px": scale.um_per_px,
        "standard_error_um_per_px": scale.standard_error_um_per_px,
        "method": scale.method,
        "residual_px": scale.residual_px,
        "lines": scale.lines,
    }
    kept = build(ScaleFile, {**who.head("scale", folder), **values})
    profile = OpticsProfileFile.model_validate(
        {
            "schema": "armicro.optics-profile/1",
            "name": kept.objective,
            "version": kept.version,
            "source": f"{kept.method}; {kept.residual}; {who.operator}, instrument {who.instrument}; "
            f"{kept.identity}, armicro {__version__}",
            "objective": kept.objective,
            "um_per_px": kept.um_per_px,
        }
    )
    name = f"optics-{file_name(kept).removeprefix('scale-')}"
    path = write(kept, folder, {name: toml_text(profile.model_dump(by_alias=True))})
    return kept, (path, folder / name)


# -- eyepiece ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AlignedShapes:
    """What was aligned with what.

    Parameters
    ----------
    camera_px, display_px : tuple of int
        Height and width of the camera's frames and of the display.
    circle_yx_px : tuple of float
        Centre of the visible circle, camera px.
    circle_radius_px : float
        Its radius, camera px.
    """

    camera_px: tuple[int, int]
    display_px: tuple[int, int]
    circle_yx_px: tuple[float, float]
    circle_radius_px: float


def keep_eyepiece(
    fit: HomographyFit, shapes: AlignedShapes, who: Origin, folder: Path
) -> tuple[EyepieceFile, Path]:
    """Keep an alignment.

    Raises
    ------
    CalibrationError
        If its values do not fit together.
    """
    kept = build(
        EyepieceFile,
        {
            **who.head("eyepiece", folder),
            "camera_shape_px": shapes.camera_px,
            "display_shape_px": shapes.display_px,
            "matrix": fit.matrix.tolist(),
            "circle_yx_px": shapes.circle_yx_px,
            "circle_radius_px": shapes.circle_radius_px,
            "residual_um": fit.rms_um if fit.redundant else None,
            "worst_um": fit.max_um if fit.redundant else None,
            "pairs": len(fit.inliers),
            "outliers": int((~fit.inliers).sum()),
        },
    )
    try:
        kept.calibration()
    except ValueError as error:
        raise CalibrationError(str(error)) from error
    return kept, write(kept, folder)
