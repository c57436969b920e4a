"""`armicro calibrate scale`: µm per pixel from a stage micrometer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from armicro import __version__
from armicro.app import console
from armicro.app.calibration_files import ScaleFile
from armicro.app.calibration_store import Origin, build, file_name, write
from armicro.app.commands.calibrate import common
from armicro.app.profiles import OpticsProfileFile
from armicro.app.toml_text import toml_text
from armicro.contracts.errors import CalibrationError, InputError
from armicro.contracts.frame import Optics
from armicro.imaging.rulings import Rulings, measure_rulings

SQUARE = 0.01
"""Scales of two pictures that differ by more are of two objectives, or pixels are not square."""


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
    Optics(float(str(values["um_per_px"])))
    kept = build(ScaleFile, {**who.head("scale", folder), **values})
    profile = _optics_file(kept, who)
    path = write(kept, folder, profile)
    error = kept.standard_error_um_per_px
    precision = "" if error is None else f" ± {error:.6f} (standard error)"
    console.results().print(f"{kept.um_per_px:.6f} µm/px{precision}; {kept.residual}", soft_wrap=True)
    common.say_written(kept, path, [folder / name for name in profile])


def _by_hand(known_um: float, start: str | None, end: str | None) -> dict[str, object]:
    if start is None or end is None:
        raise InputError("--known-length needs --from Y,X and --to Y,X")
    a, b = common.numbers(start, 2, "--from", "100,200"), common.numbers(end, 2, "--to", "100,1800")
    length_px = math.dist(a, b)
    if length_px < 100 or known_um <= 0:
        raise CalibrationError(
            f"{known_um:g} µm over {length_px:.0f} px is too short to measure: take a length above 100 px"
        )
    return {"um_per_px": known_um / length_px, "method": f"{known_um:g} µm over {length_px:.1f} px, by hand"}


def _from_rulings(images: list[Path], division_um: float) -> dict[str, object]:
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
    standard_error = max(mean / math.sqrt(sum(weights)), spread)
    return {
        "um_per_px": mean,
        "standard_error_um_per_px": standard_error,
        "method": f"stage micrometer, {division_um:g} µm per division, {len(found)} pictures",
        "residual_px": max(one.residual_px for one in found),
        "lines": sum(one.lines for one in found),
    }


def _optics_file(kept: ScaleFile, who: Origin) -> dict[str, str]:
    """Return the optics profile's text by its file name."""
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
    return {f"optics-{file_name(kept).removeprefix('scale-')}": toml_text(profile.model_dump(by_alias=True))}
