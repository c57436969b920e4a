"""A pedal tried out: which presses were heard of it."""

from __future__ import annotations

from armicro.contracts.devices import Gesture, PedalPress

WANTED = (Gesture.SHORT, Gesture.LONG, Gesture.DOUBLE)
MEANING = {
    Gesture.SHORT: ("press", "captures the field"),
    Gesture.LONG: ("long press", "overlay on or off"),
    Gesture.DOUBLE: ("double press", "undoes the last step"),
}
"""What a gesture is called, and what it does."""


class PedalTrial:
    """Which gestures were heard. For one thread."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(WANTED, 0)
        self.down = False
        """Whether the pedal is down now, as far as it tells."""
        self.tells_release = False

    def heard(self, press: PedalPress) -> None:
        """Take a gesture."""
        if press.gesture is Gesture.BEGAN:
            self.down = self.tells_release = True
        else:
            self.down = False
            self._counts[press.gesture] += 1

    def count(self, gesture: Gesture) -> int:
        """How often a gesture was heard."""
        return self._counts[gesture]

    @property
    def works(self) -> bool:
        """Whether a press was heard: the rest is convenience."""
        return any(self._counts.values())

    @property
    def words(self) -> str:
        """What is to be done next, or what is known."""
        if not self.works:
            return "Press now." if not self.down else "It is down."
        missing = [MEANING[g][0] for g in WANTED if not self._counts[g]]
        if not missing:
            return "All three were heard."
        if not self.tells_release:
            return "Heard. It tells no release: long and double only if it sends them itself."
        return f"Heard. Try a {missing[0]} too."
