"""The instrument as a state machine: frames and presses in, captured fields and a score out. No window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from armicro.contracts.arrays import frozen
from armicro.contracts.devices import (
    Camera,
    CameraControls,
    CameraEvent,
    CameraEventKind,
    Exposure,
    Gesture,
    LinkEvent,
    LinkState,
    NosepiecePosition,
    PedalPress,
    Stage,
)
from armicro.contracts.errors import ArmicroError, StoreError
from armicro.contracts.frame import Frame, Optics
from armicro.session.acts import CASE_COMMANDS, CaseCommand, Means, act, act_event
from armicro.session.capture_rule import look_at
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
from armicro.session.keeper import Keeper
from armicro.session.lanes import LaneClosed
from armicro.session.objectives import Objectives
from armicro.session.outbox import News, OnEvent
from armicro.session.parts import EventKind, SessionParts
from armicro.session.presses import Chosen
from armicro.session.reader import Reader
from armicro.session.scorer import Scorer
from armicro.session.seen import Seen
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
        desk = self._desk
        with desk.lock:
            if desk.is_closed():
                return
            desk.rates.frame(desk.clock())
            optics = self._objectives.optics_of(exposure)
            name = desk.camera.name if desk.camera is not None else "camera"
            if optics is None:
                self._locked_unseen()
        if optics is None:
            desk.outbox.deliver()
            return
        seen = _seen(exposure, optics, name)
        with desk.lock:
            desk.live.saw(seen)
            desk.presses.saw(seen)
            self._locked_commit()
            desk.locked_settle()
            wanted = not desk.live.moving and not desk.is_blanked()
        if wanted:
            try:
                desk.live_lane.offer(seen)
            except LaneClosed:
                return
        desk.outbox.deliver()

    def on_camera_event(self, event: CameraEvent) -> None:
        """Take news of the camera."""
        desk, kind = self._desk, event.kind
        with desk.lock:
            desk.camera = event.info or desk.camera
        if kind in (CameraEventKind.STALLED, CameraEventKind.LOST, CameraEventKind.ENDED):
            self._forget_picture()
            short = {"stalled": "no picture", "lost": "camera lost", "ended": "recording ended"}[kind.value]
            desk.raise_fault("camera", event.words, short, blanks=True)
            if kind is CameraEventKind.LOST:
                with desk.lock:
                    desk.camera = None
        elif kind is CameraEventKind.INCOMPLETE:
            desk.raise_fault("camera:damaged", event.words, "pictures damaged", blanks=False)
        elif kind in (CameraEventKind.OPENED, CameraEventKind.RECOVERED):
            for key in ("camera", "camera:damaged"):
                desk.end_fault(key, event.words)
        elif kind is CameraEventKind.FORMAT_CHANGED:
            self._format_changed(event)
        else:
            desk.notice(event.words)
        desk.outbox.deliver()

    def on_press(self, press: PedalPress) -> None:
        """Take a gesture of the pedal."""
        desk, gesture = self._desk, press.gesture
        if gesture is Gesture.BEGAN:
            self._press(press.t_ns, press.source, held=True)
        elif gesture is Gesture.SHORT:
            with desk.lock:
                known = desk.presses.end(press.source, keep=True)
                self._locked_commit()
                desk.locked_settle()
            if not known:
                self._press(press.t_ns, press.source, held=False)
        else:
            with desk.lock:
                desk.presses.end(press.source, keep=False)
                self._locked_commit()
                desk.locked_settle()
            self.do(ToggleOverlay() if gesture is Gesture.LONG else Undo())
        desk.outbox.deliver()

    def on_pedal_link(self, event: LinkEvent) -> None:
        """Take news of the pedal's line."""
        desk = self._desk
        if event.state is LinkState.LOST:
            with desk.lock:
                dropped = desk.presses.forget(event.source)
                self._locked_commit()
                desk.locked_settle()
            if dropped:
                desk.notice("The press that was under way is lost with the pedal: press again.")
        self._link("pedal", event)

    def on_position(self, position: NosepiecePosition) -> None:
        """Take where the nosepiece stands."""
        desk = self._desk
        with desk.lock:
            changed = self._objectives.turned(position)
            if changed:
                self._locked_other_optics()
            unknown = self._objectives.unknown_position
        if unknown is None:
            desk.end_fault("nosepiece:position", "The objective is known again.")
        else:
            words = f"Position {unknown} of the nosepiece has no objective: choose one, or enter it."
            desk.raise_fault("nosepiece:position", words, "objective unknown", blanks=False)
        desk.outbox.deliver()

    def on_nosepiece_link(self, event: LinkEvent) -> None:
        """Take news of the nosepiece's line; without it nobody knows the objective until one is chosen."""
        desk = self._desk
        if event.state is LinkState.LOST:
            with desk.lock:
                if self._objectives.choose(None, event.t_ns):
                    self._locked_other_optics()
        self._link("nosepiece", event)

    def on_display_link(self, event: LinkEvent) -> None:
        """Take news of the eyepiece's display."""
        self._link("display", event)

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
            self._press(command.t_ns, _WINDOW, held=False)
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
                    self._locked_other_optics()
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

    def _press(self, t_ns: int, source: str, *, held: bool) -> None:
        """Take a press in, or refuse it in words."""
        desk = self._desk
        with desk.lock:
            refusal = self._locked_refusal()
            if refusal is not None:
                if held:
                    desk.presses.refuse(source)
                desk.notice(f"Not captured: {refusal}")
                return
            desk.presses.add(t_ns, source, desk.live.recent, held=held)
            self._locked_commit()
            desk.locked_settle()

    def _locked_refusal(self) -> str | None:
        desk = self._desk
        if desk.is_closed():
            return "the session is closed"
        if desk.book.signed_off is not None:
            return f"the case was signed off {desk.book.signed_off}; amend it, or begin another"
        if desk.is_blanked():
            return next(f.words for f in desk.faults.values() if f.blanks)
        if not desk.live.recent:
            return self._objectives.why_unseen or "the camera has given no picture yet"
        if desk.keeping + len(desk.presses) >= desk.limits.waiting_captures:
            return f"{desk.limits.waiting_captures} captured fields still wait to be written. Press again."
        return None

    def _locked_commit(self) -> None:
        """Hand the frames of settled presses to the keeper, in order, each frame once."""
        desk = self._desk
        for chosen in desk.presses.take():
            t_ns = chosen.seen.frame.t_ns
            last = desk.book.last_capture_ns
            if last is not None and t_ns <= last:
                desk.notice("This picture is captured already: one press, one field.")
                continue
            desk.book.last_capture_ns = t_ns
            one = _without_repeat(chosen, desk.book.last_kept_ns)
            desk.book.last_kept_ns = t_ns if one.live is None else one.live.frame.t_ns
            desk.keeping += 1
            self._keeper.capture(one)

    def _locked_unseen(self) -> None:
        """Show nothing: nobody knows the scale."""
        desk = self._desk
        self._locked_other_optics()
        words = self._objectives.why_unseen
        if words is not None and not self._objectives.between:
            desk.notice(words)

    def _locked_other_optics(self) -> None:
        """Settle for frames from before the turn, and show nothing from before it."""
        desk = self._desk
        desk.presses.leave()
        self._locked_commit()
        desk.live.clear()
        desk.locked_settle()

    def _forget_picture(self) -> None:
        desk = self._desk
        with desk.lock:
            desk.live.clear()

    def _format_changed(self, event: CameraEvent) -> None:
        """Blank while the camera's format is not the one that the objective's scale was measured with."""
        desk = self._desk
        self._forget_picture()
        if event.info is None or self._objectives.fits(event.info.shape_px):
            desk.end_fault("camera:format", event.words)
        else:
            desk.raise_fault("camera:format", event.words, "format changed", blanks=True)

    def _link(self, device: str, event: LinkEvent) -> None:
        desk = self._desk
        key = f"{device}:{event.source}"
        if event.state is LinkState.LOST:
            desk.raise_fault(key, event.words, f"{device} lost", blanks=False)
        else:
            desk.end_fault(key, event.words)
        desk.outbox.deliver()

    def _tick(self) -> None:
        """See to what depends on the time alone."""
        desk = self._desk
        with desk.lock:
            if desk.presses.expire(desk.clock()):
                wait_s = desk.limits.press_wait_s
                desk.notice(f"Not captured: no picture came within {wait_s:g} s of the press. Press again.")
                self._locked_commit()
                desk.locked_settle()
            held = desk.live_holds
            if held is not self._held_live:
                self._held_live = held
                desk.outbox.put()


def _without_repeat(chosen: Chosen, last_kept_ns: int | None) -> Chosen:
    """Have a live frame that was captured already stand in no more: two presses are two frames, in order."""
    live = chosen.live
    captured_already = live is not None and last_kept_ns is not None and live.frame.t_ns <= last_kept_ns
    return replace(chosen, live=None) if captured_already else chosen


def _seen(exposure: Exposure, optics: Optics, name: str) -> Seen:
    rgb = frozen(exposure.rgb)
    source = f"{name}#frame={exposure.frame_id}"
    return Seen(Frame(rgb, exposure.frame_id, exposure.t_ns, optics, source), look_at(rgb))
