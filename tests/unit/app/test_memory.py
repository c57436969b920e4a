"""The memory of one field serves the next."""

from __future__ import annotations

import subprocess
import sys

import pytest

from armicro.app.memory import keep_memory

_FIELDS = """
import resource, sys, threading
import numpy as np
from armicro.app.memory import keep_memory

taken = keep_memory() if "keep" in sys.argv else False

def fields():
    for _ in range(40):
        maps = [np.ones((900, 900), np.float32) for _ in range(3)]
        del maps

def on_a_thread():
    thread = threading.Thread(target=fields)
    thread.start()
    thread.join()

on_a_thread()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
on_a_thread()
print(taken, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _page_faults(*arguments: str) -> tuple[bool, int]:
    command = [sys.executable, "-c", _FIELDS, *arguments]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.split()
    return said[0] == "True", int(said[1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's own setting")
def test_later_fields_are_read_in_the_memory_of_earlier_ones() -> None:
    _, before = _page_faults()
    taken, after = _page_faults("keep")
    if not taken:
        pytest.skip("another C library than glibc")
    assert before > 10_000, "nothing to mend here"
    assert after < before / 10


def test_nothing_is_done_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert not keep_memory()
