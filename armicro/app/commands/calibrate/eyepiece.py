"""`armicro calibrate eyepiece`: where the camera's picture lies on the eyepiece's display."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from armicro.app import console
from armicro.app.calibrating import AlignedShapes, keep_eyepiece
from armicro.app.calibration_files import ANY
from armicro.app.commands.calibrate import common
from armicro.contracts.arrays import F64
from armicro.contracts.errors import AlignmentError, InputError
from armicro.contracts.frame import Optics
from armicro.devices.file_model import read_text
from armicro.imaging.homography import FitLimits, fit_homography

COLUMNS = ("camera_y_px", "camera_x_px", "display_y_px", "display_x_px")


def read_pairs(path: Path) -> tuple[F64, F64]:
    """Read pairs of points, (N, 2) y, x each: camera and display.

    Raises
    ------
    AlignmentError
        In one line with file, line and what was expected.
    """
    reader = csv.DictReader(io.StringIO(read_text(path, AlignmentError)))
    if not set(COLUMNS) <= set(reader.fieldnames or ()):
        raise AlignmentError(f"{path}: expected the columns {', '.join(COLUMNS)}")
    rows = []
    for row in reader:
        try:
            rows.append([float(row[name]) for name in COLUMNS])
        except (TypeError, ValueError) as error:
            raise AlignmentError(f"{path}, line {reader.line_num}: expected four numbers") from error
    pairs = np.array(rows, np.float64).reshape(-1, 4)
    return pairs[:, :2], pairs[:, 2:]


def eyepiece(
    pairs: Annotated[
        Path,
        typer.Option("--pairs", metavar="CSV", help=f"At least 4, better 9, rows of {', '.join(COLUMNS)}."),
    ],
    camera: Annotated[
        str, typer.Option("--camera", metavar="H,W", help="Height and width of its frames, px.")
    ],
    display: Annotated[str, typer.Option("--display", metavar="H,W", help="Height and width of it, px.")],
    um_per_px: Annotated[
        float, typer.Option("--um-per-px", metavar="X", help="Scale of the camera's frames.")
    ],
    objective: Annotated[
        str, typer.Option("--objective", metavar="NAME", help="The objective; one alignment may serve all.")
    ] = ANY,
    circle: Annotated[
        str | None,
        typer.Option("--circle", metavar="Y,X,R", help="What is seen through the eyepiece, camera px."),
    ] = None,
    limit_um: Annotated[
        float, typer.Option("--limit-um", min=0.1, max=20, help="Greatest RMS residual that is taken, µm.")
    ] = FitLimits().max_rms_um,
    instrument: common.Instrument = common.UNNAMED,
    operator: common.Operator = None,
    date: common.Day = None,
    valid_days: common.ValidDays = None,
    out: common.Out = None,
) -> None:
    """Fit the mapping from camera to display to points that were brought to cover each other.

    A point that contradicts the others is left out and said so; a fit above the limit is refused.
    """
    folder = common.folder_of(out)
    who = common.origin(instrument, objective, operator, date, valid_days)
    camera_px, display_px = _size(camera, "--camera"), _size(display, "--display")
    Optics(um_per_px)
    limits = FitLimits(max_rms_um=limit_um, max_um=limit_um * FitLimits().max_um / FitLimits().max_rms_um)
    camera_yx, display_yx = read_pairs(pairs)
    fit = fit_homography(camera_yx, display_yx, um_per_px, camera_px, limits)
    y, x, radius = (
        common.numbers(circle, 3, "--circle", "1504,1504,1400")
        if circle
        else ((camera_px[0] - 1) / 2, (camera_px[1] - 1) / 2, min(camera_px) / 2)
    )
    shapes = AlignedShapes(camera_px, display_px, (y, x), radius)
    kept, path = keep_eyepiece(fit, shapes, who, folder)
    for index in np.flatnonzero(~fit.inliers):
        console.note(f"pair {index + 1} contradicts the others and was left out")
    if not fit.redundant:
        console.note("four pairs are met exactly, whatever their errors: take more to know the residual")
    console.results().print(
        f"residual {fit.rms_px:.2f} px RMS on the display, worst {fit.max_px:.2f} px; {kept.residual}",
        soft_wrap=True,
    )
    common.say_written(kept, path)


def _size(text: str, option: str) -> tuple[int, int]:
    height, width = common.numbers(text, 2, option, "3008,4112")
    if min(height, width) < 1 or height != int(height) or width != int(width):
        raise InputError(f"{option}: expected height and width in whole pixels, got {text!r}")
    return int(height), int(width)
