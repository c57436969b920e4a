"""`python -m tools.screenshots --out DIR`: one PNG per state and size of the window."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the pictures go")
    parser.add_argument("--only", metavar="WORD", default="", help="only states whose name has this word")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from tools.screenshots.states import take_all

    with tempfile.TemporaryDirectory() as folder:
        for path in take_all(given.out, Path(folder) / "window.ini", given.only):
            print(path)


if __name__ == "__main__":
    main()
