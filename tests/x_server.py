"""An X server in memory with monitors of its own, which a test may add and take away."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

AVAILABLE = shutil.which("Xvfb") is not None and shutil.which("xrandr") is not None
WHY_NOT = "monitors in memory need Xvfb and xrandr (x11-xserver-utils)"


@contextmanager
def x_server(size: str, monitors: Sequence[Sequence[str]]) -> Iterator[str]:
    """Start a server and give it monitors.

    Parameters
    ----------
    size : str
        Of the whole screen, such as "1280x480".
    monitors : sequence of sequence of str
        Arguments of xrandr, one monitor each.

    Yields
    ------
    str
        Name of the display.
    """
    near, far = os.pipe()
    # Without -noreset the server forgets its monitors whenever its last client leaves.
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(far), "-noreset", "-screen", "0", f"{size}x24"],
        pass_fds=(far,), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(far)
    try:
        assert select.select([near], [], [], 20)[0], "the X server does not start"
        name = f":{os.read(near, 16).decode().strip()}"
        for monitor in monitors:
            subprocess.run(["xrandr", *monitor], env=os.environ | {"DISPLAY": name}, check=True, timeout=20)
        yield name
    finally:
        os.close(near)
        server.terminate()
        server.wait(20)
