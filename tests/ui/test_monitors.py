"""A monitor that is truly taken away and given back: an X server of its own, and its RandR monitors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="windows need PyQt6 and its system libraries")

from tests.ui.monitor_child import EYE
from tests.x_server import AVAILABLE, WHY_NOT, x_server

pytestmark = pytest.mark.skipif(not AVAILABLE, reason=WHY_NOT)
TOP = Path(__file__).parents[2]


@pytest.fixture
def two_monitors() -> Iterator[str]:
    """The name of a display with the monitors MAIN and EYE side by side."""
    with x_server("1280x480", (("--setmonitor", "MAIN", "640/160x480/120+0+0", "screen"), EYE)) as name:
        yield name


def test_a_monitor_that_is_taken_away_is_told_and_comes_back(two_monitors: str, tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if k != "WAYLAND_DISPLAY"}
    more = {"DISPLAY": two_monitors, "QT_QPA_PLATFORM": "xcb"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.ui.monitor_child", str(tmp_path / "window.ini")],
        env=kept | more, cwd=TOP, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if "could not load the qt platform plugin" in done.stderr.lower():
        pytest.skip("Qt's own X11 libraries are missing")
    assert done.stdout.strip() == "fine", done.stderr[-2000:]
