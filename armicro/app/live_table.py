"""What `armicro bench --live` prints."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from rich.console import Console

from armicro.app.live_bench import PICTURES, LiveResult, LiveTask
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
    return LiveResult(**json.loads(done.stdout.splitlines()[-1]))


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
        ("press to captured (on disk)", found.press_to_captured_ms),
        ("press to overlay", found.press_to_overlay_ms),
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


def _camera_mb(task: LiveTask) -> float:
    return PICTURES * task.size_px**2 * 3 / 1e6


def _p(values: Sequence[float], percent: float) -> float:
    return float(np.percentile(values, percent))
