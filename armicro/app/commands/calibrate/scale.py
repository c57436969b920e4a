"""`armicro calibrate scale`: µm per pixel from a stage micrometer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from armicro.app import console
from armicro.app.calibrating import keep_scale, scale_by_hand, scale_of_rulings
from armicro.app.commands.calibrate import common
from armicro.contracts.errors import CalibrationError, InputError
from armicro.imaging.rulings import Rulings, measure_rulings
from armicro.session.measured import MeasuredScale


def scale(
    objective: common.Objective,
    image: Annotated[
        list[Path] | None,
        typer.Option(
            "--image",
            metavar="FILE",
            help="Picture of a stage micrometer; better two, one turned by 90°. Can be given several times.",
        ),
    ] = None,
    division_um: Annotated[
        float | None,
        typer.Option("--division-um", metavar="UM", help="Distance of neighbouring lines, µm."),
    ] = None,
    known_length: Annotated[
        float | None,
        typer.Option("--known-length", metavar="UM", help="By hand instead: a length in µm, ..."),
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="Y,X", help="... from this pixel of the full picture, ...")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="Y,X", help="... to this one.")] = None,
    instrument: common.Instrument = common.UNNAMED,
    operator: common.Operator = None,
    date: common.Day = None,
    valid_days: common.ValidDays = None,
    out: common.Out = None,
) -> None:
    """Measure the size of a pixel on the rulings of a stage micrometer, or by hand.

    Writes the calibration, and beside it an optics profile for --optics.
    """
    folder = common.folder_of(out)
    who = common.origin(instrument, objective, operator, date, valid_days)
    if known_length is not None:
        if image or division_um is not None:
            raise InputError("give either --image with --division-um, or --known-length with --from and --to")
        values = _by_hand(known_length, from_, to)
    else:
        if not image or division_um is None:
            raise InputError("give --image and --division-um, or --known-length with --from and --to")
        values = _from_rulings(image, division_um)
    kept, paths = keep_scale(values, who, folder)
    error = kept.standard_error_um_per_px
    precision = "" if error is None else f" ± {error:.6f} (standard error)"
    console.results().print(f"{kept.um_per_px:.6f} µm/px{precision}; {kept.residual}", soft_wrap=True)
    common.say_written(kept, paths[0], paths[1:])


def _by_hand(known_um: float, start: str | None, end: str | None) -> MeasuredScale:
    if start is None or end is None:
        raise InputError("--known-length needs --from Y,X and --to Y,X")
    a, b = common.numbers(start, 2, "--from", "100,200"), common.numbers(end, 2, "--to", "100,1800")
    return scale_by_hand(known_um, a, b)


def _from_rulings(images: list[Path], division_um: float) -> MeasuredScale:
    if not 0 < division_um < 10_000:
        raise InputError(
            f"--division-um: expected the distance of lines in µm, such as 10, got {division_um:g}"
        )
    found: list[Rulings] = []
    for path in images:
        try:
            found.append(measure_rulings(common.read_pixels(path)))
        except CalibrationError as error:
            raise CalibrationError(f"{path}: {error}") from error
    for path, one in zip(images, found, strict=True):
        console.results().print(
            f"{console.shown(path)}: {division_um / one.period_px:.6f} µm/px, {one.lines} lines "
            f"{'up and down' if one.upright else 'across'}, tilted {one.tilt_deg:.2f}°, "
            f"scatter {one.residual_px:.3f} px",
            soft_wrap=True,
        )
    return scale_of_rulings(found, division_um)
