"""Windows for tests; where PyQt6 is missing, the test modules skip before they ask for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from armicro.ui.hooks import Hooks
    from tests.ui.calibration_bench import Bench
    from tests.ui.window_rig import WindowRig


@pytest.fixture
def new_window(tmp_path: Path, qapp: object) -> Iterator[Callable[..., WindowRig]]:
    """Make windows over scripted sessions; all are closed at the end."""
    from tests.ui.window_rig import WindowRig

    del qapp
    made: list[WindowRig] = []

    def make(hooks: Hooks | None = None, **changes: object) -> WindowRig:
        made.append(WindowRig(tmp_path / "window.ini", hooks, **changes))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def rig(new_window: Callable[..., WindowRig]) -> WindowRig:
    """A window over a scripted session with a pedal."""
    return new_window()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: object) -> Iterator[Bench]:
    """The calibrations over a picture that is put before a session; the user's own files stay alone."""
    from tests.ui.calibration_bench import Bench

    del qapp
    monkeypatch.setenv("ARMICRO_INSTRUMENT", str(tmp_path / "instrument.toml"))
    made = Bench(tmp_path / "calibration")
    yield made
    made.close()
