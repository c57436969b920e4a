"""What a camera, a stage, a pedal and a nosepiece are to the rest of the program.

Times are `time.monotonic_ns()` of this machine, whatever clock a device has of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from armicro.contracts.arrays import U8, require
from armicro.contracts.frame import Optics


class PixelFormat(StrEnum):
    """What a camera sends; adapters hand out RGB whatever it is."""

    MONO8 = "Mono8"
    BAYER_RG8 = "BayerRG8"
    BAYER_RG12P = "BayerRG12p"
    RGB8 = "RGB8"


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """Which camera it is.

    Parameters
    ----------
    name : str
        For people: vendor and model, or what is replayed.
    serial : str
        Tells two of the same model apart; "" where there is none.
    shape_px : tuple of int
        Height and width of its frames.
    pixel_format : str
        What it sends now.
    simulated : bool
        Whether its pictures are rendered or recorded, not live tissue; shown wherever they are.
    """

    name: str
    serial: str
    shape_px: tuple[int, int]
    pixel_format: str
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Exposure:
    """One picture as a camera gives it.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        RGB; the receiver's own, no device writes to it again.
    frame_id : int
        Counts the source's exposures up; a gap is a lost exposure.
    t_ns : int
        Begin of the exposure, or the best estimate of it.
    optics : Optics or None
        The scale, where the source knows it (a recording, a simulation); else the objective's decides.
    """

    rgb: U8
    frame_id: int
    t_ns: int
    optics: Optics | None = None

    def __post_init__(self) -> None:
        require("Exposure.rgb", self.rgb, shape=(None, None, 3), dtype="u1")


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """Counts since the camera was opened.

    Parameters
    ----------
    frames : int
        Complete exposures handed out.
    incomplete : int
        Exposures thrown away because a part of them was missing.
    lost : int
        Exposures that never arrived (gaps in the numbering).
    """

    frames: int = 0
    incomplete: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """What can be set at a camera; None is "not asked" when set and "not there" when read.

    Parameters
    ----------
    exposure_us : float or None
        Exposure time, µs.
    gain_db : float or None
        Gain, dB.
    white_balance : tuple of 3 floats or None
        Factors of red, green, blue.
    frame_rate_hz : float or None
        Exposures per second.
    pixel_format : PixelFormat or None
        What is sent.
    roi_px : tuple of 4 ints or None
        Sensor region: first row, first column, height, width.
    software_trigger : bool or None
        Whether an exposure is made only when asked for.
    """

    exposure_us: float | None = None
    gain_db: float | None = None
    white_balance: tuple[float, float, float] | None = None
    frame_rate_hz: float | None = None
    pixel_format: PixelFormat | None = None
    roi_px: tuple[int, int, int, int] | None = None
    software_trigger: bool | None = None


class CameraControls(Protocol):
    """The knobs of a camera; may be used by any thread while another one grabs."""

    def read(self) -> CameraSettings:
        """Return what is set now. Raises `DeviceError` if the camera is gone."""
        ...

    def limits(self) -> dict[str, tuple[float, float]]:
        """Return least and greatest value of each knob that has them, by its name in `CameraSettings`."""
        ...

    def apply(self, wanted: CameraSettings) -> CameraSettings:
        """Set what is not None, clipped to the camera's limits; return what is set then.

        Raises `DeviceError` where a value is refused or the camera is gone.
        """
        ...


class Stage(Protocol):
    """A stage that software can drive (the simulated slide's)."""

    @property
    def position_um(self) -> tuple[float, float]:
        """Position y, x of the field's centre, µm."""
        ...

    def move_by(self, dy_um: float, dx_um: float) -> None:
        """Move; returns at once, the picture follows. From any thread."""
        ...


class Camera(Protocol):
    """A source of exposures, used by one thread but for `controls` and `stage`.

    `open` connects and starts; `grab` gives complete exposures, the newest where the reader is slow; `close`
    ends both, may be called twice and on a camera that is gone, and leaves one that can be opened again. A
    camera that was lost raises `DeviceError` from `grab`; whoever drives it closes and opens it again.
    """

    def open(self) -> CameraInfo:
        """Connect and start streaming; raises `DeviceError` with what to do about it."""
        ...

    def grab(self, timeout_s: float) -> Exposure | None:
        """Return the next complete exposure; None if none came in time.

        Waits up to `timeout_s`, without keeping other threads from running. Raises `DeviceError` when the
        camera is gone or at its end (a replay that does not loop raises `EndOfStream`).
        """
        ...

    def close(self) -> None:
        """Stop and let go of the device."""
        ...

    @property
    def health(self) -> CameraHealth:
        """Counts since `open`."""
        ...

    @property
    def controls(self) -> CameraControls | None:
        """The knobs, where there are any."""
        ...

    @property
    def stage(self) -> Stage | None:
        """The stage, where software drives it."""
        ...


class CameraEventKind(StrEnum):
    """What a capture thread tells besides frames."""

    OPENED = "opened"
    STALLED = "stalled"
    INCOMPLETE = "incomplete"
    FORMAT_CHANGED = "format-changed"
    LOST = "lost"
    RECOVERED = "recovered"
    ENDED = "ended"
    FAILED = "failed"
    """The program itself failed at a picture or at news; the camera is not to blame, and goes on."""


@dataclass(frozen=True, slots=True)
class CameraEvent:
    """News of a camera, in words for the user."""

    kind: CameraEventKind
    words: str
    t_ns: int
    info: CameraInfo | None = None


class Gesture(StrEnum):
    """What a foot did.

    A pedal that tells press and release sends `BEGAN` the moment it goes down (so that the field is caught at
    once) and then exactly one of the other three; one that sends whole presses sends `SHORT` alone.
    """

    BEGAN = "began"
    SHORT = "short"
    LONG = "long"
    DOUBLE = "double"


@dataclass(frozen=True, slots=True)
class PedalPress:
    """A gesture, with the time at which the pedal first went down."""

    gesture: Gesture
    t_ns: int
    source: str


class LinkState(StrEnum):
    """Whether a device that talks over a line is there."""

    CONNECTED = "connected"
    LOST = "lost"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """News of a line, in words for the user."""

    state: LinkState
    words: str
    t_ns: int
    source: str


class Pedal(Protocol):
    """Calls back from a thread of its own; the callbacks must be quick and may not call the pedal."""

    def start(self, on_press: Callable[[PedalPress], None], on_link: Callable[[LinkEvent], None]) -> None:
        """Begin to listen. A line that is not there is told by `on_link` and tried again until `close`."""
        ...

    def close(self) -> None:
        """Stop; no callback comes afterwards. May be called twice."""
        ...

    @property
    def identity(self) -> str:
        """For people: "keyboard", "/dev/ttyUSB0 (line)"."""
        ...


@dataclass(frozen=True, slots=True)
class NosepiecePosition:
    """Where the nosepiece stands: 1, 2, ... or None between two objectives."""

    position: int | None
    t_ns: int


class Nosepiece(Protocol):
    """A coded or motorised nosepiece; calls back from a thread of its own."""

    def start(
        self, on_position: Callable[[NosepiecePosition], None], on_link: Callable[[LinkEvent], None]
    ) -> None:
        """Begin to listen; see `Pedal.start`. The present position is asked for where the device answers."""
        ...

    def close(self) -> None:
        """Stop; no callback comes afterwards. May be called twice."""
        ...
