"""Ctrl-C is heard even where Python swallows the exception that it raises."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from armicro.app import console
from armicro.app.interrupts import heed, remembered
from armicro.app.staging import Staging

pytestmark = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread() or os.name == "nt",
    reason="signals are heard in the main thread, and sent to oneself on Linux and macOS",
)


class Careless:
    """Has Ctrl-C pressed while it is cleared up."""

    def __del__(self) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000):
                pass
        except KeyboardInterrupt:
            return


def test_what_was_swallowed_is_raised_at_the_next_step_and_nothing_is_written(tmp_path: Path) -> None:
    with remembered(), Staging() as staging:
        staging.write_text(tmp_path / "out.txt", "x")
        thing = Careless()
        del thing
        with pytest.raises(KeyboardInterrupt):
            heed()
        with pytest.raises(KeyboardInterrupt), console.progress("work", 1, quiet=True) as tick:
            tick(0, "first")
        with pytest.raises(KeyboardInterrupt):
            staging.commit()
    assert list(tmp_path.iterdir()) == []
    heed()


def test_whoever_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with remembered():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGINT)
            heed()
    finally:
        signal.signal(signal.SIGINT, before)
