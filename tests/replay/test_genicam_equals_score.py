"""The instrument over a virtual GenICam camera, from the pedal to the score, as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from armicro.app.cli import main
from armicro.sim.case import CaseParams
from armicro.sim.params import parse_mix
from armicro.sim.recording import Pace, simulate_recording, write_recording
from tests.running import Running
from tests.virtual_rig import show, virtual_producer
from tests.x_server import AVAILABLE, WHY_NOT, x_server
from tools.virtual_camera.__main__ import recorded

UM_PER_PX = 0.424
FIELDS = 10
RATE_HZ = 20.0
PACE = Pace(fps=RATE_HZ, rest_frames=16, move_frames=2)


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A virtual camera that looks at ten fields, one after the other, and again."""
    folder = tmp_path_factory.mktemp("virtual")
    params = CaseParams(mix=parse_mix("2+"), um_per_px=UM_PER_PX, shape_px=(320, 320), fields=FIELDS)
    written = write_recording(folder / "slide", simulate_recording(params, 5, PACE), UM_PER_PX, PACE)
    with pytest.MonkeyPatch.context() as patch:
        show(patch, folder, list(recorded(written.path)), RATE_HZ)
        yield folder


@pytest.fixture
def start(slide: Path, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    del slide
    running: list[Running] = []

    def call(*arguments: object, window: Mapping[str, str] | None = None) -> Running:
        camera = ("--camera", "genicam:VC-0001", "--cti", virtual_producer(), "--um-per-px", UM_PER_PX)
        running.append(Running(tmp_path / "cases", *camera, *arguments, window=window))
        return running[-1]

    yield call
    for one in running:
        one.close()


def two_displays(folder: Path) -> dict[str, str]:
    """Environment for a window on one display and the eyepiece on another, both in memory."""
    screens = [
        {
            "name": name,
            "x": x,
            "y": 0,
            "width": w,
            "height": h,
            "logicalDpi": 96,
            "logicalBaseDpi": 96,
            "dpr": 1,
        }
        for name, x, w, h in (("operator", 0, 1280, 800), ("eyepiece", 1280, 1920, 1080))
    ]
    file = folder / "displays.json"
    file.write_text(json.dumps({"screens": screens}), encoding="utf-8")
    return {
        "QT_QPA_PLATFORM": f"offscreen:configfile={file}",
        "ARMICRO_WINDOW_SETTINGS": str(folder / "window.ini"),
        "DISPLAY": os.environ.get("DISPLAY", ":none"),
    }


def environment(display: str, folder: Path) -> dict[str, str]:
    """Environment for a window on the monitor "operator" of an X server and the eyepiece on "eyepiece"."""
    return {
        "QT_QPA_PLATFORM": "xcb",
        "ARMICRO_WINDOW_SETTINGS": str(folder / "window.ini"),
        "DISPLAY": display,
    }


MONITORS = (
    ("--setmonitor", "operator", "1280/340x800/210+0+0", "screen"),
    ("--setmonitor", "eyepiece", "1920/510x1080/290+1280+0", "none"),
)


@pytest.mark.slow
def test_ten_fields_without_a_window(tmp_path: Path, start: Callable[..., Running]) -> None:
    ten_fields_have_the_score_of_their_frames(tmp_path, start, None)


@pytest.mark.slow
def test_ten_fields_with_window_and_eyepiece_drawn_in_memory(
    tmp_path: Path, start: Callable[..., Running]
) -> None:
    pytest.importorskip("PyQt6.QtWidgets", reason="the window needs PyQt6")
    ten_fields_have_the_score_of_their_frames(tmp_path, start, two_displays(tmp_path))


@pytest.mark.slow
@pytest.mark.skipif(not AVAILABLE, reason=WHY_NOT)
def test_ten_fields_with_window_and_eyepiece_on_two_monitors(
    tmp_path: Path, start: Callable[..., Running]
) -> None:
    pytest.importorskip("PyQt6.QtWidgets", reason="the window needs PyQt6")
    with x_server("3200x1080", MONITORS) as display:
        window = environment(display, tmp_path)
        try:
            ten_fields_have_the_score_of_their_frames(tmp_path, start, window)
        except AssertionError as error:
            if "could not load the qt platform plugin" in str(error).lower():
                pytest.skip("Qt's own X11 libraries are missing")
            raise


def ten_fields_have_the_score_of_their_frames(
    tmp_path: Path, start: Callable[..., Running], window: dict[str, str] | None
) -> None:
    out, frames = tmp_path / "case.json", tmp_path / "frames"
    what: list[object] = ["--until-fields", FIELDS, "--json", out, "--frames", frames, "--case", "E2E"]
    if window is not None:
        # Places may come again here, and `score` knows nothing of overlaps.
        run = start(*what, "--eyepiece", "eyepiece", "--no-gate", window=window)
    else:
        run = start(*what)
    run.until(lambda: run.of("ready"))
    for n in range(1, FIELDS + 1):
        run.press()
        run.until(lambda n=n: len(run.of("captured")) == n)  # type: ignore[misc]
        time.sleep((PACE.rest_frames + PACE.move_frames) / RATE_HZ)
    assert run.ended() == 0, "".join(run.errors)
    again = tmp_path / "again.json"
    pictures = sorted(map(str, frames.glob("*.png")))
    score = ["score", *pictures, "--detector", "classical", "--json", str(again), "--quiet"]
    assert main([*score, "--um-per-px", str(UM_PER_PX)]) == 0
    live, scored = (json.loads(p.read_text(encoding="utf-8")) for p in (out, again))
    assert live["simulated"], "a virtual camera shows no live tissue"
    assert live["n_fields"] == FIELDS
    assert live["n_cells"] > 100
    for key in ("schema", "score", "status", "reason", "n_cells", "n_fields", "counts", "cutoff"):
        assert live[key] == scored[key]
    for a, b in zip(live["fields"], scored["fields"], strict=True):
        assert a["counts"] == b["counts"]
        assert a["pixel_sha256"] == b["pixel_sha256"]
    assert len({field["pixel_sha256"] for field in live["fields"]}) >= FIELDS - 2
    assert not "".join(run.errors).count("GenTL"), "nothing of the library on the terminal"
    assert main(["case", "verify", "E2E", "--cases", str(tmp_path / "cases"), "--quiet"]) == 0


def test_ctrl_c_ends_it_although_the_library_would_take_that_over(
    tmp_path: Path, start: Callable[..., Running]
) -> None:
    out = tmp_path / "case.json"
    run = start("--json", out)
    run.until(lambda: run.of("ready"))
    run.press()
    run.until(lambda: run.of("captured"))
    run.process.send_signal(signal.SIGINT)
    assert run.ended() == 130
    assert json.loads(out.read_text(encoding="utf-8"))["n_fields"] == 1
    assert "Traceback" not in "".join(run.errors)
