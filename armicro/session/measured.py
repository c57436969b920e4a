"""What a measurement of the instrument told, as it is shown before and after it is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DailyCheck:
    """Empty glass of today against the calibration.

    Parameters
    ----------
    verdict : str
        "ok", "warn" or "refuse".
    figures : str
        What was measured, in one line.
    reasons : tuple of str
        Why it is not ok.
    against : str
        The calibration and its day.
    """

    verdict: str
    figures: str
    reasons: tuple[str, ...]
    against: str


@dataclass(frozen=True, slots=True)
class MeasuredScale:
    """A scale and how it was measured.

    Parameters
    ----------
    um_per_px : float
        The scale.
    method : str
        In words.
    standard_error_um_per_px : float or None
        None for one by hand.
    residual_px : float or None
        Greatest RMS of the lines.
    lines : int
        How many were found.
    """

    um_per_px: float
    method: str
    standard_error_um_per_px: float | None = None
    residual_px: float | None = None
    lines: int = 0

    @property
    def words(self) -> str:
        """The scale in one line."""
        if self.standard_error_um_per_px is None:
            return f"{self.um_per_px:.5f} µm per pixel ({self.method})"
        error = 100 * self.standard_error_um_per_px / self.um_per_px
        return f"{self.um_per_px:.5f} µm per pixel ± {error:.2f} % ({self.lines} lines, {self.method})"


@dataclass(frozen=True, slots=True)
class KeptCalibration:
    """A calibration that is kept, for a list.

    Parameters
    ----------
    kind : str
        Such as "flat".
    objective : str
        Of which objective; "any".
    date, residual : str
        When, and how well it fits.
    state : str
        "in use", "expired", "expires in 5 days".
    good : bool
        Whether it counts today.
    """

    kind: str
    objective: str
    date: str
    residual: str
    state: str
    good: bool


@dataclass(frozen=True, slots=True)
class KnownObjective:
    """An objective whose scale is written down somewhere.

    Parameters
    ----------
    name : str
        Such as "40x".
    um_per_px : float
        Its scale.
    words : str
        Where that comes from, and whether it still counts.
    measured : bool
        Whether it was measured on this instrument.
    """

    name: str
    um_per_px: float
    words: str
    measured: bool
