"""`armicro calibrate flat` and `check`: empty glass, once a month and every day."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from armicro.app import console
from armicro.app.calibration_files import DustFile, FlatFile
from armicro.app.calibration_store import build, newest, read_as, write
from armicro.app.commands.calibrate import common
from armicro.app.flat_field import flat_of
from armicro.contracts.errors import CalibrationError
from armicro.imaging.glass import measure_glass
from armicro.imaging.glass_drift import glass_drift


def flat(
    frames: Annotated[Path, typer.Option("--frames", metavar="DIR", help="Folder of frames of empty glass.")],
    objective: common.Objective,
    instrument: common.Instrument = common.UNNAMED,
    operator: common.Operator = None,
    date: common.Day = None,
    valid_days: common.ValidDays = None,
    out: common.Out = None,
) -> None:
    """Measure white point, evenness of the light and dust on frames of empty glass.

    Focus on tissue, move to empty glass, switch automatic exposure and white balance off, and take 16
    frames or more while the stage moves a little.
    """
    folder = common.folder_of(out)
    who = common.origin(instrument, objective, operator, date, valid_days)
    found = measure_glass(common.read_pixels(p) for p in common.picture_paths(frames))
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
    path = write(kept, folder)
    white = ", ".join(f"{v:.1f}" for v in found.flat.white_rgb)
    console.results().print(
        f"white point {white} (red, green, blue) from {found.frames} frames; {kept.residual}; "
        f"{len(kept.dust.yx_px)} spots of dust",
        soft_wrap=True,
    )
    common.say_written(kept, path)


def check(
    frame: Annotated[
        Path,
        typer.Option("--frame", metavar="FILE", help="A frame of empty glass, as it comes from the camera."),
    ],
    objective: common.Objective,
    flat_file: Annotated[
        Path | None, typer.Option("--flat", metavar="FILE", help="The calibration; else the newest.")
    ] = None,
    instrument: Annotated[
        str | None, typer.Option("--instrument", metavar="SERIAL", envvar="ARMICRO_INSTRUMENT")
    ] = None,
    date: common.Day = None,
    out: common.Out = None,
) -> None:
    """Compare a frame of empty glass with the stored calibration: the check of every morning.

    Prints ok or warn; ends with code 3 where nothing should be scored before it is calibrated again.
    """
    day = common.day_of(date)
    stored = (
        newest(common.folder_of(out), FlatFile, objective, instrument)
        if flat_file is None
        else read_as(flat_file, FlatFile)
    )
    found = glass_drift(common.read_pixels(frame), flat_of(stored))
    print_ = console.results().print
    print_(f"against {console.shown(stored.identity)} of {stored.date}", soft_wrap=True)
    print_(
        f"white point {found.white:+.2%}, colour {found.colour:.2%}, uneven {found.uneven:.2%}, "
        f"dust {found.spots:.2%} of the field",
        soft_wrap=True,
    )
    verdict, reasons = found.verdict, list(found.reasons)
    if not stored.valid_on(day):
        verdict = "warn" if verdict == "ok" else verdict
        reasons.append(f"the calibration counted from {stored.date} to {stored.expires}: calibrate again")
    if verdict == "refuse":
        raise CalibrationError(f"refuse: {'; '.join(reasons)}")
    print_(f"{verdict}{': ' if reasons else ''}{console.shown('; '.join(reasons))}", soft_wrap=True)
