"""What `armicro bench --live` prints."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from rich.console import Console

from armicro.app.live_bench import PICTURES, REST_S, SOON_S, LiveResult, LiveTask, PressTimes
from armicro.contracts.errors import EngineError

_LIMIT_S = 900


def run_live(task: LiveTask) -> LiveResult:
    """Measure the live instrument in a fresh process.

    Raises
    ------
    EngineError
        If that process fails.
    """
    command = [sys.executable, "-m", "armicro.app.live_bench", json.dumps(asdict(task))]
    done = subprocess.run(  # noqa: S603 - this interpreter and this package's own module
        command, capture_output=True, text=True, encoding="utf-8", timeout=_LIMIT_S, check=False
    )
    if done.returncode != 0 or not done.stdout.strip():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise EngineError(f"the live benchmark ended with code {done.returncode}: {last}")
    values = json.loads(done.stdout.splitlines()[-1])
    presses = [PressTimes(**one) for one in values.pop("presses")]
    return LiveResult(**values, presses=presses)


def print_live(out: Console, task: LiveTask, found: LiveResult) -> None:
    """Print a markdown table, to be pasted as it is."""
    window = "with its window" if found.shown_fps is not None else "without a window: Qt is not here"
    out.print(
        f"Camera of {task.size_px}² at {task.rate_hz:g} per second, histogram on, analysis running, {window}."
    )
    out.print(f"Nuclei by {found.detector}. Milliseconds.\n", soft_wrap=True)
    out.print("| what | p50 | p95 | greatest |\n|---|---|---|---|")
    for name, values in (
        ("event loop late", found.late_ms),
        ("event loop computing", found.computed_ms),
        *_press_rows(found.presses),
        (f"threshold to the score of {task.fields} fields", found.rescore_ms),
        ("threshold to the live overlay", found.visible_ms),
    ):
        if values:
            out.print(f"| {name} | {_p(values, 50):.0f} | {_p(values, 95):.0f} | {max(values):.0f} |")
    shown = "" if found.shown_fps is None else f", shown {found.shown_fps:.1f}"
    out.print(
        f"\nPer second: frames {found.camera_fps:.1f}{shown}, overlays {found.overlay_fps:.1f}. "
        f"Memory {found.peak_mb:.0f} MB, of which the pictures of the camera take "
        f"{_camera_mb(task):.0f}."
    )
    for rested, when in ((True, "at rest"), (False, "soon after a move")):
        some = [p for p in found.presses if p.rested is rested]
        live = sum(p.from_live for p in some)
        out.print(f"Of {len(some)} presses {when}, {live} captured the live frame that was looked at.")
    cpu = sorted(found.cpu_ms_per_s.items(), key=lambda one: -one[1])
    out.print(
        "CPU ms per second: " + ", ".join(f"{name} {ms:.0f}" for name, ms in cpu if ms >= 1) + ".",
        soft_wrap=True,
    )


def _press_rows(presses: Sequence[PressTimes]) -> list[tuple[str, list[float]]]:
    rows = []
    for rested, when in ((True, f"at rest for {REST_S:g} s"), (False, f"{SOON_S:g} s after a move")):
        some = [p for p in presses if p.rested is rested]
        rows.append((f"{when}: press to captured (on disk)", [p.captured_ms for p in some]))
        rows.append((f"{when}: press to overlay", [p.overlay_ms for p in some]))
    for from_live, what in ((True, "of the live frame"), (False, "of a new exposure")):
        rows.append((f"press to overlay {what}", [p.overlay_ms for p in presses if p.from_live is from_live]))
    return rows


def _camera_mb(task: LiveTask) -> float:
    return PICTURES * task.size_px**2 * 3 / 1e6


def _p(values: Sequence[float], percent: float) -> float:
    return float(np.percentile(values, percent))
