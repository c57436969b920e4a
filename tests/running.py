"""`armicro run --headless` as a process of its own, with a pedal on a pseudo terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pty = pytest.importorskip("pty", reason="pseudo terminals are there on Linux and macOS")
pytest.importorskip("serial", reason="the pedal needs pyserial")

ROOT = Path(__file__).resolve().parents[1]


class Running:
    """A running instrument: what it says, and a pedal."""

    def __init__(self, cases: Path, *arguments: object, window: Mapping[str, str] | None = None) -> None:
        """With `window`, environment variables for Qt, it runs with its window."""
        self._foot, self._far = pty.openpty()
        import tty

        tty.setraw(self._far)
        command = [sys.executable, "-m", "armicro.app.cli", "run", "--events", "-"]
        command += [] if window is not None else ["--headless"]
        command += ["--detector", "classical", "--pedal", os.ttyname(self._far), *map(str, arguments)]
        env = os.environ | {"PYTHONPATH": str(ROOT), "ARMICRO_CASES": str(cases)} | dict(window or {})
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.events: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._complain, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def _complain(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    def press(self, line: str = "press\n") -> None:
        os.write(self._foot, line.encode())

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["event"] == kind]

    def until(self, holds: Callable[[], object], timeout_s: float = 60) -> None:
        end = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < end, (self.events, self.errors)
            assert self.process.poll() is None or holds(), (self.events, self.errors)
            time.sleep(0.02)

    def ended(self) -> int:
        code = self.process.wait(60)
        for thread in self._threads:
            thread.join(10)
        return code

    def close(self) -> None:
        self.process.kill()
        self.ended()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        os.close(self._foot)
        os.close(self._far)
