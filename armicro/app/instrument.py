"""The instrument put together: camera, pedal, nosepiece and session from their names."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from armicro.app.case_run import CaseOptions
from armicro.app.controls import ControlAsk
from armicro.app.detectors import make_detector
from armicro.app.flat_field import load_flat
from armicro.app.pedals import make_pedal, make_turret
from armicro.app.profiles import load_stain_profile
from armicro.contracts.casebook import OpenCase
from armicro.contracts.devices import Camera, LinkEvent, Nosepiece, NosepiecePosition, Pedal
from armicro.contracts.errors import InputError, ScaleError
from armicro.contracts.frame import Optics
from armicro.devices.capture import CaptureLoop
from armicro.devices.console_pedal import ConsolePedal
from armicro.devices.genicam_camera import GenicamCamera
from armicro.devices.replay_camera import open_replay
from armicro.devices.webcam import WebcamCamera, parse_webcam
from armicro.imaging.gate import GateLimits
from armicro.inference.choose import Say
from armicro.scoring.guidelines import load_guideline
from armicro.session.parts import SessionParts
from armicro.session.press_switch import PressSwitch
from armicro.session.session import Session
from armicro.sim.slide import SimulatedSlide, SlideParams, case_at
from armicro.store.casebook import CaseBook
from armicro.store.memory import MemoryCase

_OBJECTIVE = "as given"
_SIM_UM_PER_PX = 0.212


@dataclass(frozen=True, slots=True)
class InstrumentOptions:
    """What the instrument is made of.

    Parameters
    ----------
    camera : str
        `replay:FILE`, `sim[:SEED]`, `webcam[:N]` or `genicam[:SERIAL]`.
    case : CaseOptions
        Case, rules, profile, reading, detector.
    pedal : str or None
        See `armicro.app.pedals.make_pedal`; None for no pedal.
    um_per_px : float or None
        Scale, where the camera does not tell it.
    objective : str or None
        What the objective with that scale is called.
    cti : tuple of Path
        GenTL producers for GenICam cameras.
    flat : Path or None
        Flat field that pictures are corrected by.
    gate : GateLimits or None
        Limits of the quality gate, which leaves fields out that it refuses and counts overlaps once; None for
        no gate.
    control : ControlAsk
        What the gate asks of controls of the stain.
    cases : Path or None
        Folder where cases are kept; None keeps them in memory.
    pedal_profile : str or None
        How the pedal speaks; see `make_pedal`.
    nosepiece : str or None
        See `armicro.app.pedals.make_turret`; None for no nosepiece.
    positions : tuple of str
        What stands where on it.
    """

    camera: str
    case: CaseOptions
    pedal: str | None = None
    um_per_px: float | None = None
    cti: tuple[Path, ...] = ()
    cases: Path | None = None
    gate: GateLimits | None = None
    control: ControlAsk = ControlAsk()
    flat: Path | None = None
    pedal_profile: str | None = None
    nosepiece: str | None = None
    positions: tuple[str, ...] = ()
    objective: str | None = None


class Instrument:
    """A session with its camera, pedal and nosepiece.

    Parameters
    ----------
    session : Session
        Fed by the others from `start` on.
    camera : Camera
        Driven by a capture thread.
    pedal : Pedal or None
        Listened to.
    book : CaseBook or None
        Closed at the end.
    nosepiece : Nosepiece or None
        Listened to.
    """

    def __init__(
        self,
        session: Session,
        camera: Camera,
        pedal: Pedal | None,
        book: CaseBook | None = None,
        nosepiece: Nosepiece | None = None,
    ) -> None:
        self._book = book
        self.session = session
        self.camera = camera
        self._loop = CaptureLoop(camera)
        self._pedal = pedal
        self._pedal_told = threading.Event()
        self._nosepiece = nosepiece
        self.presses = PressSwitch(session.on_press)
        """To whom presses go: to the session, or to whoever measures with the pedal."""

    def start(self) -> None:
        """Begin to grab and to listen; returns at once."""
        if self._nosepiece is not None:
            # Whatever the camera believes: the objective is unknown until the nosepiece has spoken.
            self.session.on_position(NosepiecePosition(None, time.monotonic_ns()))
            self._nosepiece.start(self.session.on_position, self.session.on_nosepiece_link)
        self._loop.start(self.session.on_exposure, self.session.on_camera_event)
        if self._pedal is not None:
            self._pedal.start(self.presses, self._on_pedal_link)
            if isinstance(self._pedal, ConsolePedal):
                # A terminal keeps what is typed before it is read.
                self._pedal_told.set()

    def _on_pedal_link(self, event: LinkEvent) -> None:
        self.session.on_pedal_link(event)
        self._pedal_told.set()

    @property
    def listening(self) -> bool:
        """Whether the pedal is heard, or was told to be away; a press before that may be lost."""
        return self._pedal is None or self._pedal_told.is_set()

    def stop_pedal(self) -> None:
        """Hear no more presses; the camera goes on, so that a press under way finds its frame."""
        if self._pedal is not None:
            self._pedal.close()

    def close(self) -> None:
        """Stop pedal, camera, nosepiece and session, in this order; waits for their threads.

        May be called twice.
        """
        self.stop_pedal()
        self._loop.close()
        if self._nosepiece is not None:
            self._nosepiece.close()
        self.session.close()
        if self._book is not None:
            self._book.close()


def make_instrument(options: InstrumentOptions, say: Say) -> Instrument:
    """Put the instrument together; nothing runs yet but the session's own threads.

    Parameters
    ----------
    options : InstrumentOptions
        What of.
    say : callable
        Told in one line what takes long.

    Returns
    -------
    Instrument
        To be started, and closed.

    Raises
    ------
    ArmicroError
        If a part is unknown, or cannot be loaded.
    """
    camera = make_camera(options)
    pedal = make_pedal(options.pedal, options.pedal_profile)
    turret = make_turret(options.nosepiece, options.positions)
    flat = None if options.flat is None else load_flat(options.flat)
    case = options.case
    name = options.objective or _OBJECTIVE
    known = {} if options.um_per_px is None else {name: Optics(options.um_per_px, options.objective or "")}
    book = None if options.cases is None else CaseBook(options.cases)
    parts = SessionParts(
        detector=make_detector(case.detector, say),
        load_profile=load_stain_profile if flat is None else flat.profiles(load_stain_profile),
        correct=flat,
        calibration_id="none" if flat is None else flat.identity,
        load_guideline=load_guideline,
        open_case=_in_memory if book is None else book.open_case,
        case_id=case.case_id,
        profile=case.stain_profile,
        guideline=case.guideline,
        reading=case.reading,
        seed=case.seed,
        objectives={**known, **turret.objectives},
        # With a nosepiece nothing is known before it has told its position.
        objective=name if known and turret.nosepiece is None else None,
        positions=turret.positions,
        gate=options.gate,
        control=None if options.gate is None else options.control.today(),
        profile_locked_by=case.locked_as,
    )
    return Instrument(Session(parts, camera), camera, pedal, book, turret.nosepiece)


def make_camera(options: InstrumentOptions) -> Camera:
    """Make a camera from its name; see `InstrumentOptions`.

    Raises
    ------
    InputError
        If there is no camera of that name.
    ScaleError
        If nothing tells its scale.
    """
    kind, _, rest = options.camera.partition(":")
    if kind == "replay" and rest:
        return open_replay(Path(rest), options.um_per_px, loop=True)
    if kind == "sim" and (rest.isdecimal() or not rest):
        case = case_at(options.um_per_px or _SIM_UM_PER_PX)
        return SimulatedSlide(int(rest or 0), SlideParams(case=case))
    number = parse_webcam(options.camera)
    if number is not None:
        return WebcamCamera(number, _scale(options))
    if kind == "genicam":
        return GenicamCamera(rest or None, options.cti, _scale(options))
    raise InputError(
        f"there is no camera {options.camera!r}: give replay:FILE, sim, webcam:N or genicam[:SERIAL]"
    )


def _scale(options: InstrumentOptions) -> Optics | None:
    if options.nosepiece is not None:
        return None
    if options.um_per_px is None:
        raise ScaleError(f"nothing tells the scale of {options.camera}: give µm per pixel with --um-per-px")
    return Optics(options.um_per_px)


def _in_memory(case_id: str) -> OpenCase:
    del case_id
    return MemoryCase()
