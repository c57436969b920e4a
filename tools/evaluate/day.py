"""A day at the microscope: 30 cases of 8 fields with edits, kept, closed, and all of it read again.

    python -m tools.evaluate.day

Each case is a session of its own on simulated fields: presses, a moved threshold here, a field left out
there, cells overruled, regions drawn, things undone, some cases signed off and amended. Then `armicro case
verify` checks every chain, every pixel, and that each score comes out again, cell by cell. With `--bundles`
each case also leaves as one file: it is scored from there, imported into another folder and exported again,
and all three documents have to be the same bytes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from armicro.app.cli import main as armicro
from armicro.app.detectors import DetectorChoice, MadeDetector, make_detector
from armicro.app.profiles import DEFAULT_STAIN_PROFILE, load_stain_profile
from armicro.contracts.cells import CATEGORIES
from armicro.contracts.devices import Exposure
from armicro.contracts.frame import Optics
from armicro.imaging.gate import GateLimits
from armicro.scoring.guidelines import guideline_names, load_guideline
from armicro.session.commands import (
    Amend,
    Capture,
    Command,
    ReclassifyCell,
    Redo,
    RemoveCell,
    RemoveField,
    SetRegions,
    SetThresholds,
    SignOff,
    Undo,
)
from armicro.session.parts import SessionParts
from armicro.session.session import Session
from armicro.sim.case import simulate_case
from armicro.sim.params import PRESETS, CaseParams
from armicro.store.casebook import CaseBook

_UM_PER_PX = 0.424
_SIDE_PX = 512


class Case:
    """A session with hands; frames are given as fast as they are taken."""

    def __init__(self, book: CaseBook, name: str, made: MadeDetector, guideline: str) -> None:
        optics = {"20x": Optics(_UM_PER_PX, "20x")}
        parts = SessionParts(
            detector=made,
            load_profile=load_stain_profile,
            load_guideline=load_guideline,
            open_case=book.open_case,
            case_id=name,
            profile=DEFAULT_STAIN_PROFILE,
            guideline=guideline,
            objectives=optics,
            objective="20x",
            gate=GateLimits(),
        )
        self.session = Session(parts)
        self.frame_id = 0

    def expose(self, rgb: np.ndarray) -> None:
        """Give a frame."""
        self.frame_id += 1
        self.session.on_exposure(Exposure(rgb.copy(), self.frame_id, time.monotonic_ns()))

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds."""
        end = time.monotonic() + 60
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError(str(self.session.snapshot().notices[-3:]))
            time.sleep(0.005)

    def capture(self, rgb: np.ndarray) -> None:
        """Look at a field and press."""
        n = len(self.session.snapshot().fields)
        self.expose(rgb)
        self.session.do(Capture(time.monotonic_ns()))
        self.expose(rgb)
        self.until(lambda: len(self.session.snapshot().fields) == n + 1)
        self.settle()

    def settle(self) -> None:
        """Wait until every field that counts is in the score."""
        self.until(self._is_settled)

    def _is_settled(self) -> bool:
        snapshot = self.session.snapshot()
        counting = [f for f in snapshot.fields if not f.removed]
        if any(f.result is None for f in snapshot.fields) or snapshot.busy:
            return False
        return not counting or (snapshot.summary is not None and snapshot.summary.n_fields == len(counting))

    def act(self, command: Command) -> None:
        """Do something and wait until it is in the score."""
        self.session.do(command)
        self.settle()


def edit(case: Case, rng: np.random.Generator) -> None:
    """Do one of the things that people do."""
    snapshot = case.session.snapshot()
    field = snapshot.fields[int(rng.integers(len(snapshot.fields)))]
    n = 0 if field.result is None else len(field.result.cells)
    kind = int(rng.integers(6))
    thresholds = snapshot.profile.thresholds
    commands: list[Command] = [
        SetThresholds(replace(thresholds, weak_od=thresholds.weak_od * float(rng.uniform(0.9, 1.1)))),
        RemoveField(field.number),
        SetRegions(field.number, (((20.0, 20.0), (20.0, 400.0), (400.0, 400.0), (400.0, 20.0)),)),
        Undo(),
        Redo(),
    ]
    if n:
        row, category = int(rng.integers(n)), CATEGORIES[int(rng.integers(len(CATEGORIES)))]
        commands[3:3] = [ReclassifyCell(field.number, row, category, "by eye"), RemoveCell(field.number, row)]
    case.act(commands[kind % len(commands)])


def main() -> None:
    """Work through the day, then check it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=30)
    parser.add_argument("--fields", type=int, default=8)
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--bundles", action="store_true", help="also send every case out and in again")
    args = parser.parse_args()
    rng = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "cases"
        book = CaseBook(folder)
        made = make_detector(DetectorChoice(args.detector), print)
        mixes, rules = sorted(PRESETS), guideline_names()
        edits = 0
        for k in range(args.cases):
            params = CaseParams(PRESETS[mixes[k % len(mixes)]], _UM_PER_PX, (_SIDE_PX, _SIDE_PX), args.fields)
            case = Case(book, f"26-{1000 + k}", made, rules[k % len(rules)])
            for field in simulate_case(params, 100 + k):
                case.capture(field.rgb)
                if rng.random() < 0.5:
                    edit(case, rng)
                    edits += 1
            if k % 3 == 0:
                case.session.do(SignOff("day"))
                case.until(lambda case=case: case.session.snapshot().signed_off)  # type: ignore[misc]
            if k % 6 == 0:
                case.session.do(Amend("a second look"))
                case.until(lambda case=case: case.session.snapshot().signed_off is None)  # type: ignore[misc]
                edit(case, rng)
                edits += 1
            case.session.close()
            print(f"\r{k + 1} of {args.cases} cases, {edits} edits", end="", flush=True)
        book.close()
        print()
        code = armicro(["case", "verify", "--cases", str(folder), "--quiet"])
        if args.bundles and code == 0:
            code = bundled(folder, Path(place))
        sys.exit(code)


def bundled(folder: Path, place: Path) -> int:
    """Send every case out and in again; returns an exit code."""
    book = CaseBook(folder)
    names = [row.name for row in book.cases()]
    book.close()
    same, begin = 0, time.monotonic()
    for number, name in enumerate(names, start=1):
        case, other = place / "case.zip", str(place / "elsewhere")
        files = [place / f"{name}-{k}.json" for k in range(3)]
        for command in (
            ["case", "export", name, "--cases", str(folder), "--json", str(files[0]), "--bundle", str(case)],
            ["score", str(case), "--json", str(files[1])],
            ["case", "import", str(case), "--cases", other],
            ["case", "export", name, "--cases", other, "--json", str(files[2])],
        ):
            more = [] if "import" in command else ["--reproducible"]
            with contextlib.redirect_stdout(io.StringIO()):
                code = armicro([*command, *more, "--quiet"])
            if code != 0:
                print(f"\n{name}: {' '.join(command)} ended with {code}")
                return code
        same += len({f.read_bytes() for f in files}) == 1
        case.unlink()
        print(f"\r{number} of {len(names)} cases out and in again", end="", flush=True)
    print(f"\n{same} of {len(names)} cases come out of their bundles byte for byte", end=" ")
    print(f"({time.monotonic() - begin:.0f} s)")
    return 0 if same == len(names) else 1


if __name__ == "__main__":
    main()
