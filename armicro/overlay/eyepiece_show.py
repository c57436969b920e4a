"""What the eyepiece shows of a session at a moment: cells, a line, a flash, a fault, or nothing. Pure.

Blank is safe, a stale answer is not: cells are shown only of a reading that holds for what is seen, in the
objective that the eyepiece was aligned with, and while the user wants them.
"""

from __future__ import annotations

from dataclasses import dataclass

from armicro.contracts.eyepiece import ANY_OBJECTIVE
from armicro.contracts.results import FovResult
from armicro.contracts.score import CaseSummary
from armicro.overlay.eyepiece_damping import Shown, damp
from armicro.overlay.eyepiece_rim import Rim, read_out

FLASH_NS = 900_000_000
"""How long a captured field is told."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of a session at a moment.

    Parameters
    ----------
    result : FovResult or None
        The reading that holds for the picture of now; None while the stage moves, or nothing is read.
    fault : str
        Three words of what is wrong; "" for nothing.
    blanked : bool
        Whether a fault is on under which nothing else may be shown.
    wanted : bool
        Whether the user wants the overlay.
    objective : str or None
        The one in use.
    summary : CaseSummary or None
        The score so far.
    captured : int
        Number of the newest captured field; 0 for none.
    """

    result: FovResult | None = None
    fault: str = ""
    blanked: bool = False
    wanted: bool = True
    objective: str | None = None
    summary: CaseSummary | None = None
    captured: int = 0


@dataclass(frozen=True, slots=True)
class Shows:
    """What is to be drawn.

    Parameters
    ----------
    result : FovResult or None
        Whose cells; None for none.
    rim : Rim
        What stands at the rim.
    """

    result: FovResult | None
    rim: Rim

    @property
    def is_empty(self) -> bool:
        """Whether the display stays black."""
        return self.result is None and self.rim == Rim()


class EyepieceShow:
    """Decides what is shown, and remembers what it has to between two moments.

    Parameters
    ----------
    objective : str
        The objective that the eyepiece was aligned with, or `ANY_OBJECTIVE`.
    """

    def __init__(self, objective: str = ANY_OBJECTIVE) -> None:
        self._objective = objective
        self._held: Shown | None = None
        self._last: tuple[FovResult, FovResult] | None = None
        self._captured: int | None = None
        self._flash: tuple[int, int] | None = None

    def at(self, sight: Sight, now_ns: int) -> Shows:
        """Return what is shown at a moment.

        Parameters
        ----------
        sight : Sight
            The session.
        now_ns : int
            Monotonic.
        """
        self._heed_captures(sight.captured, now_ns)
        flash = self._flash_words(now_ns)
        if sight.blanked:
            self._forget()
            return Shows(None, Rim(fault=sight.fault))
        if self._objective not in (ANY_OBJECTIVE, sight.objective):
            self._forget()
            return Shows(None, Rim(fault=f"aligned for {self._objective}", flash=flash))
        if not sight.wanted:
            self._forget()
            return Shows(None, Rim(flash=flash, fault=sight.fault))
        if sight.result is None:
            self._forget()
            line = read_out(sight.summary) if flash else ""
            return Shows(None, Rim(line=line, flash=flash, fault=sight.fault, research_use=bool(line)))
        rim = Rim(read_out(sight.summary), flash, sight.fault, research_use=True)
        return Shows(self._damped(sight.result), rim)

    def _damped(self, result: FovResult) -> FovResult:
        """Damp each reading once, however often it is asked for."""
        if self._last is None or self._last[0] is not result:
            shown, self._held = damp(result, self._held)
            self._last = result, shown
        return self._last[1]

    def _forget(self) -> None:
        self._held = self._last = None

    def _heed_captures(self, captured: int, now_ns: int) -> None:
        # What was there at the beginning is no news, nor is a field that was taken back.
        if self._captured is not None and captured > self._captured:
            self._flash = captured, now_ns + FLASH_NS
        self._captured = captured

    def _flash_words(self, now_ns: int) -> str:
        if self._flash is None or now_ns >= self._flash[1]:
            return ""
        return f"field {self._flash[0]}"
