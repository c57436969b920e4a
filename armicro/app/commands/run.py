"""`armicro run`: the live instrument."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from armicro.app import console, exit_codes, options
from armicro.app.case_folder import Cases, cases_folder
from armicro.app.case_run import CaseOptions, CaseOutputs, CaseWriter, FieldInput, TimedResult
from armicro.app.controls import ControlAsk, StainingRun, WithoutControl
from armicro.app.desks import first_setup
from armicro.app.detectors import AUTO, DetectorChoice
from armicro.app.events import EventLines
from armicro.app.gated import control_document
from armicro.app.instrument import Instrument, InstrumentOptions, make_instrument
from armicro.app.instrument_file import InstrumentFile, read_instrument
from armicro.app.kept_calibrations import kept_calibrations
from armicro.app.profiles import DEFAULT_GATE_LIMITS, DEFAULT_STAIN_PROFILE, load_gate_limits
from armicro.app.settings_lock import require_identity, under_lock
from armicro.app.staging import Staging
from armicro.app.tables import headline, print_case
from armicro.app.window import Keeping, eyepiece_choice, for_window, require_window, show_window
from armicro.assays.her2_ihc import Reading
from armicro.contracts.errors import InputError, OutputError
from armicro.contracts.frame import Frame
from armicro.devices.image_files import frame_text
from armicro.inference.choose import EngineName
from armicro.report.models import CaseDocument
from armicro.scoring.guidelines import DEFAULT_GUIDELINE, load_guideline
from armicro.session.parts import EventKind, SessionEvent
from armicro.session.session import Session
from armicro.session.view import SessionState

_WAKE_S = 0.05
_DRAIN_S = 120.0
"""How long the end waits for fields that were captured to be read, s."""


class Ending:
    """Why and when a run ends; set by a signal, a reader that has gone, or the last field."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.code = exit_codes.DONE

    def ask(self, code: int) -> None:
        """End, with this exit code unless there was one already."""
        if not self._event.is_set():
            self.code = code
            self._event.set()

    @property
    def asked(self) -> bool:
        """Whether it is to end."""
        return self._event.is_set()

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Turn SIGINT and SIGTERM into a tidy end; the second one ends at once."""

        def heard(number: int, frame: FrameType | None) -> None:
            del frame
            code = exit_codes.INTERRUPTED if number == signal.SIGINT else exit_codes.TERMINATED
            if self.asked:
                raise SystemExit(code)
            self.ask(code)

        before = {n: signal.signal(n, heard) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def work(
    instrument: Instrument,
    ending: Ending,
    until_fields: int | None,
    lines: EventLines | None,
    show: Callable[[Callable[[], bool]], None] | None = None,
) -> None:
    """Run until the end is asked for or enough fields are scored; then until what was captured is read.

    With `show` that is called instead of waiting here; it is given what tells whether it has to end.
    """
    session = instrument.session
    ready = False

    def over() -> bool:
        nonlocal ready
        snapshot = session.snapshot()
        if not ready and snapshot.state is SessionState.LIVE and instrument.listening:
            ready = True
            if lines is not None:
                camera = "" if snapshot.camera is None else snapshot.camera.name
                lines.write("ready", time.monotonic_ns(), camera=camera, engine=snapshot.vitals.engine)
        if until_fields is not None and _n_scored(session) >= until_fields:
            ending.ask(exit_codes.DONE)
        return ending.asked

    if show is not None:
        show(over)
    else:
        while not over():
            time.sleep(_WAKE_S)
    instrument.stop_pedal()
    end = time.monotonic() + _DRAIN_S
    while not _drained(session) and time.monotonic() < end:
        time.sleep(_WAKE_S)


def _n_scored(session: Session) -> int:
    """How many fields of this run are in the score; those of a case that is continued do not count."""
    snapshot = session.snapshot()
    if snapshot.summary is None:
        return 0
    new = (f for f in snapshot.fields if f.number > snapshot.continued_after and not f.removed)
    return sum(f.result is not None for f in new)


def _drained(session: Session) -> bool:
    """Whether no press is under way and every captured field is in the score, or will not be for now."""
    snapshot = session.snapshot()
    if snapshot.state is SessionState.CAPTURING:
        return False
    if any(f.source == "engine" for f in snapshot.faults):
        return True
    n = 0 if snapshot.summary is None else snapshot.summary.n_fields
    return n == len([f for f in snapshot.fields if not f.removed])


def write_case(
    session: Session, writer: CaseWriter, staging: Staging, frames: Path | None
) -> CaseDocument | None:
    """Stage the case as `score` writes it; None if there is no field to write."""
    snapshot = session.snapshot()
    # Another case may have been opened in the window, and settings locked.
    writer.name(snapshot.case_id, snapshot.profile_locked_by)
    writer.say_control(control_document(snapshot.control))
    simulated = snapshot.camera is not None and snapshot.camera.simulated
    written = 0
    for one in snapshot.fields:
        frame = session.field_frame(one.number)
        if one.removed or one.result is None or frame is None:
            continue
        stem = f"field-{one.number:03d}"
        source = frame.source if frames is None else str(frames / f"{stem}.png")
        named = Frame(frame.rgb, frame.frame_id, frame.t_ns, frame.optics, source)
        if frames is not None:
            staging.write_png(Path(source), named.rgb, frame_text(named, simulated=simulated))
        writer.add(FieldInput(named, stem, one.notes, simulated=simulated), TimedResult(one.result, {}))
        written += 1
    return writer.finish(load_guideline(snapshot.guideline)) if written else None


def write_report(session: Session, case: CaseOptions, path: Path) -> None:
    """Write the report of the case as it is now."""
    with Staging() as staging:
        writer = CaseWriter(case, CaseOutputs(report=path), staging, [])
        if write_case(session, writer, staging, None) is None:
            raise InputError("No field is captured and read yet, so there is no report to write.")
        staging.commit()


class Teller:
    """Shows on stderr what a person at the terminal has to see."""

    def __init__(self) -> None:
        self._before: set[str] = set()

    def begin(self, session: Session) -> None:
        """Tell what the session had to say before anyone listened, and listen from now on."""
        session.listen(self)
        for words in session.snapshot().notices:
            self._before.add(words)
            console.note(words)

    def __call__(self, event: SessionEvent) -> None:
        """Tell an event, but for a notice that was told at the beginning."""
        if event.kind in (EventKind.FAULT, EventKind.RECOVERED, EventKind.NOTICE):
            words = str(event.details["words"])
            if words in self._before:
                self._before.remove(words)
            else:
                console.note(words)


def run(
    camera: Annotated[
        str | None,
        typer.Option(
            "--camera",
            metavar="NAME",
            help="replay:FILE, sim, webcam:N or genicam[:SERIAL]; the window begins with sim without it.",
        ),
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="Without a window: pedal in, score out.")
    ] = False,
    cti: Annotated[
        list[Path] | None,
        typer.Option("--cti", metavar="FILE", help="GenTL producer of a GenICam camera; may be repeated."),
    ] = None,
    pedal: Annotated[
        str | None,
        typer.Option(
            "--pedal",
            metavar="keyboard|ADDRESS|contact:ADDRESS",
            help="keyboard: Enter captures, with a window the space bar. A serial port: 9600 8N1, a line "
            "`press` or `1` is a press. contact: a switch between DTR and CTS (:dsr or :dcd behind it for "
            "other lines).",
        ),
    ] = None,
    pedal_profile: Annotated[
        str | None,
        typer.Option(
            "--pedal-profile", metavar="FILE", help="How the pedal speaks: a profile's name or file."
        ),
    ] = None,
    nosepiece: Annotated[
        str | None,
        typer.Option(
            "--nosepiece",
            metavar="ADDRESS[,PROFILE]",
            help="Serial port of a nosepiece that tells its position, and its profile (olympus-bx).",
        ),
    ] = None,
    position: Annotated[
        list[str] | None,
        typer.Option(
            "--position",
            metavar="N=OPTICS",
            help="Optics profile of the objective at position N; may be repeated.",
        ),
    ] = None,
    eyepiece: Annotated[
        str | None,
        typer.Option(
            "--eyepiece",
            metavar="DISPLAY",
            help="Show the overlay on this display (its name, or its number from 1) from the beginning.",
        ),
    ] = None,
    eyepiece_calibration: Annotated[
        Path | None,
        typer.Option(
            "--eyepiece-calibration", metavar="FILE", help="Alignment, from `armicro calibrate eyepiece`."
        ),
    ] = None,
    flat_field: Annotated[
        Path | None,
        typer.Option(
            "--flat-field",
            metavar="FILE",
            help="Even the light by this calibration, from `armicro calibrate flat`.",
        ),
    ] = None,
    gate: Annotated[
        bool | None,
        typer.Option(
            "--gate/--no-gate",
            help="Leave out fields that the quality gate refuses, until they are restored with a reason, and "
            "count overlaps once. On with a window, off without: there nobody could restore a field.",
        ),
    ] = None,
    gate_limits: Annotated[
        str | None,
        typer.Option(
            "--gate-limits",
            metavar="NAME|FILE",
            help="Limits of the quality gate: the shipped ones, or a TOML file.",
        ),
    ] = None,
    staining_run: StainingRun = "",
    without_control: WithoutControl = "",
    um_per_px: Annotated[
        float | None,
        typer.Option("--um-per-px", metavar="X", help="Scale, µm per pixel, where the camera has none."),
    ] = None,
    case_id: Annotated[
        str | None,
        typer.Option(
            "--case",
            "--case-id",
            metavar="ID",
            help="The case's name. One that is kept already is continued; without it a new one is begun.",
        ),
    ] = None,
    cases: Cases = None,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep the case on disk, or in memory only.")
    ] = True,
    guideline: options.Guideline = DEFAULT_GUIDELINE,
    stain_profile: options.StainProfile = DEFAULT_STAIN_PROFILE,
    reading: options.CellReading = Reading.PER_CELL,
    detector: options.Detector = AUTO,
    engine: options.Engine = EngineName.AUTO,
    seed: options.Seed = 0,
    until_fields: Annotated[
        int | None,
        typer.Option("--until-fields", min=1, metavar="N", help="End when N fields of this run are scored."),
    ] = None,
    json: options.Json = None,
    report: options.Report = None,
    pdf: options.Pdf = None,
    frames: Annotated[
        Path | None,
        typer.Option("--frames", metavar="DIR", help="Write the captured frames as PNG; `score` reads them."),
    ] = None,
    events: Annotated[
        str | None,
        typer.Option("--events", metavar="-", help="Write what happens to stdout, one JSON object a line."),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Work at the microscope: each press of the pedal captures the field, and the case's score moves.

    It ends with its window, on Ctrl-C, SIGTERM, or with --until-fields; outputs are written then.
    """
    notices: tuple[str, ...] = ()
    ending = Ending()
    here = read_instrument() if camera is None else None
    if not headless:
        require_window()
        if camera is None and here is None:
            here = _set_up_first(ending)
    objective: str | None = None
    stale: tuple[str, ...] = ()
    if here is not None:
        objective = here.objective if um_per_px is None else None
        camera, cti = here.camera, cti or [Path(p) for p in here.cti]
        um_per_px = um_per_px if um_per_px is not None else here.um_per_px
        pedal, pedal_profile = pedal or here.pedal, pedal_profile or here.pedal_profile
        nosepiece, position = nosepiece or here.nosepiece, position or list(here.positions)
        eyepiece = eyepiece or here.eyepiece
        kept = kept_calibrations(here, someone_sees=not headless)
        eyepiece_calibration = eyepiece_calibration or kept.eyepiece
        flat_field = flat_field or kept.flat
        stale = kept.told
        gate_limits = gate_limits or here.gate_limits
    if not headless:
        camera, pedal, notices = for_window(camera, pedal)
        notices += stale
    if camera is None:
        raise InputError("without a window the camera has to be named: give --camera, or run armicro setup")
    if events not in (None, "-"):
        raise InputError(f"--events takes - for stdout, not {events!r}")
    case_id = case_id if case_id is not None else f"case {datetime.now().astimezone():%Y-%m-%d %H:%M:%S}"
    case = CaseOptions(case_id, guideline, stain_profile, reading, seed, DetectorChoice(detector, engine))
    case = under_lock(case)
    limits = load_gate_limits(gate_limits or DEFAULT_GATE_LIMITS)
    outputs = CaseOutputs(json=json, report=report, pdf=pdf)
    lines = None if events is None else EventLines(sys.stdout, lambda: ending.ask(exit_codes.OUTPUT))
    with Staging() as staging, ending.signals():
        writer = CaseWriter(case, outputs, staging, [])
        if frames is not None and any(staging.folder(frames).glob("field-*.png")):
            raise OutputError(f"{frames}: holds captured frames already; name another folder")
        place = cases_folder(cases) if keep else None
        made = InstrumentOptions(
            camera,
            case,
            pedal,
            um_per_px,
            tuple(cti or ()),
            cases=place,
            flat=flat_field,
            gate=limits if gate is True or (gate is None and not headless) else None,
            control=ControlAsk(staining_run, without_control),
            pedal_profile=pedal_profile,
            nosepiece=nosepiece,
            positions=tuple(position or ()),
            objective=objective,
        )
        instrument = make_instrument(made, console.note)
        try:
            if case.locked_as is not None:
                require_identity(instrument.session.snapshot().vitals.engine)
            if not quiet:
                Teller().begin(instrument.session)
            if lines is not None:
                instrument.session.listen(lines)
            instrument.start()
            session = instrument.session
            keeping = Keeping(session, kept=keep, written_at_end=bool(json or report or pdf or frames))
            show = partial(
                show_window,
                session,
                keeping,
                notices,
                partial(write_report, session, case),
                eyepiece=eyepiece_choice(eyepiece, eyepiece_calibration),
                cases=place,
                options=case,
                presses=instrument.presses,
                camera=camera,
            )
            work(instrument, ending, until_fields, lines, None if headless else show)
            document = write_case(instrument.session, writer, staging, frames)
            written = () if document is None else staging.commit()
        finally:
            instrument.close()
    _say_result(document, written, lines is not None, quiet=quiet)
    if ending.code != exit_codes.DONE:
        raise typer.Exit(ending.code)


def _set_up_first(ending: Ending) -> InstrumentFile | None:
    """Offer the guided set-up where nothing is set up; return what was kept."""
    with ending.signals():
        first_setup(lambda: ending.asked)
    if ending.asked:
        raise typer.Exit(ending.code)
    return read_instrument()


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _say_result(
    document: CaseDocument | None, written: tuple[Path, ...], machine_reads: bool, *, quiet: bool
) -> None:
    out = console.messages() if machine_reads else console.results()
    if document is None:
        console.note("No field was captured, so no case is written.")
    elif quiet or machine_reads:
        out.print(headline(document))
    else:
        print_case(out, document, written)
