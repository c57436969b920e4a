"""Command line options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from armicro.assays.her2_ihc import Reading
from armicro.inference.choose import EngineName

_CASE = "Case"
_OUT = "Outputs"

Guideline = Annotated[
    str,
    typer.Option(
        "--guideline", metavar="NAME", help="Rule set; see `armicro guidelines`.", rich_help_panel=_CASE
    ),
]
GateLimitsName = Annotated[
    str,
    typer.Option(
        "--gate-limits",
        metavar="NAME|FILE",
        help="Limits of the quality gate: the shipped ones, or a TOML file.",
        rich_help_panel=_CASE,
    ),
]
StainProfile = Annotated[
    str,
    typer.Option(
        "--stain-profile",
        metavar="NAME|FILE",
        help="Stain profile: a shipped one by name, or a TOML file.",
        rich_help_panel=_CASE,
    ),
]
CellReading = Annotated[
    Reading,
    typer.Option("--reading", help="How a cell's membrane becomes a category.", rich_help_panel=_CASE),
]
Detector = Annotated[
    str,
    typer.Option(
        "--detector",
        metavar="NAME",
        help="What finds nuclei: a network by its name, classical, or auto, which takes the network that is "
        "installed.",
        rich_help_panel=_CASE,
    ),
]
Engine = Annotated[
    EngineName,
    typer.Option(
        "--engine", help="What runs the network; the processor takes over if it fails.", rich_help_panel=_CASE
    ),
]
CaseId = Annotated[
    str,
    typer.Option("--case-id", metavar="TEXT", help="The case's name in every output.", rich_help_panel=_CASE),
]
Seed = Annotated[
    int, typer.Option("--seed", min=0, help="Seed of the interval's resampling.", rich_help_panel=_CASE)
]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the case as JSON.", rich_help_panel=_OUT)
]
Cells = Annotated[
    Path | None,
    typer.Option("--cells", metavar="DIR", help="Write each field's cells as CSV.", rich_help_panel=_OUT),
]
Overlay = Annotated[
    Path | None,
    typer.Option(
        "--overlay", metavar="DIR", help="Write each field with its overlay as PNG.", rich_help_panel=_OUT
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report", metavar="FILE.html", help="Write a self-contained report.", rich_help_panel=_OUT
    ),
]
Geojson = Annotated[
    Path | None,
    typer.Option(
        "--geojson",
        metavar="DIR",
        help="Write each field's cells as GeoJSON, which QuPath opens.",
        rich_help_panel=_OUT,
    ),
]
Pdf = Annotated[
    Path | None,
    typer.Option("--pdf", metavar="FILE.pdf", help="Write the report as PDF.", rich_help_panel=_OUT),
]
Dicom = Annotated[
    Path | None,
    typer.Option(
        "--dicom",
        metavar="DIR",
        help="Write DICOM: fields as images, cells as annotations, the score as a structured report.",
        rich_help_panel=_OUT,
    ),
]
Bundle = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        metavar="FILE.zip",
        help="Write the whole case in one file: pixels, settings, rules, result. `score` takes it back.",
        rich_help_panel=_OUT,
    ),
]
Reproducible = Annotated[
    bool,
    typer.Option(
        "--reproducible",
        help="Leave out what depends on the clock, so that two runs give the same bytes.",
        rich_help_panel=_OUT,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress; one line of result.", rich_help_panel=_OUT)
]
