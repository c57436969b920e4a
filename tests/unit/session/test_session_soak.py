"""Hours at the microscope, in seconds: nothing grows."""

from __future__ import annotations

import gc
import os
import threading
import time

import psutil
import pytest

from armicro.contracts.devices import Exposure
from tests.session_rig import MS, Rig, tissue

FRAMES = 50_000


@pytest.mark.slow
def test_fifty_thousand_frames_leave_nothing_behind(rig: Rig) -> None:
    looks = [tissue(k % 5, k) for k in range(20)]
    me = psutil.Process()
    before = [0, 0, 0]
    begin = time.monotonic()
    for k in range(FRAMES):
        rig.now_ns += 33 * MS
        rig.session.on_exposure(Exposure(looks[k // 100 % 20], k, rig.now_ns))
        if k % 500 == 0:
            rig.session.snapshot()
            rig.session.live()
            rig.press()
        if k % 2500 == 2000:
            gc.collect()
            handles = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH112, PTH208
            now = [me.memory_info().rss, threading.active_count(), handles]
            if k < 8000:
                before = now
            else:
                assert now[1:] == before[1:]
                assert now[0] - before[0] < 40e6
    assert time.monotonic() - begin < 60
    assert len(rig.session.snapshot().notices) <= 50
    rig.until(lambda: len(rig.session.snapshot().fields) == FRAMES // 500)
