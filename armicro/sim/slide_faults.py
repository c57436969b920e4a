"""What can go wrong with a camera, on request: for tests and for showing what the program does then."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from armicro.contracts.errors import DeviceError, InputError


class CameraFaults:
    """Faults of a simulated camera. Any thread may ask for them while another one grabs.

    Parameters
    ----------
    clock : callable
        Monotonic time, ns.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._stalled_until_ns = self._gone_until_ns = self._torn_until_ns = -math.inf
        self._lost = self._stall_heals = False
        self._share = self._torn = 0.0
        self._shape_px: tuple[int, int] | None = None

    def stall(self, for_s: float = math.inf, *, heals_on_reopen: bool = True) -> None:
        """Give no pictures for so long, s, or (if it heals so) until the camera is opened again."""
        with self._lock:
            self._stalled_until_ns = self._clock() + for_s * 1e9
            self._stall_heals = heals_on_reopen

    def lose(self, for_s: float = 0.0) -> None:
        """Be unplugged from now on; the camera can be opened again after so long, s."""
        with self._lock:
            self._lost = True
            self._gone_until_ns = self._clock() + for_s * 1e9

    def tear(self, share: float, for_s: float = math.inf) -> None:
        """Let a share of the pictures, 0 to 1, arrive incomplete from now on, for so long, s.

        Raises
        ------
        InputError
            If the share lies outside 0 to 1.
        """
        if not 0 <= share <= 1:
            raise InputError(f"the share of incomplete pictures must be from 0 to 1, got {share:g}")
        with self._lock:
            self._share, self._torn = share, 0.0
            self._torn_until_ns = self._clock() + for_s * 1e9

    def change_shape(self, shape_px: tuple[int, int] | None) -> None:
        """Send pictures of another height and width from now on, px; None is the camera's own again."""
        with self._lock:
            self._shape_px = shape_px

    def clear(self) -> None:
        """End all faults. A lost camera still has to be opened again."""
        with self._lock:
            self._stalled_until_ns = self._gone_until_ns = self._torn_until_ns = -math.inf
            self._shape_px = None

    def opened(self) -> None:
        """Take note that the camera is opened; raises `DeviceError` while it is gone."""
        with self._lock:
            if self._clock() < self._gone_until_ns:
                raise DeviceError("the simulated camera is unplugged")
            self._lost = False
            if self._stall_heals:
                self._stalled_until_ns = -math.inf

    def check(self) -> None:
        """Raise `DeviceError` if the camera was lost since it was opened."""
        with self._lock:
            if self._lost:
                raise DeviceError("the simulated camera was unplugged")

    @property
    def stalled(self) -> bool:
        """Whether no pictures come."""
        with self._lock:
            return self._clock() < self._stalled_until_ns

    def next_is_torn(self) -> bool:
        """Tell whether the next picture is incomplete: evenly spread, so that tests can count."""
        with self._lock:
            if self._clock() >= self._torn_until_ns:
                return False
            self._torn += self._share
            torn = self._torn >= 1 - 1e-9
            self._torn -= torn
            return torn

    @property
    def shape_px(self) -> tuple[int, int] | None:
        """The shape it was changed to."""
        with self._lock:
            return self._shape_px
