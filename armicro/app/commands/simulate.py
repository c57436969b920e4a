"""`armicro simulate`: tissue with known truth, as images, as a recording, or both."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from armicro.app import console
from armicro.app.staging import Staging
from armicro.contracts.errors import OutputError
from armicro.contracts.frame import Frame, Optics
from armicro.devices.image_files import frame_text
from armicro.sim.case import CaseParams, case_truth, simulate_case, truth_csv
from armicro.sim.params import PRESETS, parse_mix
from armicro.sim.recording import Pace, RecordingForm, simulate_recording, write_recording


class RecordingChoice(StrEnum):
    """Whether and how a recording is written too."""

    NONE = "none"
    FRAMES = "frames"
    VIDEO = "video"


def write_fields(
    out: Path, params: CaseParams, seed: int, staging: Staging, tick: Callable[[int, str], None]
) -> tuple[list[Path], dict[str, Any]]:
    """Simulate the fields of a case and stage them with their truth.

    Parameters
    ----------
    out : Path
        The folder.
    params : CaseParams
        The case.
    seed : int
        Its seed.
    staging : Staging
        Takes the files.
    tick : callable
        Told of each field.

    Returns
    -------
    tuple
        The images' paths, and the truth of the case.
    """
    paths, fields = [], []
    optics = Optics(params.um_per_px)
    for field in simulate_case(params, seed):
        path = out / f"field-{field.index + 1:02d}.png"
        tick(field.index, path.name)
        frame = Frame(field.rgb, field.index, 0, optics, path.name)
        staging.write_png(path, field.rgb, frame_text(frame, simulated=True))
        staging.write_text(path.with_suffix(".truth.csv"), truth_csv(field))
        paths.append(path)
        # Only the truth is summed up: the pixels need not stay in memory.
        fields.append(replace(field, rgb=field.rgb[:0]))
    truth = case_truth(params, seed, fields)
    staging.write_text(out / "truth.json", json.dumps(truth, indent=2, ensure_ascii=False) + "\n")
    return paths, truth


def simulate(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for what is written.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same bytes.")] = 0,
    fields: Annotated[int, typer.Option("--fields", min=1, max=1000, help="Number of fields.")] = 5,
    um_per_px: Annotated[
        float, typer.Option("--um-per-px", metavar="X", help="Scale, µm per pixel.")
    ] = 0.212,
    mix: Annotated[
        str,
        typer.Option(
            "--mix",
            help=f"Shares of categories: one of {', '.join(PRESETS)}; or such as "
            "intense_complete=0.3,weak_complete=0.2 (the rest has no staining).",
        ),
    ] = "2+",
    size: Annotated[
        int, typer.Option("--size", metavar="PX", min=64, help="Side of a field, pixels.")
    ] = 1504,
    recording: Annotated[
        RecordingChoice,
        typer.Option("--recording", help="Also a recording with a pedal track, for `armicro replay`."),
    ] = RecordingChoice.NONE,
    defocus_um: Annotated[
        float, typer.Option("--defocus-um", min=0.0, max=5.0, help="Additional blur, µm (sigma).")
    ] = 0.0,
    bayer: Annotated[
        bool, typer.Option("--bayer", help="Sample through a colour mosaic, as a camera does.")
    ] = False,
    jpeg_quality: Annotated[
        int, typer.Option("--jpeg-quality", min=0, max=100, help="Compress as a scanner does; 0 does not.")
    ] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Render a case of tissue whose truth is known, cell by cell.

    Writes field-01.png, field-01.truth.csv, ... and truth.json. Simulated tissue is easier than real tissue.
    """
    Optics(um_per_px)
    params = CaseParams(mix=parse_mix(mix), um_per_px=um_per_px, shape_px=(size, size), fields=fields)
    optics = replace(params.optics, defocus_um=defocus_um, bayer=bayer, jpeg_quality=jpeg_quality)
    params = replace(params, optics=optics)
    with Staging() as staging:
        staging.folder(out)
        if (out / "truth.json").exists() or any(out.glob("field-*.png")):
            raise OutputError(f"{out}: holds a simulated case already; name another folder")
        with console.progress("simulating", fields, quiet=quiet) as tick:
            _, truth = write_fields(out, params, seed, staging, tick)
        if recording is not RecordingChoice.NONE:
            folder = staging.folder(out / "recording")
            frames = simulate_recording(params, seed, Pace())
            write_recording(folder, frames, um_per_px, Pace(), RecordingForm(recording.value))
        written = staging.commit()
    result = console.results()
    shares = truth["proportions"]
    cells = ", ".join(f"{key} {share:.1%}" for key, share in shares.items() if share)
    result.print(f"{fields} fields, {truth['n_cells']} tumour cells: {cells}", soft_wrap=True)
    result.print(f"written: {console.shown(out)} ({len(written)} files)", soft_wrap=True)
