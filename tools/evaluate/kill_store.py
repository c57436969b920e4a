"""Kill a capturing instrument at random moments and see whether anything that was announced is lost.

    python -m tools.evaluate.kill_store --times 200

Each time `armicro run --headless` is a process of its own on a replayed slide, pressed by a pedal on a
pseudo terminal some ten times a second and killed (SIGKILL) at a random moment. All of them work on one case.
What it announced on stdout ("captured") is compared with what the case holds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from armicro.sim.case import CaseParams
from armicro.sim.params import parse_mix
from armicro.sim.recording import Pace, simulate_recording, write_recording
from armicro.store.casebook import CaseBook
from tools.evaluate.shared import ROOT

CASE = "killed"
_UM_PER_PX = 0.424


def recording(folder: Path) -> Path:
    """Write a slide to be replayed: small fields, so that most of the time goes into keeping them."""
    params = CaseParams(mix=parse_mix("2+"), um_per_px=_UM_PER_PX, shape_px=(320, 320), fields=3)
    pace = Pace(fps=10, rest_frames=12, move_frames=2)
    return write_recording(folder / "slide", simulate_recording(params, 5, pace), _UM_PER_PX, pace).path


def run_and_kill(slide: Path, cases: Path, after_s: float) -> list[dict[str, int]]:
    """Run an instrument, kill it so long after it is ready; return the captures that it announced."""
    import pty
    import tty

    foot, far = pty.openpty()
    tty.setraw(far)
    command = [
        sys.executable, "-m", "armicro.app.cli", "run", "--headless", "--events", "-", "--quiet",
        "--camera", f"replay:{slide}", "--detector", "classical", "--case", CASE, "--cases", str(cases),
        "--pedal", os.ttyname(far),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    announced: list[dict[str, int]] = []
    ready = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.endswith("\n"):
                break
            event = json.loads(line)
            if event["event"] == "captured":
                announced.append(event)
            ready.set()
        ready.set()

    listener = threading.Thread(target=listen)
    listener.start()
    ready.wait(60)
    end = time.monotonic() + after_s
    while time.monotonic() < end:
        os.write(foot, b"press\n")
        time.sleep(min(0.1, max(0.0, end - time.monotonic())))
    process.kill()
    process.wait()
    listener.join()
    process.stdout.close()
    os.close(foot)
    os.close(far)
    return announced


def main() -> None:
    """Kill, compare, and end with an error if anything is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    announced: dict[int, int] = {}
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        slide, cases = recording(folder), folder / "cases"
        for k in range(args.times):
            for event in run_and_kill(slide, cases, float(rng.uniform(0.0, 1.5))):
                if event["number"] in announced:
                    wrong.append(f"field {event['number']} was announced twice")
                announced[event["number"]] = event["frame_id"]
            book = CaseBook(cases)
            found = book.verify(CASE) if book.cases() else ()
            wrong += [f.words for f in found]
            if book.damage() is not None:
                wrong.append(f"damaged after kill {k + 1}")
            book.close()
            print(
                f"\r{k + 1} kills, {len(announced)} fields announced, {len(wrong)} wrong", end="", flush=True
            )
        book = CaseBook(cases)
        case = book.open_case(CASE)
        numbers = case.earlier().numbers
        for number, frame_id in announced.items():
            if number not in numbers or case.frame(number).frame_id != frame_id:
                wrong.append(f"field {number} is lost")
        case.close()
        book.close()
    print(f"\n{args.times} kills: {len(announced)} fields announced, {len(numbers)} kept, {len(wrong)} wrong")
    for words in wrong[:20]:
        print(words)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
