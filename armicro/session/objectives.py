"""Through which objective a frame was taken: told by the frame, by the nosepiece, or chosen."""

from __future__ import annotations

from collections.abc import Mapping

from armicro.contracts.devices import Exposure, NosepiecePosition
from armicro.contracts.errors import InputError
from armicro.contracts.frame import Optics


class Objectives:
    """What is known of the optics; used under the session's lock.

    Parameters
    ----------
    choices : mapping of str to Optics
        By name.
    chosen : str or None
        The one in use at the beginning.
    positions : mapping of int to str
        Which one stands at which position of the nosepiece.

    Raises
    ------
    InputError
        If `chosen` or a position's name is none of the choices.
    """

    def __init__(
        self, choices: Mapping[str, Optics], chosen: str | None, positions: Mapping[int, str]
    ) -> None:
        self.choices = dict(choices)
        self._positions = dict(positions)
        for name in (*positions.values(), *(() if chosen is None else (chosen,))):
            self._require(name)
        self.name = chosen
        self.between = False
        """Whether it is known that no objective is in place."""
        self.unknown_position: int | None = None
        self._since_ns = 0
        self._self_told = False
        self._shape_px: tuple[int, int] | None = None

    @property
    def why_unseen(self) -> str | None:
        """Why nothing is shown, in words; None where there is no reason here."""
        if self.between:
            return "the nosepiece stands between two objectives, or its objective is not known"
        if self.name is None and not self._self_told:
            return "nothing tells the scale: choose the objective"
        return None

    def turned(self, position: NosepiecePosition) -> bool:
        """Take where the nosepiece stands; returns whether the objective changed."""
        name = None if position.position is None else self._positions.get(position.position)
        self.unknown_position = position.position if name is None else None
        return self.choose(name, position.t_ns)

    def choose(self, name: str | None, t_ns: int) -> bool:
        """Take the objective in use from `t_ns` on, None between two; returns whether it changed.

        Raises
        ------
        InputError
            If there is no objective of that name.
        """
        if name is not None:
            self._require(name)
        self._shape_px = None
        if (name, name is None) == (self.name, self.between):
            return False
        self.name, self.between = name, name is None
        # What was exposed before the turn is no picture through the new objective, though it comes after.
        self._since_ns = t_ns
        return True

    def optics_of(self, exposure: Exposure) -> Optics | None:
        """Return the optics of an exposure; None where it cannot be used."""
        self._self_told = exposure.optics is not None
        if self.between or exposure.t_ns < self._since_ns:
            return None
        if self._shape_px is None:
            self._shape_px = (exposure.rgb.shape[0], exposure.rgb.shape[1])
        if exposure.optics is not None:
            return exposure.optics
        return None if self.name is None else self.choices[self.name]

    def fits(self, shape_px: tuple[int, int]) -> bool:
        """Whether frames of this shape have the scale of those before: told by themselves, or unchanged."""
        return self._self_told or self._shape_px is None or self._shape_px == shape_px

    def _require(self, name: str) -> None:
        if name not in self.choices:
            known = ", ".join(self.choices) or "none"
            raise InputError(f"there is no objective {name!r}; known: {known}")
