"""The exception tree. Every message is one line that a lab technician can act on."""

from __future__ import annotations


class ArmicroError(Exception):
    """Anything armicro refuses or fails at; its text is meant for the user."""


class InputError(ArmicroError):
    """Something that came in cannot be used."""


class ImageError(InputError):
    """An image file is missing, damaged, too large or not an RGB picture."""


class ScaleError(InputError):
    """The pixel size is missing, impossible or too coarse for membranes."""


class ProfileError(InputError):
    """A stain or optics profile is missing, unreadable or contradicts itself."""


class AlignmentError(InputError):
    """Points or a calibration from which nothing can be placed in the eyepiece."""


class RegionError(InputError):
    """A region of interest is unreadable or lies outside its field."""


class RecordingError(InputError):
    """A recording or its pedal track is missing, damaged or does not fit together."""


class GuidelineError(InputError):
    """A rule set is unknown or not valid."""


class CalibrationError(InputError):
    """What was measured cannot calibrate the instrument, or a stored calibration cannot be used."""


class OutputError(ArmicroError):
    """A result cannot be written where it was asked for."""


class EngineError(ArmicroError):
    """A detector or its engine cannot be loaded or failed."""


class DeviceError(ArmicroError):
    """A camera, pedal or display failed or went away."""


class EndOfStream(DeviceError):  # noqa: N818 - an end, not a fault
    """A recording that is played once has no more frames."""


class StoreError(ArmicroError):
    """A case cannot be kept or read back."""
