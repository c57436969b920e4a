"""`armicro calibrate flat` and `check`: empty glass, once a month and every day."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from armicro.app import console
from armicro.app.calibrating import check_glass, glass_words, keep_glass
from armicro.app.calibration_files import FlatFile
from armicro.app.calibration_store import newest, read_as
from armicro.app.commands.calibrate import common
from armicro.contracts.errors import CalibrationError
from armicro.imaging.glass import measure_glass


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
    kept, path = keep_glass(found, who, folder)
    console.results().print(glass_words(kept), soft_wrap=True)
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
        str | None, typer.Option("--instrument", metavar="SERIAL", envvar="ARMICRO_SERIAL")
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
    found = check_glass(common.read_pixels(frame), stored, day)
    print_ = console.results().print
    print_(f"against {console.shown(found.against)}", soft_wrap=True)
    print_(found.figures, soft_wrap=True)
    if found.verdict == "refuse":
        raise CalibrationError(f"refuse: {'; '.join(found.reasons)}")
    reasons = "; ".join(found.reasons)
    print_(f"{found.verdict}{': ' if reasons else ''}{console.shown(reasons)}", soft_wrap=True)
