"""`armicro calibrate stain` and `control`: stain vectors, and thresholds carried between runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from armicro.app import console
from armicro.app.calibration_files import ANY, ControlFile, FlatFile, StainFile
from armicro.app.calibration_store import build, read_as, write
from armicro.app.commands.calibrate import common
from armicro.app.flat_field import flat_of
from armicro.app.profile_writing import stain_profile_text, text_sha256
from armicro.app.profiles import DEFAULT_STAIN_PROFILE, load_stain_profile
from armicro.contracts.arrays import U8
from armicro.contracts.errors import InputError
from armicro.contracts.frame import Optics
from armicro.contracts.stain import StainProfile, Vector3
from armicro.devices.image_files import read_image
from armicro.imaging.control import PERCENTILE, control_density, control_factor, scaled
from armicro.imaging.glass import flatten, gain_map
from armicro.imaging.stain import estimate_white
from armicro.imaging.stain_vectors import StainVectors, angle_deg, from_picks, macenko

FAR_DEG = 15.0
"""Vectors that turned by more are worth a second look at the pictures."""

Images = Annotated[
    list[Path] | None,
    typer.Option("--images", metavar="FILE", help="Field with both stains; can be given several times."),
]
Scale = Annotated[
    float | None, typer.Option("--um-per-px", metavar="X", help="Scale, where the files do not tell it.")
]
Base = Annotated[
    str,
    typer.Option("--profile", metavar="NAME|FILE", help="The profile that the new one starts from."),
]
Flat = Annotated[
    Path | None,
    typer.Option("--flat", metavar="FILE", help="Flat field of the objective: evens the light, gives white."),
]
Name = Annotated[
    str | None,
    typer.Option("--name", metavar="TEXT", help="Name of the new profile.", show_default="made up"),
]


@dataclass(frozen=True, slots=True)
class Fields:
    """Pictures of one scale, corrected, with their white points."""

    rgb: tuple[U8, ...]
    whites: tuple[Vector3, ...]
    um_per_px: float


def load_fields(
    paths: Sequence[Path], um_per_px: float | None, flat_file: Path | None, white: Vector3 | None
) -> Fields:
    """Read fields and find their white points: measured, given, or estimated from each.

    Raises
    ------
    InputError
        If one cannot be read, or scales differ.
    """
    flat = None if flat_file is None else flat_of(read_as(flat_file, FlatFile))
    gain = None if flat is None else gain_map(flat)
    loaded = [read_image(path, um_per_px) for path in paths]
    scales = sorted({image.um_per_px for image in loaded})
    if len(scales) != 1:
        raise InputError(f"the pictures are of different scales ({scales[0]:g} to {scales[-1]:g} µm/px)")
    rgb = tuple(image.rgb if gain is None else flatten(image.rgb, gain) for image in loaded)
    known = white or (flat.white_rgb if flat is not None else None)
    return Fields(rgb, tuple(known or estimate_white(r, scales[0]) for r in rgb), scales[0])


def stain(
    images: Images = None,
    pick: Annotated[
        list[str] | None,
        typer.Option(
            "--pick",
            metavar="STAIN=R,G,B",
            help="Instead: grey values of a pixel of pure haematoxylin or dab; several of each are averaged.",
        ),
    ] = None,
    um_per_px: Scale = None,
    profile: Base = DEFAULT_STAIN_PROFILE,
    flat: Flat = None,
    white: Annotated[
        str | None, typer.Option("--white", metavar="R,G,B", help="Grey values of empty glass.")
    ] = None,
    name: Name = None,
    instrument: common.Instrument = common.UNNAMED,
    operator: common.Operator = None,
    date: common.Day = None,
    valid_days: common.ValidDays = None,
    out: common.Out = None,
) -> None:
    """Measure stain vectors on strongly stained fields (Macenko 2009), or take them from picked pixels.

    Writes the calibration and a stain profile for --stain-profile, with the thresholds of the profile it
    starts from.
    """
    folder = common.folder_of(out)
    who = common.origin(instrument, ANY, operator, date, valid_days)
    base = load_stain_profile(profile)
    given = _rgb(white, "--white") if white else None
    if bool(images) == bool(pick):
        raise InputError("give either --images or --pick, for each stain")
    if images:
        fields = load_fields(images, um_per_px, flat, given)
        vectors = macenko(fields.rgb, fields.whites, fields.um_per_px)
        method = f"Macenko 2009 on {vectors.places} places of {len(images)} fields"
    else:
        glass = given or (read_as(flat, FlatFile).white_rgb if flat else base.white_rgb)
        vectors, method = _picked(pick or [], glass)
    known = given or (read_as(flat, FlatFile).white_rgb if flat else None)
    head = who.head("stain", folder)
    made = replace(
        base,
        name=name or f"stain-{head['version']}",
        version=str(head["version"]),
        haematoxylin_rgb_od=vectors.haematoxylin_rgb_od,
        dab_rgb_od=vectors.dab_rgb_od,
        white_rgb=known or (base.white_rgb if pick else None),
        source=f"Vectors: {method}; {who.operator}, instrument {who.instrument}. Thresholds: those of "
        f"{base.name} {base.version}.",
    )
    turned = (
        angle_deg(base.haematoxylin_rgb_od, made.haematoxylin_rgb_od),
        angle_deg(base.dab_rgb_od, made.dab_rgb_od),
    )
    file, text = _profile_file(made, folder)
    kept = build(
        StainFile,
        {
            **head, "profile": file, "profile_sha256": text_sha256(text), "method": method,
            "turned_deg": turned, "residual_od": vectors.residual_od,
        },
    )  # fmt: skip
    path = write(kept, folder, {file: text})
    if max(turned) > FAR_DEG:
        console.note(f"the vectors turned by {turned[0]:.0f}° and {turned[1]:.0f}°: are the pictures H-DAB?")
    h, d = (", ".join(f"{v:.3f}" for v in u) for u in (made.haematoxylin_rgb_od, made.dab_rgb_od))
    console.results().print(
        f"haematoxylin {h} (turned {turned[0]:.1f}°), DAB {d} (turned {turned[1]:.1f}°); {kept.residual}; "
        f"{method}",
        soft_wrap=True,
    )
    common.say_written(kept, path, [folder / file])


def control(
    positive: Annotated[
        list[Path], typer.Option("--positive", metavar="FILE", help="Field of the positive control.")
    ],
    negative: Annotated[
        list[Path] | None, typer.Option("--negative", metavar="FILE", help="Field of the negative control.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            metavar="FILE",
            help="Control of the run that the profile's thresholds were set on; without it this one is it.",
        ),
    ] = None,
    um_per_px: Scale = None,
    profile: Base = DEFAULT_STAIN_PROFILE,
    flat: Flat = None,
    name: Name = None,
    staining_run: Annotated[
        str | None,
        typer.Option("--staining-run", metavar="NAME", help="The run in which the control was stained."),
    ] = None,
    case: Annotated[
        str | None, typer.Option("--case", metavar="ID", help="The case whose slide carries the control.")
    ] = None,
    instrument: common.Instrument = common.UNNAMED,
    operator: common.Operator = None,
    date: common.Day = None,
    valid_days: common.ValidDays = None,
    out: common.Out = None,
) -> None:
    """Measure the DAB of control slides, so that thresholds carry from one run to the next.

    Without --reference it becomes the reference. With it, a profile is written whose thresholds are those of
    --profile times what this run has more or less of DAB. The quality gate asks for a control of the day, of
    the slide's --staining-run, or of the --case itself.
    """
    folder = common.folder_of(out)
    who = common.origin(instrument, ANY, operator, date, valid_days)
    base = load_stain_profile(profile)
    before = None if reference is None else read_as(reference, ControlFile)
    percentile = PERCENTILE if before is None else before.percentile
    plus = _density(positive, um_per_px, flat, base, percentile)
    minus = _density(negative, um_per_px, flat, base, percentile) if negative else None
    head = who.head("control", folder)
    values: dict[str, object] = {
        **head, "percentile": percentile, "positive_od": plus, "negative_od": minus, "reference": "itself",
        "factor": 1.0, "staining_run": staining_run, "case": case,
    }  # fmt: skip
    extra: dict[str, str] = {}
    control_factor(plus, plus, minus, minus)
    if before is not None:
        factor = control_factor(plus, before.positive_od, minus, before.negative_od)
        made = replace(
            base,
            name=name or f"control-{head['version']}",
            version=str(head["version"]),
            thresholds=scaled(base.thresholds, factor),
            source=f"{base.name} {base.version} with thresholds times {factor:.4f}, from a control's DAB "
            f"against {before.identity}. {base.source}",
        )
        file, text = _profile_file(made, folder)
        extra[file] = text
        values |= {"reference": before.identity, "factor": factor, "profile": file}
    kept = build(ControlFile, values)
    path = write(kept, folder, extra)
    faint = base.thresholds.faint_od or base.thresholds.weak_od
    if minus is not None and minus > faint:
        console.note(
            f"the negative control has {minus:.3f} OD, above the threshold {faint:g}: background stain"
        )
    shown = "" if minus is None else f", negative {minus:.4f}"
    console.results().print(
        f"DAB at {percentile:g} %: positive {plus:.4f}{shown} log10 OD; {kept.residual}", soft_wrap=True
    )
    common.say_written(kept, path, [folder / file for file in extra])


def _density(
    paths: Sequence[Path], um_per_px: float | None, flat: Path | None, base: StainProfile, percentile: float
) -> float:
    fields = load_fields(paths, um_per_px, flat, base.white_rgb)
    seen = replace(base, white_rgb=fields.whites[0]) if flat else base
    return control_density(fields.rgb, Optics(fields.um_per_px), seen, percentile)


def _picked(picks: Sequence[str], white: Vector3 | None) -> tuple[StainVectors, str]:
    if white is None:
        raise InputError("--pick needs the grey values of empty glass: give --white R,G,B or --flat FILE")
    values: dict[str, list[tuple[float, ...]]] = {"haematoxylin": [], "dab": []}
    for text in picks:
        stain_name, _, rgb = text.partition("=")
        if stain_name not in values:
            raise InputError(f"--pick: expected haematoxylin=R,G,B or dab=R,G,B, got {text!r}")
        values[stain_name].append(_rgb(rgb, "--pick"))
    if not all(values.values()):
        raise InputError("--pick: at least one pixel of haematoxylin and one of dab is needed")
    h, d = (np.array(values[n], np.float64) for n in ("haematoxylin", "dab"))
    return from_picks(h, d, white), f"{len(h)} and {len(d)} picked pixels"


def _rgb(text: str, option: str) -> Vector3:
    r, g, b = common.numbers(text, 3, option, "240,240,238")
    if not all(0 <= v <= 255 for v in (r, g, b)):
        raise InputError(f"{option}: grey values are 0 to 255, got {text!r}")
    return r, g, b


def _profile_file(profile: StainProfile, folder: Path) -> tuple[str, str]:
    """Return name and text of a new profile, having made sure that the name is free."""
    file = f"profile-{re.sub(r'[^A-Za-z0-9.]+', '-', profile.name).strip('-.') or 'x'}.toml"
    common.require_free(folder, [file])
    return file, stain_profile_text(profile)
