"""What devices tell a session: frames, presses, and news of their lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from armicro.contracts.arrays import frozen
from armicro.contracts.devices import (
    CameraEvent,
    CameraEventKind,
    Exposure,
    Gesture,
    LinkEvent,
    LinkState,
    NosepiecePosition,
    PedalPress,
)
from armicro.contracts.frame import Frame, Optics
from armicro.session.capture_rule import look_at
from armicro.session.commands import Command, ToggleOverlay, Undo
from armicro.session.desk import Desk
from armicro.session.lanes import LaneClosed
from armicro.session.objectives import Objectives
from armicro.session.presses import Chosen
from armicro.session.seen import Seen


class Intake:
    """Takes in what devices tell; may be called from any thread, exposures from one at a time.

    Parameters
    ----------
    desk : Desk
        Shared state.
    objectives : Objectives
        What is known of the optics.
    keep : callable
        Gets each chosen frame, under the lock, with its capture counted in `keeping`.
    do : callable
        Does what a gesture of the pedal asks for.
    """

    def __init__(
        self,
        desk: Desk,
        objectives: Objectives,
        keep: Callable[[Chosen], None],
        do: Callable[[Command], None],
    ) -> None:
        self._desk = desk
        self._objectives = objectives
        self._keep = keep
        self._do = do

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
            self.locked_commit()
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
            self.press(press.t_ns, press.source, held=True)
        elif gesture is Gesture.SHORT:
            with desk.lock:
                known = desk.presses.end(press.source, keep=True)
                self.locked_commit()
                desk.locked_settle()
            if not known:
                self.press(press.t_ns, press.source, held=False)
        else:
            with desk.lock:
                desk.presses.end(press.source, keep=False)
                self.locked_commit()
                desk.locked_settle()
            self._do(ToggleOverlay() if gesture is Gesture.LONG else Undo())
        desk.outbox.deliver()

    def on_pedal_link(self, event: LinkEvent) -> None:
        """Take news of the pedal's line."""
        desk = self._desk
        if event.state is LinkState.LOST:
            with desk.lock:
                dropped = desk.presses.forget(event.source)
                self.locked_commit()
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
                self.locked_other_optics()
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
                    self.locked_other_optics()
        self._link("nosepiece", event)

    def on_display_link(self, event: LinkEvent) -> None:
        """Take news of the eyepiece's display."""
        self._link("display", event)

    def press(self, t_ns: int, source: str, *, held: bool) -> None:
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
            self.locked_commit()
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

    def locked_commit(self) -> None:
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
            self._keep(one)

    def _locked_unseen(self) -> None:
        """Show nothing: nobody knows the scale."""
        desk = self._desk
        self.locked_other_optics()
        words = self._objectives.why_unseen
        if words is not None and not self._objectives.between:
            desk.notice(words)

    def locked_other_optics(self) -> None:
        """Settle for frames from before the turn, and show nothing from before it."""
        desk = self._desk
        desk.presses.leave()
        self.locked_commit()
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


def _without_repeat(chosen: Chosen, last_kept_ns: int | None) -> Chosen:
    """Have a live frame that was captured already stand in no more: two presses are two frames, in order."""
    live = chosen.live
    captured_already = live is not None and last_kept_ns is not None and live.frame.t_ns <= last_kept_ns
    return replace(chosen, live=None) if captured_already else chosen


def _seen(exposure: Exposure, optics: Optics, name: str) -> Seen:
    rgb = frozen(exposure.rgb)
    source = f"{name}#frame={exposure.frame_id}"
    return Seen(Frame(rgb, exposure.frame_id, exposure.t_ns, optics, source), look_at(rgb))
