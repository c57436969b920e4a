"""`armicro calibrate thresholds`: fit all thresholds jointly to cells marked by eye."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from armicro.analysis.read_per_cell import PerCellParams
from armicro.analysis.threshold_fit import Labelled, ThresholdFit, ThresholdGrid, at_the_edge, fit_thresholds
from armicro.app import console
from armicro.app.calibration_files import ANY, ThresholdsFile
from armicro.app.calibration_store import build, write
from armicro.app.commands.calibrate import common
from armicro.app.labelled_fields import labelled_fields, read_index
from armicro.app.profile_writing import stain_profile_text, text_sha256
from armicro.app.profiles import DEFAULT_STAIN_PROFILE, load_stain_profile
from armicro.contracts.stain import DabThresholds
from armicro.report.threshold_plot import threshold_svg
from armicro.scoring.agreement import quadratic_kappa, within_one


def thresholds(
    points: Annotated[
        Path, typer.Option("--points", metavar="DIR", help="Folder of points by eye, with its index.tsv.")
    ],
    images: Annotated[
        Path, typer.Option("--images", metavar="DIR", help="Folder that the images of the index lie in.")
    ],
    profile: Annotated[
        str,
        typer.Option(
            "--profile", metavar="NAME|FILE", help="Profile with the stain vectors of these images."
        ),
    ] = DEFAULT_STAIN_PROFILE,
    five: Annotated[
        bool, typer.Option("--five", help="No faint level: the paper's five categories.")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", metavar="TEXT", help="Name of the new profile.")
    ] = None,
    instrument: common.Instrument = common.UNNAMED,
    operator: common.Operator = None,
    date: common.Day = None,
    valid_days: common.ValidDays = None,
    out: common.Out = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Choose the thresholds that agree best with categories by eye (Zhang et al. 2020, section 5.2).

    Best is the largest quadratic-weighted kappa; how far it carries is told by reading each image with the
    thresholds of the others. Writes the calibration, a stain profile and a map of kappa (SVG).
    """
    folder = common.folder_of(out)
    who = common.origin(instrument, ANY, operator, date, valid_days)
    base = load_stain_profile(profile)
    grid = ThresholdGrid(faint_od=()) if five else ThresholdGrid()
    n = len(read_index(points))
    with console.progress("crops", 2 * n, quiet=quiet) as tick:
        cells: list[Labelled] = []
        for labelled in labelled_fields(points, images, base, PerCellParams()):
            cells.append(labelled)
            tick(len(cells), labelled.image)
        fit = fit_thresholds(cells, grid, PerCellParams(), lambda done: tick(n + done, "fitting"))
    head = who.head("thresholds", folder)
    held_out = quadratic_kappa(fit.held_out)
    made = replace(
        base,
        name=name or f"thresholds-{head['version']}",
        version=str(head["version"]),
        thresholds=fit.thresholds,
        source=f"Thresholds: fitted to {int(fit.matrix.sum())} cells by eye of {len(fit.by_image)} images, κ "
        f"{held_out:.3f} on images left out; {who.operator}. Vectors: those of {base.name} {base.version}.",
    )
    stem = re.sub(r"[^A-Za-z0-9.]+", "-", made.name).strip("-.") or "x"
    file, plot, text = f"profile-{stem}.toml", f"profile-{stem}.svg", stain_profile_text(made)
    common.require_free(folder, [file, plot])
    kept = build(
        ThresholdsFile,
        {
            **head, "profile": file, "profile_sha256": text_sha256(text), "cells": int(fit.matrix.sum()),
            "images": len(fit.by_image), "kappa_fitted": fit.kappa, "kappa_held_out": held_out,
            "within_one_held_out": within_one(fit.held_out),
        },
    )  # fmt: skip
    path = write(kept, folder, {file: text, plot: _plot(fit, made.name)})
    _print(fit)
    common.say_written(kept, path, [folder / file, folder / plot])


def _plot(fit: ThresholdFit, name: str) -> str:
    at = fit.weak_od.index(fit.thresholds.weak_od), fit.intense_od.index(fit.thresholds.intense_od)
    faint = fit.thresholds.faint_od
    with_faint = "no faint level" if faint is None else f"faint {faint:g}"
    cells = f"{int(fit.matrix.sum())} cells, {len(fit.by_image)} images"
    return threshold_svg(fit.weak_od, fit.intense_od, fit.surface, at, f"{name}: {cells}, {with_faint}")


def _print(fit: ThresholdFit) -> None:
    out = console.results()
    out.print(
        f"{_words(fit.thresholds)}: κ {fit.kappa:.3f} on the images they were fitted to; left out "
        f"{quadratic_kappa(fit.held_out):.3f}, within one class {within_one(fit.held_out):.3f}",
        soft_wrap=True,
    )
    for image, (chosen, matrix) in sorted(fit.by_image.items()):
        out.print(
            f"  {console.shown(image)}: {int(matrix.sum())} cells, others choose {_words(chosen)}, κ "
            f"{quadratic_kappa(matrix):.3f}",
            soft_wrap=True,
        )
    if at_the_edge(fit):
        console.note("a threshold lies at the edge of what is tried: the best may lie beyond")


def _words(t: DabThresholds) -> str:
    faint = "" if t.faint_od is None else f"faint {t.faint_od:g}, "
    return f"{faint}weak {t.weak_od:g}, intense {t.intense_od:g}"
