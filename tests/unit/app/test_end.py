"""The program ends with its own exit code, whatever a driver's thread still does."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = """
import atexit, sys, threading, time
threading.Thread(target=time.sleep, args=(100,), name={name!r}, daemon=True).start()
atexit.register(lambda: print("the interpreter's own end", flush=True))
sys.argv = ["armicro", *{arguments!r}]
from armicro.app.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize(("arguments", "code"), [(["guidelines"], 0), (["score", "nowhere.png"], 3)])
@pytest.mark.parametrize(("name", "own_end"), [("armicro-capture", False), ("other", True)])
def test_a_driver_that_hangs_does_not_change_the_end(
    arguments: list[str], code: int, name: str, own_end: bool
) -> None:
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(name=name, arguments=arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert time.monotonic() - begin < 50
    assert ("asco-cap" in done.stdout) is (code == 0)
    assert ("the interpreter's own end" in done.stdout) is own_end
