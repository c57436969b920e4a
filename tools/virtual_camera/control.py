"""Asks a virtual camera for faults, also from another process; see `control_block` in producer/camera.h."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

_SIZE = 4096
_INCOMPLETE, _STALLED, _LOST, _DELAY, _WIDTH, _HEIGHT, _FORMAT = range(4, 32, 4)
_SENT, _OPENED = 32, 40


class Control:
    """The control block of the cameras whose `ARMICRO_VIRTUAL_CONTROL` names the same file.

    Parameters
    ----------
    path : Path
        The file; made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists() or path.stat().st_size < _SIZE:
            path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SIZE)

    def tear(self, share: float) -> None:
        """Send this share of the pictures incomplete, 0 to 1."""
        self._put(_INCOMPLETE, round(1000 * share))

    def stall(self, *, on: bool) -> None:
        """Send nothing, but answer."""
        self._put(_STALLED, int(on))

    def lose(self, *, on: bool) -> None:
        """Pull the cable, or put it in again."""
        self._put(_LOST, int(on))

    def delay(self, seconds: float) -> None:
        """Send each picture later, s."""
        self._put(_DELAY, round(1e6 * seconds))

    def send_instead(self, shape_px: tuple[int, int] = (0, 0), pixel_format: int = 0) -> None:
        """Send pictures of another shape or format (PFNC) than what is set; 0 for what is set."""
        self._put(_HEIGHT, shape_px[0])
        self._put(_WIDTH, shape_px[1])
        self._put(_FORMAT, pixel_format)

    def clear(self) -> None:
        """Behave."""
        self._memory[_INCOMPLETE:_SENT] = bytes(_SENT - _INCOMPLETE)

    @property
    def frames_sent(self) -> int:
        """Pictures sent, complete or not, by all cameras ever opened with this block."""
        return int(struct.unpack_from("<Q", self._memory, _SENT)[0])

    @property
    def times_opened(self) -> int:
        """How often a camera was opened."""
        return int(struct.unpack_from("<Q", self._memory, _OPENED)[0])

    def close(self) -> None:
        """Let go of the file; what was asked for stays."""
        self._memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _put(self, at: int, value: int) -> None:
        struct.pack_into("<I", self._memory, at, value)
