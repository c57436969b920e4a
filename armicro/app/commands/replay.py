"""`armicro replay`: a recorded session played through the two lanes, with no window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from armicro.app import console, options
from armicro.app.case_run import CaseOptions, CaseOutputs, CaseWriter, FieldInput, FieldReader, TimedResult
from armicro.app.detectors import AUTO, DetectorChoice
from armicro.app.profiles import DEFAULT_STAIN_PROFILE, load_optics
from armicro.app.settings_lock import require_identity, under_lock
from armicro.app.staging import Staging
from armicro.app.tables import headline, print_case
from armicro.assays.her2_ihc import Reading
from armicro.contracts.errors import OutputError, ScaleError
from armicro.contracts.frame import Frame
from armicro.devices.image_files import frame_text
from armicro.devices.recordings import Recording, open_recording
from armicro.inference.choose import EngineName
from armicro.report.models import CaseDocument
from armicro.scoring.guidelines import DEFAULT_GUIDELINE
from armicro.session.replay import Capture, Replay, ReplayCounts

_SAME_PLACE = "shows the same place as the field before: its cells may count twice"


def _field_input(recording: Recording, capture: Capture, frames: Path | None) -> FieldInput:
    """Name a captured frame: by the file it is written to, else by its place in the recording."""
    frame = capture.frame
    stem = f"field-{capture.index + 1:03d}"
    source = str(frames / f"{stem}.png") if frames is not None else f"{recording.path}#frame={frame.frame_id}"
    return FieldInput(
        Frame(frame.rgb, frame.frame_id, frame.t_ns, frame.optics, source),
        stem,
        simulated=recording.simulated,
    )


def replay_recording(
    recording: Recording,
    options_: CaseOptions,
    outputs: CaseOutputs,
    *,
    frames: Path | None = None,
    live: bool = True,
    quiet: bool = False,
) -> tuple[CaseDocument, tuple[Path, ...], ReplayCounts, list[str]]:
    """Score the captured frames of a recording.

    Parameters
    ----------
    recording : Recording
        The recording.
    options_ : CaseOptions
        Rule set, stain profile, reading.
    outputs : CaseOutputs
        What is written; all of it or nothing.
    frames : Path or None
        Folder for the captured frames as PNG.
    live : bool
        Whether live frames are analysed too, as at the instrument.
    quiet : bool
        Show no progress.

    Returns
    -------
    tuple
        The case, the files that were written, what the lanes did, and remarks for people.
    """
    reader = FieldReader(options_)
    if options_.locked_as is not None:
        require_identity(reader.recipe.detector.identity)
    remarks = []
    with Staging() as staging:
        writer = CaseWriter(options_, outputs, staging, [])
        if frames is not None:
            staging.folder(frames)
            if any(frames.glob("field-*.png")):
                raise OutputError(f"{frames}: holds captured frames already; name another folder")
        play: Replay[TimedResult] = Replay(recording, reader.read, live=live)
        with console.progress("replaying", len(recording.presses_ns), quiet=quiet) as tick:
            for capture, timed in play.run():
                item = _field_input(recording, capture, frames)
                if frames is not None:
                    text = frame_text(item.frame, simulated=item.simulated)
                    staging.write_png(frames / f"{item.stem}.png", item.frame.rgb, text)
                if capture.same_place:
                    remarks.append(f"field {capture.index + 1} {_SAME_PLACE}")
                writer.add(item, timed)
                tick(capture.index + 1, item.stem)
        reader.tell()
        document = writer.finish(reader.guideline)
        return document, staging.commit(), play.counts, remarks


def replay(
    recording: Annotated[Path, typer.Argument(metavar="RECORDING", help="A video, or a folder of frames.")],
    pedal: Annotated[
        Path | None,
        typer.Option(
            "--pedal", metavar="FILE.jsonl", help="The pedal track, where it is not in its usual place."
        ),
    ] = None,
    um_per_px: Annotated[
        float | None,
        typer.Option("--um-per-px", metavar="X", help="Scale, µm per pixel, where recording.json has none."),
    ] = None,
    optics: Annotated[
        str | None,
        typer.Option("--optics", metavar="NAME|FILE", help="Take the scale from an optics profile."),
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option("--frames", metavar="DIR", help="Write the captured frames as PNG; `score` reads them."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live/--no-live", help="Analyse live frames too, as at the instrument.")
    ] = True,
    guideline: options.Guideline = DEFAULT_GUIDELINE,
    stain_profile: options.StainProfile = DEFAULT_STAIN_PROFILE,
    reading: options.CellReading = Reading.PER_CELL,
    detector: options.Detector = AUTO,
    engine: options.Engine = EngineName.AUTO,
    case_id: options.CaseId = "case",
    seed: options.Seed = 0,
    json: options.Json = None,
    cells: options.Cells = None,
    overlay: options.Overlay = None,
    report: options.Report = None,
    geojson: options.Geojson = None,
    pdf: options.Pdf = None,
    dicom: options.Dicom = None,
    bundle: options.Bundle = None,
    reproducible: options.Reproducible = False,
    quiet: options.Quiet = False,
) -> None:
    """Score a recorded session: the frames at which the pedal was pressed.

    A press captures the first frame that begins after it or, if the stage was moving by then, the one before.
    """
    if optics is not None:
        if um_per_px is not None:
            raise ScaleError("give either --um-per-px or --optics")
        um_per_px = load_optics(optics).um_per_px
    document, written, counts, remarks = replay_recording(
        open_recording(recording, um_per_px, pedal),
        under_lock(
            CaseOptions(case_id, guideline, stain_profile, reading, seed, DetectorChoice(detector, engine))
        ),
        CaseOutputs(json, cells, overlay, report, reproducible, geojson, pdf, dicom, bundle),
        frames=frames,
        live=live,
        quiet=quiet,
    )
    out = console.results()
    if quiet:
        out.print(headline(document))
        return
    lanes = counts.live
    out.print(f"{counts.frames} frames played, {counts.captures} captured")
    out.print(f"live lane: {lanes.taken} of {lanes.offered} frames analysed, {lanes.dropped} dropped")
    if counts.repeated_presses:
        out.print(f"{counts.repeated_presses} presses led to a frame that was captured before")
    for remark in remarks:
        out.print(console.shown(remark))
    print_case(out, document, written)
