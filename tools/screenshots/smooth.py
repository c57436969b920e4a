"""`python -m tools.screenshots.smooth`: how long the event loop is away with frames of full size."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np

from armicro.ui.jitter import JitterProbe
from tools.screenshots.hands import wait_ms
from tools.screenshots.states import Studio

_FRAME_PX = (3008, 3008)
_EACH_MS = 6000


def say(what: str, probe: JitterProbe) -> None:
    """Print one line of figures."""
    late, computed = np.asarray(probe.late_ms), np.asarray(probe.computed_ms)
    print(
        f"{what:28s} late p95 {np.percentile(late, 95):5.1f}  p99 {np.percentile(late, 99):5.1f}  "
        f"max {late.max():5.1f} ms; computed max {computed.max():5.1f} ms, {len(late)} ticks"
    )


def main() -> None:
    """Show, capture, look at a field and move a threshold; print how long the loop was away in each."""
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(Path(folder) / "window.ini", _FRAME_PX, 15.0, grid=1)
        try:
            studio.resize(1920, 1080)
            studio.plug_in()
            probe = JitterProbe()
            probe.start()
            wait_ms(_EACH_MS)
            say("live", probe)
            probe.start()
            studio.capture(1)
            say("capturing", probe)
            probe.start()
            studio.hold_handle(letting_go=True)
            say("moving a threshold", probe)
            probe.start()
            studio.point_at(1)
            wait_ms(500)
            say("field and cell", probe)
            probe.stop()
            shown = studio.window.parts.picture.frames_shown
            print(f"{shown} pictures were shown; camera {studio.session.snapshot().vitals.fps:.0f} fps")
        finally:
            studio.close()


if __name__ == "__main__":
    main()
