"""What an instrument is made of, as a person chose it."""

from __future__ import annotations

from dataclasses import dataclass

SIMULATED = "sim"
KEYBOARD = "keyboard"


@dataclass(frozen=True, slots=True)
class InstrumentChoice:
    """The parts that belong to the instrument, not to a case.

    Parameters
    ----------
    camera : str
        `sim`, `webcam:N`, `genicam:SERIAL`, `replay:FILE`.
    cti : tuple of str
        GenTL producers.
    um_per_px : float or None
        Scale with the usual objective; None where the camera tells it.
    objective : str or None
        What that objective is called.
    pedal : str or None
        `keyboard`, an address, `contact:ADDRESS`; None for none.
    pedal_profile : str or None
        How it speaks.
    eyepiece : str or None
        Display of the beam splitter; None for none.
    """

    camera: str = SIMULATED
    cti: tuple[str, ...] = ()
    um_per_px: float | None = None
    objective: str | None = None
    pedal: str | None = KEYBOARD
    pedal_profile: str | None = None
    eyepiece: str | None = None

    @property
    def tells_scale(self) -> bool:
        """Whether the camera knows its scale by itself: a simulation, or a recording."""
        return self.camera.partition(":")[0] in (SIMULATED, "replay")

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Return what was chosen, as pairs of a heading and words."""
        if self.um_per_px is not None:
            name = f"{self.objective}, " if self.objective else ""
            scale = f"{name}{self.um_per_px:g} µm per pixel"
        else:
            scale = "told by the camera" if self.tells_scale else "none: nothing can be measured"
        camera = "simulated slide" if self.camera == SIMULATED else self.camera
        pedal = {None: "none", KEYBOARD: "keyboard, the space bar"}.get(self.pedal, self.pedal or "")
        return (
            ("Camera", camera),
            ("Objective", scale),
            ("Pedal", pedal if self.pedal_profile is None else f"{pedal} ({self.pedal_profile})"),
            ("Eyepiece", "none" if self.eyepiece is None else f"display {self.eyepiece}"),
        )
