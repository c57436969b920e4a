"""`armicro demo`: a case from pixels to report, on a machine that has nothing but this program."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import skimage.data
import typer
from rich.console import Console
from rich.table import Table

from armicro.app import console, options
from armicro.app.case_inputs import image_inputs
from armicro.app.case_run import CaseOptions, CaseOutputs
from armicro.app.commands.score import score_images
from armicro.app.commands.simulate import write_fields
from armicro.app.detectors import AUTO, DetectorChoice
from armicro.app.staging import Staging
from armicro.app.tables import print_case
from armicro.contracts.arrays import U8
from armicro.contracts.cells import CATEGORIES
from armicro.contracts.frame import Frame, Optics
from armicro.devices.image_files import frame_text
from armicro.inference.choose import EngineName
from armicro.report.models import CaseDocument
from armicro.sim.case import CaseParams
from armicro.sim.params import parse_mix

_MIX = "intense_complete=0.06,intense_incomplete=0.05,weak_complete=0.25,weak_incomplete=0.22,faint=0.14"
_SEED = 7
_REAL_UM_PER_PX = 0.453
"""Scale of scikit-image's IHC picture, judged by its nuclei; its source states none."""
_REAL_NOTICE = (
    "A real picture: scikit-image's IHC example. It is stained for another protein (FHL2), not for HER2, "
    "so its score means nothing; it shows that real pixels take the same path."
)


def _score_folder(
    images: list[Path], out: Path, options_: CaseOptions, *, quiet: bool
) -> tuple[CaseDocument, list[Path]]:
    outputs = CaseOutputs(out / "case.json", out / "cells", out / "overlay", out / "report.html")
    document, written = score_images(image_inputs(images, [], None, []), options_, outputs, quiet=quiet)
    return document, [p for p in written if p.parent == out]


def _simulated_fields(out: Path, *, fields: int, size: int, quiet: bool) -> tuple[list[Path], dict[str, Any]]:
    params = CaseParams(mix=parse_mix(_MIX), um_per_px=0.212, shape_px=(size, size), fields=fields)
    with Staging() as staging:
        staging.folder(out)
        with console.progress("simulating tissue", fields, quiet=quiet) as tick:
            paths, truth = write_fields(out, params, _SEED, staging, tick)
        staging.commit()
    return paths, truth


def _real_image(out: Path) -> Path:
    """Write scikit-image's picture, which its package carries, as a file such as a user has."""
    path = out / "ihc.png"
    load: Callable[[], U8] = skimage.data.immunohistochemistry
    rgb = load()
    with Staging() as staging:
        staging.write_png(path, rgb, frame_text(Frame(rgb, 0, 0, Optics(_REAL_UM_PER_PX), path.name)))
        staging.commit()
    return path


def _print_truth(out: Console, document: CaseDocument, truth: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("category", "true", "read"):
        table.add_column(title, justify="left" if title == "category" else "right")
    for category in CATEGORIES:
        read = getattr(document.proportions, category.key)
        table.add_row(category.key, f"{truth['proportions'][category.key]:.1%}", f"{read or 0:.1%}")
    table.add_row("tumour cells", str(truth["n_cells"]), str(document.n_cells))
    out.print("The simulator's truth beside the reading:")
    out.print(table)
    out.print()


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for what is written.")] = Path(
        "armicro-demo"
    ),
    fields: Annotated[int, typer.Option("--fields", min=1, max=100, help="Simulated fields.")] = 6,
    size: Annotated[
        int, typer.Option("--size", metavar="PX", min=256, help="Side of a field, pixels.")
    ] = 1024,
    detector: options.Detector = AUTO,
    engine: options.Engine = EngineName.AUTO,
    window: Annotated[
        bool | None,
        typer.Option(
            "--window/--no-window",
            help="Open the instrument's window on the simulated slide afterwards; without this option only "
            "where someone sits at a terminal with a display.",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Score a simulated case and one real picture, write reports, and open the instrument's window.

    Needs no image of your own and no network. What an earlier demo wrote in the folder is replaced.
    """
    begin = time.perf_counter()
    choice = DetectorChoice(detector, engine)
    shown = console.results()
    paths, truth = _simulated_fields(out / "fields", fields=fields, size=size, quiet=quiet)
    document, written = _score_folder(paths, out, CaseOptions("demo", detector=choice), quiet=quiet)
    print_case(shown, document, written)
    shown.print()
    _print_truth(shown, document, truth)
    real = out / "real"
    shown.print(_REAL_NOTICE)
    options_ = CaseOptions("ihc (not HER2)", detector=choice)
    document, written = _score_folder([_real_image(real)], real, options_, quiet=quiet)
    print_case(shown, document, written)
    shown.print()
    shown.print(f"Open {console.shown(out / 'report.html')} in a browser.", soft_wrap=True)
    shown.print(f"Done in {time.perf_counter() - begin:.1f} s.")
    if window if window is not None else _someone_is_there():
        shown.print("The instrument opens on a simulated slide; close its window to end.")
        from armicro.app.tree import run as program

        code = program(["run", "--camera", "sim", "--no-keep", "--quiet", "--detector", detector])
        if code:
            raise typer.Exit(code)


def _someone_is_there() -> bool:
    """Whether a person sits at a terminal with a display, and the window can be opened."""
    display = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if not (display and sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return importlib.util.find_spec("PyQt6") is not None
