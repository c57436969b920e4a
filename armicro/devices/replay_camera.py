"""A recording as a camera: at the pace it was made at, or as fast as it can be read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.devices import CameraControls, CameraHealth, CameraInfo, Exposure, PixelFormat, Stage
from armicro.contracts.errors import DeviceError, EndOfStream, ImageError, RecordingError, ScaleError
from armicro.devices.image_files import read_image
from armicro.devices.recordings import Recording, open_frames, open_video

DEFAULT_FPS = 10.0
"""For a folder of pictures that does not tell how fast it was made, frames per second."""
_MAX_SKIPPED = 8
"""Frames of a video that one `grab` may read past, each of which costs time."""
_NS = 1_000_000_000


class Pace(StrEnum):
    """How fast a recording is played."""

    REAL_TIME = "real-time"
    """As it was made; frames are skipped where the reader is late, as a camera does."""
    FAST = "fast"
    """As fast as it is read; no frame is left out."""


class _Folder:
    """Pictures read one at a time; passing over any number of them costs nothing."""

    def __init__(self, recording: Recording) -> None:
        self.pictures = recording.pictures
        self._um_per_px = recording.optics.um_per_px
        self.next = 0

    def read(self) -> U8 | None:
        """Return the next frame; None at the end. Raises `RecordingError` and goes on with the next."""
        if self.next >= len(self.pictures):
            return None
        picture = self.pictures[self.next]
        self.next += 1
        try:
            return read_image(picture, self._um_per_px).rgb
        except (ImageError, ScaleError) as error:
            raise RecordingError(str(error)) from error

    def pass_over(self, n: int, *, loop: bool) -> int:
        """Pass over so many frames, of a recording played once never the last one; return how many."""
        if loop:
            self.next = (self.next + n) % len(self.pictures)
            return n
        n = max(0, min(n, len(self.pictures) - 1 - self.next))
        self.next += n
        return n

    def close(self) -> None:
        """Nothing is held open."""


class _Video:
    """One frame in memory at a time, whatever the video's length."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._capture = open_video(path)
        self.next = 0

    def read(self) -> U8 | None:
        """Return the next frame; None at the end. Raises `RecordingError`."""
        found, bgr = self._capture.read()
        if not found:
            return None
        if bgr.ndim != 3 or bgr.dtype != np.uint8:
            raise RecordingError(f"{self._path}: its frames are not 8-bit colour pictures")
        self.next += 1
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)

    def pass_over(self, n: int, *, loop: bool) -> int:
        """Pass over up to so many frames; return how many. At the end it is `read` that begins again."""
        del loop
        # Seeking is inexact in many formats; grabbing alone leaves out the conversion of colours.
        for done in range(n):
            if not self._capture.grab():
                return done
            self.next += 1
        return n

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()


class ReplayCamera:
    """A recording as a `Camera`; see there for what each method promises.

    Reading a frame is not cut short by the timeout of `grab`: where decoding takes longer than the
    recording's period, pictures of a folder are skipped, and a video plays slower than life.

    Parameters
    ----------
    recording : Recording
        What is played, from its beginning each time it is opened.
    pace : Pace
        How fast.
    loop : bool
        Whether it begins again at its end; else `grab` raises `EndOfStream` there.
    clock : callable
        Monotonic time, ns.
    sleep : callable
        Waits so many seconds.
    """

    def __init__(
        self,
        recording: Recording,
        pace: Pace = Pace.REAL_TIME,
        *,
        loop: bool = False,
        clock: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._recording = recording
        self._pace = pace
        self._loop = loop
        self._clock = clock
        self._sleep = sleep
        self._reader: _Folder | _Video | None = None
        self._waiting: U8 | None = None
        self._next_id = 0
        self._read_ns = 0
        self._base_ns = 0
        self._last_ns = -1
        self._health = CameraHealth()

    def open(self) -> CameraInfo:
        """Open the recording at its beginning; raises `DeviceError` if its first frame cannot be read."""
        self.close()
        self._health = CameraHealth()
        self._next_id = 0
        self._last_ns = -1
        try:
            self._reader = self._begin()
            self._waiting = self._reader.read()
        except RecordingError as error:
            self.close()
            raise DeviceError(str(error)) from error
        if self._waiting is None:
            self.close()
            raise DeviceError(f"{self._recording.path}: the recording holds no frame")
        self._base_ns = self._clock()
        height, width = self._waiting.shape[:2]
        name = f"Replay of {self._recording.path.name}"
        return CameraInfo(name, "", (height, width), PixelFormat.RGB8, simulated=True)

    def grab(self, timeout_s: float) -> Exposure | None:
        """Return the next frame when it is due; raises `EndOfStream` at the end."""
        if self._reader is None:
            raise DeviceError(f"{self._recording.path}: the replay is not open: open it first")
        try:
            return self._fast() if self._pace is Pace.FAST else self._in_time(self._reader, timeout_s)
        except RecordingError as error:
            raise DeviceError(str(error)) from error

    def close(self) -> None:
        """Let go of the recording."""
        reader, self._reader = self._reader, None
        self._waiting = None
        if reader is not None:
            reader.close()

    @property
    def health(self) -> CameraHealth:
        """Counts since `open`; skipped frames are lost ones."""
        return self._health

    @property
    def controls(self) -> CameraControls | None:
        """None: what was recorded cannot be set."""
        return None

    @property
    def stage(self) -> Stage | None:
        """None: what was recorded cannot be moved."""
        return None

    def _begin(self) -> _Folder | _Video:
        if self._recording.pictures:
            return _Folder(self._recording)
        return _Video(self._recording.path)

    def _fast(self) -> Exposure:
        rgb = self._next_frame()
        # Frames of one moment would look like one exposure: each is later than the one before.
        return self._hand_out(rgb, max(self._clock(), self._last_ns + 1))

    def _in_time(self, reader: _Folder | _Video, timeout_s: float) -> Exposure | None:
        begin_ns = self._clock()
        period_ns = 1e9 / self._recording.fps
        late = int((begin_ns - self._base_ns) // period_ns) - self._next_id
        most = late
        if isinstance(reader, _Video):
            # Passing over frames takes time too: it cannot catch up where reading is slower than life.
            most = _MAX_SKIPPED if self._read_ns < period_ns else 0
        self._pass_over(reader, min(late, most))
        # It is read before it is due, so that reading does not make it late.
        rgb = self._next_frame()
        due_ns = self._base_ns + round(self._next_id * period_ns)
        now_ns = self._clock()
        end_ns = begin_ns + round(timeout_s * _NS)
        if due_ns > max(end_ns, now_ns):
            self._waiting = rgb
            self._sleep(max(end_ns - now_ns, 0) / _NS)
            return None
        if due_ns > now_ns:
            self._sleep((due_ns - now_ns) / _NS)
        elif late > most:
            # This machine cannot read it as fast as it was made: from here on, time is counted anew.
            self._base_ns += now_ns - due_ns
            due_ns = now_ns
        return self._hand_out(rgb, due_ns)

    def _hand_out(self, rgb: U8, t_ns: int) -> Exposure:
        exposure = Exposure(rgb, self._next_id, t_ns, self._recording.optics)
        self._last_ns = t_ns
        self._next_id += 1
        self._health = replace(self._health, frames=self._health.frames + 1)
        return exposure

    def _pass_over(self, reader: _Folder | _Video, n: int) -> None:
        if n <= 0:
            return
        passed = 0
        last = isinstance(reader, _Folder) and reader.next == len(reader.pictures)
        if self._waiting is not None and not (last and not self._loop):
            self._waiting = None
            passed = 1
        passed += reader.pass_over(n - passed, loop=self._loop)
        self._next_id += passed
        self._health = replace(self._health, lost=self._health.lost + passed)

    def _next_frame(self) -> U8:
        """Return the frame that was read ahead, or read one; begins again where it is to loop."""
        rgb, self._waiting = self._waiting, None
        if rgb is not None:
            return rgb
        assert self._reader is not None  # only called while open
        begin_ns = self._clock()
        rgb = self._read_whole(self._reader)
        if rgb is None:
            if not self._loop:
                raise EndOfStream(self._end_words(self._reader.next))
            self._reader.close()
            self._reader = self._begin()
            rgb = self._read_whole(self._reader)
        if rgb is None:
            raise RecordingError(f"{self._recording.path}: none of its frames can be read any more")
        self._read_ns = self._clock() - begin_ns
        return rgb

    def _read_whole(self, reader: _Folder | _Video) -> U8 | None:
        """Read the next frame that can be read; those that cannot are to this camera incomplete ones."""
        while True:
            try:
                return reader.read()
            except RecordingError:
                if isinstance(reader, _Video):
                    raise
                self._health = replace(self._health, incomplete=self._health.incomplete + 1)
                self._next_id += 1

    def _end_words(self, n_frames: int) -> str:
        name, expected = self._recording.path.name, self._recording.n_frames
        if expected is not None and n_frames < expected:
            return f"{name} ends after {n_frames} of its {expected} frames: it is truncated or damaged"
        return f"{name} is at its end"


def open_replay(
    path: Path,
    um_per_px: float | None = None,
    *,
    pace: Pace = Pace.REAL_TIME,
    loop: bool = False,
    fps: float = DEFAULT_FPS,
) -> ReplayCamera:
    """Make a camera of a recording, or of any folder of pictures or video.

    Parameters
    ----------
    path : Path
        The folder or video.
    um_per_px : float or None
        Scale, µm per pixel; needed where no `recording.json` tells it.
    pace : Pace
        How fast it is played.
    loop : bool
        Whether it begins again at its end.
    fps : float
        Frames per second where nothing tells them.

    Returns
    -------
    ReplayCamera
        Closed.

    Raises
    ------
    RecordingError
        If it is missing or damaged.
    ScaleError
        If there is no scale, it is impossible, or two scales contradict each other.
    """
    return ReplayCamera(open_frames(path, um_per_px, fps), pace, loop=loop)
