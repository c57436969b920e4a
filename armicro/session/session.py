"""The instrument as a state machine: frames and presses in, captured fields and a score out. No window."""

from __future__ import annotations

from collections.abc import Callable

from armicro.contracts.devices import (
    Camera,
    CameraControls,
    CameraEvent,
    Exposure,
    LinkEvent,
    NosepiecePosition,
    PedalPress,
    Stage,
)
from armicro.contracts.errors import ArmicroError, StoreError
from armicro.contracts.frame import Frame
from armicro.session.acts import CASE_COMMANDS, CaseCommand, Means, act, act_event
from armicro.session.commands import (
    Amend,
    Capture,
    Command,
    Redo,
    SetGuideline,
    SetObjective,
    SetStainProfile,
    SetThresholds,
    SignOff,
    ToggleOverlay,
    Undo,
)
from armicro.session.desk import Desk
from armicro.session.intake import Intake
from armicro.session.keeper import Keeper
from armicro.session.objectives import Objectives
from armicro.session.outbox import News, OnEvent
from armicro.session.parts import EventKind, SessionParts
from armicro.session.reader import Reader
from armicro.session.scorer import Scorer
from armicro.session.showing import result_of, snapshot_of
from armicro.session.view import LiveView, SessionSnapshot

_WINDOW = "window"


class Session:
    """A `SessionControl` that is fed by devices; see `armicro.session.states` for its states.

    Everything here may be called from any thread and returns at once, but for `field_frame`, which may wait
    for the disk, and `close`. `on_exposure` is called by one thread at a time and takes a few milliseconds.
    Three threads belong to it: one writes the case, one owns the detector, one grades and scores.

    Parameters
    ----------
    parts : SessionParts
        What it is made of.
    camera : Camera or None
        Whose knobs and stage are offered; the session neither opens nor reads it.

    Raises
    ------
    ProfileError, GuidelineError, StoreError
        If what it begins with cannot be loaded.
    """

    def __init__(self, parts: SessionParts, camera: Camera | None = None) -> None:
        self._desk = Desk(parts)
        self._camera = camera
        self._objectives = Objectives(parts.objectives, parts.objective, parts.positions)
        self._held_live = False
        self._keeper = Keeper(self._desk, self._tick)
        self._intake = Intake(self._desk, self._objectives, self._keeper.capture, self.do)
        self._reader = Reader(self._desk)
        self._scorer = Scorer(self._desk)
        for worker in (self._keeper, self._reader, self._scorer):
            worker.start()

    # -- for the window ----------------------------------------------------------------------------------

    def snapshot(self) -> SessionSnapshot:
        """Return the present state."""
        desk = self._desk
        with desk.lock:
            return snapshot_of(desk, self._objectives)

    def live(self) -> LiveView | None:
        """Return the newest frame with what holds for it; None without a frame or while a fault blanks."""
        desk = self._desk
        with desk.lock:
            if desk.is_blanked() or desk.is_closed():
                return None
            return desk.live.view(desk.clock(), desk.thresholds_shown)

    def do(self, command: Command) -> None:
        """Ask for something; what cannot be done is told in `notices`, never raised."""
        desk = self._desk
        try:
            self._do(command)
        except (ArmicroError, ValueError) as error:
            desk.notice(f"Not done: {error}")
        desk.outbox.deliver()

    def lock_settings(self, words: str) -> None:
        """Change profile, thresholds and rules no more from now on; `words` say as what they are locked."""
        desk = self._desk
        with desk.lock:
            desk.locked_by = words
            desk.locked_forget_change()
            desk.outbox.put()
        desk.record("settings-lock", name=words)
        desk.outbox.deliver()

    def field_frame(self, number: int) -> Frame | None:
        """Return the pixels of a captured field; None if there is none. May wait for the disk."""
        desk = self._desk
        with desk.store_lock:
            try:
                return desk.book.store.frame(number)
            except StoreError:
                return None

    def subscribe(self, news: News) -> Callable[[], None]:
        """Have `news` called, from any thread, whenever something changed; returns how to stop that."""
        return self._desk.outbox.subscribe(news)

    def listen(self, on_event: OnEvent) -> Callable[[], None]:
        """Have `on_event` called with each event, one at a time and in order; returns how to stop that."""
        return self._desk.outbox.listen(on_event)

    @property
    def camera_controls(self) -> CameraControls | None:
        """The camera's knobs."""
        return None if self._camera is None else self._camera.controls

    @property
    def stage(self) -> Stage | None:
        """The stage, where software drives it."""
        return None if self._camera is None else self._camera.stage

    # -- for the devices ---------------------------------------------------------------------------------

    def on_exposure(self, exposure: Exposure) -> None:
        """Take the camera's next exposure."""
        self._intake.on_exposure(exposure)

    def on_camera_event(self, event: CameraEvent) -> None:
        """Take news of the camera."""
        self._intake.on_camera_event(event)

    def on_press(self, press: PedalPress) -> None:
        """Take a gesture of the pedal."""
        self._intake.on_press(press)

    def on_pedal_link(self, event: LinkEvent) -> None:
        """Take news of the pedal's line."""
        self._intake.on_pedal_link(event)

    def on_position(self, position: NosepiecePosition) -> None:
        """Take where the nosepiece stands."""
        self._intake.on_position(position)

    def on_nosepiece_link(self, event: LinkEvent) -> None:
        """Take news of the nosepiece's line."""
        self._intake.on_nosepiece_link(event)

    def on_display_link(self, event: LinkEvent) -> None:
        """Take news of the eyepiece's display."""
        self._intake.on_display_link(event)

    def close(self) -> None:
        """Keep what was captured, then end all threads and the case. Waits for them; may be called twice."""
        desk = self._desk
        with desk.lock:
            if desk.is_closed():
                return
            desk.closing.set()
            desk.presses.blank()
            desk.locked_settle()
        desk.live_lane.close()
        desk.keeper_lane.close()
        desk.score_wanted.set()
        for worker in (self._keeper, self._reader, self._scorer):
            worker.join()
        with desk.store_lock:
            desk.book.store.close()
        with desk.lock:
            desk.live.clear()
        desk.event(EventKind.CLOSED)
        desk.outbox.deliver()

    # -- inside ------------------------------------------------------------------------------------------

    def _do(self, command: Command) -> None:
        desk = self._desk
        if isinstance(command, Capture):
            self._intake.press(command.t_ns, _WINDOW, held=False)
        elif isinstance(command, CASE_COMMANDS):
            self._change(command)
        elif isinstance(command, Undo | Redo):
            self._step_back(command)
        elif isinstance(command, ToggleOverlay):
            with desk.lock:
                desk.overlay_on = not desk.overlay_on
                desk.outbox.put()
        elif isinstance(command, SetObjective):
            with desk.lock:
                if self._objectives.choose(command.name, desk.clock()):
                    self._intake.locked_other_optics()
            desk.end_fault("camera:format", "The scale was chosen anew.")
            desk.end_fault("nosepiece:position", "The objective is known again.")
            desk.record("objective", name=command.name)
        elif isinstance(command, SignOff):
            self._keeper.sign_off(command)
        elif isinstance(command, Amend):
            self._keeper.amend(command)
        else:
            self._keeper.new_case(command.case_id)

    def _change(self, command: CaseCommand) -> None:
        desk = self._desk
        if self._is_signed_off():
            return
        locked_by = desk.locked_by
        if locked_by is not None and isinstance(command, SetThresholds | SetStainProfile | SetGuideline):
            desk.notice(f"The settings are locked as {locked_by}: they cannot be changed here.")
            return
        if isinstance(command, SetThresholds):
            self._compare(command)
            if command.preview:
                return
        parts = desk.parts
        means = Means(parts.load_profile, parts.load_guideline, lambda n: result_of(desk, n))
        with desk.lock:
            label, choice = act(command, desk.choice, means)
            changed = desk.book.history.apply(label, choice)
            if not isinstance(command, SetThresholds):
                desk.locked_forget_change()
            if isinstance(command, SetStainProfile) and changed:
                desk.live.forget_reading()
            desk.outbox.put()
        if changed:
            kind, details = act_event(command)
            desk.record_settings(kind, **details)
        desk.score_wanted.set()

    def _compare(self, command: SetThresholds) -> None:
        """Begin or go on with "before and after" of a threshold that is moved."""
        desk = self._desk
        with desk.lock:
            if desk.preview is None:
                desk.locked_forget_change()
                desk.changed_from = desk.choice.profile.thresholds
                desk.before_change = desk.summary
            desk.preview = command.thresholds if command.preview else None
            desk.outbox.put()
        desk.score_wanted.set()

    def _is_signed_off(self) -> bool:
        """Tell the user, where it is so, that the case is signed off and stays as it is."""
        desk = self._desk
        signed = desk.book.signed_off
        if signed is not None:
            desk.notice(f"Not done: the case was signed off {signed}. Amend it, with a reason, to change it.")
        return signed is not None

    def _step_back(self, command: Undo | Redo) -> None:
        desk = self._desk
        if self._is_signed_off():
            return
        with desk.lock:
            history, key = desk.book.history, desk.reading_key()
            label = history.undo() if isinstance(command, Undo) else history.redo()
            desk.locked_forget_change()
            if desk.reading_key() != key:
                desk.live.forget_reading()
            desk.outbox.put()
        word = "undo" if isinstance(command, Undo) else "redo"
        if label is None:
            desk.notice(f"There is nothing to {word}.")
            return
        desk.record_settings(word, what=label)
        desk.score_wanted.set()

    def _tick(self) -> None:
        """See to what depends on the time alone."""
        desk = self._desk
        with desk.lock:
            if desk.presses.expire(desk.clock()):
                wait_s = desk.limits.press_wait_s
                desk.notice(f"Not captured: no picture came within {wait_s:g} s of the press. Press again.")
                self._intake.locked_commit()
                desk.locked_settle()
            held = desk.live_holds
            if held is not self._held_live:
                self._held_live = held
                desk.outbox.put()
