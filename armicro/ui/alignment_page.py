"""Camera and eyepiece aligned with the pedal: crosses in the eyepiece, a thing brought beneath each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel

from armicro.contracts.devices import Gesture, PedalPress
from armicro.contracts.errors import ArmicroError
from armicro.imaging.landmark import Landmark, cut_landmark, find_landmark
from armicro.session.alignment import Alignment, AlignmentStep, CameraMode
from armicro.session.alignment_picture import alignment_picture
from armicro.ui.calibration_page import LivePage, Surroundings, push
from armicro.ui.keys import SpaceBar
from armicro.ui.steps import said

_NUDGES = {
    Qt.Key.Key_Up: (-2.0, 0.0, 0.0),
    Qt.Key.Key_Down: (2.0, 0.0, 0.0),
    Qt.Key.Key_Left: (0.0, -2.0, 0.0),
    Qt.Key.Key_Right: (0.0, 2.0, 0.0),
    Qt.Key.Key_Plus: (0.0, 0.0, 4.0),
    Qt.Key.Key_Equal: (0.0, 0.0, 4.0),
    Qt.Key.Key_Minus: (0.0, 0.0, -4.0),
}
_NEXT = {
    AlignmentStep.CIRCLE: "Look into the oculars: arrow keys move the thick circle, + and - size it, until "
    "it lies on the rim of the field. Then press.",
    AlignmentStep.POINTS: "Move the stage until the thing lies in the cross, then press. Held: the last "
    "point back. Twice: that is enough.",
    AlignmentStep.RESULT: "Press: take it. Held: the last point again.",
    AlignmentStep.DONE: "",
}


class AlignmentPage(LivePage):
    """The alignment, for one who looks into the oculars and one who looks at the screen.

    A thing in the specimen is clicked once in the live picture; from then on each press finds it there again,
    so that eyes and foot are enough.
    """

    _pressed = pyqtSignal(object)

    def __init__(self, around: Surroundings) -> None:
        super().__init__(
            "Eyepiece",
            "Click on one thing that stands out in the live picture: a dark corner, a speck, the tip of a "
            "pointer slide. Then start, and bring it beneath each cross in the eyepiece; the pedal or Space "
            "takes each point.",
            around,
        )
        self.alignment: Alignment | None = None
        self._thing: Landmark | None = None
        self._restore: Callable[[], None] | None = None
        self._space: SpaceBar | None = None
        self._waiting: PedalPress | None = None
        self.step = QLabel()
        self.step.setObjectName("strong")
        self.step.setWordWrap(True)
        self.start = push("&Start", "Show the circle in the eyepiece", self.begin)
        self.take = push("&Press", "As a short press of the pedal", lambda: self._by_hand(Gesture.SHORT))
        self.take.setObjectName("capture")
        self.undo = push("&Last point back", "As a long press", lambda: self._by_hand(Gesture.LONG))
        self.enough = push("&Enough", "As a double press: fit what is there", self._enough)
        self.stop = push("Ca&ncel", "End without keeping anything", self.cancel)
        row = QHBoxLayout()
        for button in (self.start, self.take, self.undo, self.enough, self.stop):
            row.addWidget(button)
        row.addStretch()
        self.lay_out(row)
        self.body.insertWidget(self.body.count() - 1, self.step)
        self.picture.setCursor(Qt.CursorShape.CrossCursor)
        self.picture.clicked.connect(self._click)
        self._pressed.connect(self._take_press)
        self.refresh()

    # -- beginning and end ---------------------------------------------------------------------------------

    def begin(self) -> None:
        """Show the target, and have presses mean points from now on."""
        desk = self.around.desk
        try:
            shape = desk.target.target_shape_px()
        except ArmicroError as error:
            said(self.words, str(error), warn=True)
            return
        self.alignment = Alignment(shape)
        self._restore = desk.divert(self._pressed.emit)
        window = self.window()
        if window is not None:
            self._space = SpaceBar(window, desk.pedal)
            window.activateWindow()
        self.setFocus()
        self._show()

    def cancel(self) -> None:
        """End without keeping anything."""
        if self._end():
            said(self.words, "Nothing was kept.")

    def leave(self) -> None:
        """Give the eyepiece and the pedal back."""
        super().leave()
        self._end()

    def _end(self) -> bool:
        restore, self._restore = self._restore, None
        if self._space is not None:
            self._space.end()
            self._space = None
        if restore is None:
            return False
        restore()
        self.alignment, self._waiting = None, None
        self.around.desk.target.show_target(None)
        self.step.setText("")
        self.refresh()
        return True

    # -- pressing ------------------------------------------------------------------------------------------

    def _click(self, y_px: float, x_px: float) -> None:
        if self.live is None:
            return
        if self.alignment is not None and self.alignment.current:
            said(self.words, "Points were taken with the thing that was clicked first: take them back first.")
            return
        try:
            self._thing = cut_landmark(self.live.frame.rgb, (y_px, x_px))
        except ArmicroError as error:
            self._thing = None
            self.picture.set_points([])
            said(self.words, str(error), warn=True)
        else:
            self.picture.set_points([(y_px, x_px)])
            said(self.words, "This is followed. Start when the eyepiece is lit.")
        self.refresh()

    def _by_hand(self, gesture: Gesture) -> None:
        """Press from the screen: the next picture counts, whatever its clock."""
        t_ns = 0 if self.live is None else self.live.frame.t_ns + 1
        self._take_press(PedalPress(gesture, t_ns, "window"))

    def _enough(self) -> None:
        self._by_hand(Gesture.DOUBLE)

    def _take_press(self, press: PedalPress) -> None:
        alignment = self.alignment
        if alignment is None or self.busy or press.gesture is Gesture.BEGAN:
            return
        if alignment.needs_place(press.gesture):
            self._waiting = press
            alignment.refuse("")
            self._show()
        else:
            alignment.press(press.gesture)
            self._show()
            if alignment.step is AlignmentStep.DONE:
                self._keep(alignment)

    def seen(self) -> None:
        """Find the thing in the first picture that was exposed after a press."""
        self.refresh()
        live, press, alignment = self.live, self._waiting, self.alignment
        if live is not None and live.moving:
            # The mark stands where the thing was, and no longer is.
            self.picture.set_points([])
        if live is None or press is None or alignment is None or live.frame.t_ns < press.t_ns:
            return
        self._waiting = None
        if live.moving:
            alignment.refuse("the stage moved: wait until it rests, then press")
        elif self._thing is None:
            alignment.refuse("nothing to follow: click on a thing in the live picture")
        else:
            frame, thing = live.frame, self._thing
            mode = CameraMode((frame.rgb.shape[0], frame.rgb.shape[1]), frame.optics.um_per_px)

            def found() -> object:
                try:
                    return find_landmark(frame.rgb, thing), mode
                except ArmicroError as error:
                    return str(error), mode

            self.do(found, self._place)
        self._show()

    def _place(self, found: object) -> None:
        assert isinstance(found, tuple)
        place, mode = found
        if self.alignment is None:
            return
        if isinstance(place, str):
            self.alignment.refuse(place)
        else:
            y, x = np.asarray(place).tolist()
            self.picture.set_points([(y, x)])
            self.alignment.take((y, x), mode)
        self._show()

    def _keep(self, alignment: Alignment) -> None:
        try:
            words = self.around.desk.keep_eyepiece(alignment)
        except (ArmicroError, OSError) as error:
            self._end()
            said(self.words, str(error), warn=True)
            return
        self._end()
        said(self.words, words)

    def nudge(self, key: int) -> bool:
        """Take a key that moves the circle; returns whether it did."""
        if self.alignment is None or self.alignment.step is not AlignmentStep.CIRCLE:
            return False
        by = _NUDGES.get(Qt.Key(key))
        if by is not None:
            self.alignment.nudge(*by)
            self._show()
        return by is not None

    # -- showing -------------------------------------------------------------------------------------------

    def _show(self) -> None:
        alignment = self.alignment
        if alignment is not None:
            self.around.desk.target.show_target(alignment_picture(alignment))
            bad = bool(alignment.problem)
            said(self.words, alignment.words, warn=bad)
            n = min(alignment.current + 1, len(alignment.crosses_yx_px))
            which = f"Cross {n}. " if alignment.step is AlignmentStep.POINTS else ""
            self.step.setText(which + _NEXT[alignment.step])
        self.refresh()

    def refresh(self) -> None:
        """Offer what can be done now."""
        alignment = self.alignment
        on = alignment is not None
        waits = self.busy or self._waiting is not None
        self.start.setEnabled(not on and self._thing is not None and self.live is not None)
        self.stop.setEnabled(on)
        in_points = alignment is not None and alignment.step is AlignmentStep.POINTS
        bad = alignment is not None and alignment.step is AlignmentStep.RESULT and not alignment.accepted
        self.take.setEnabled(on and not waits and not bad)
        taken = alignment is not None and alignment.current > 0
        self.undo.setEnabled(taken and not waits)
        self.enough.setEnabled(in_points and taken and not waits)
        result = alignment is not None and alignment.step is AlignmentStep.RESULT
        self.take.setText("&Take it" if result else "&Press")
