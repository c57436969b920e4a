"""A key of a keyboard as a pedal: it tells its release, so that short, long and double are told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from armicro.contracts.devices import PedalPress
from armicro.devices.gestures import GestureParams, GestureRecogniser


class KeyPedal:
    """Gestures of a key; used by one thread, which also has to call `advance` when it is due.

    It catches the field as it goes down. A short press is told once no second one can follow: until then
    nothing is captured, so that a double press leaves no field behind.

    Parameters
    ----------
    press : callable
        Told the gestures.
    source : str
        For people: "space bar".
    params : GestureParams, optional
        Times.
    """

    def __init__(
        self, press: Callable[[PedalPress], None], source: str, params: GestureParams | None = None
    ) -> None:
        self._press = press
        self._recogniser = GestureRecogniser(source, params)

    @property
    def due_ns(self) -> int | None:
        """When `advance` has something to do next, ns; None while nothing is waited for."""
        return self._recogniser.due_ns

    def edge(self, t_ns: int, *, down: bool) -> None:
        """Take the key's way down or up at a monotonic time, ns, without the keyboard's repeats."""
        self._tell(self._recogniser.edge(t_ns, down=down))

    def advance(self, t_ns: int) -> None:
        """Take notice of the time, ns."""
        self._tell(self._recogniser.advance(t_ns))

    def finish(self) -> None:
        """Nobody listens to the key from now on: a press that is over counts, one under way does not."""
        self._tell(self._recogniser.finish(lost=True))

    def _tell(self, presses: Sequence[PedalPress]) -> None:
        for press in presses:
            self._press(press)
