"""Mark nuclei by eye over a folder of fields.

    python -m tools.annotate FOLDER [--um-per-px X] [--points DIR] [--proposals classical|none|PATH]

See README.md beside this file.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from armicro.contracts.errors import ArmicroError
from armicro.contracts.frame import Optics
from tools.annotate.fields import list_images
from tools.annotate.folder import PointsFolder
from tools.annotate.model import EDGE_PX
from tools.annotate.proposals import proposer

_LEAST_CROP_PX = 4 * EDGE_PX


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.annotate", description="Mark nuclei by eye over a folder of fields."
    )
    parser.add_argument("folder", type=Path, help="folder of PNG, JPEG or TIFF images")
    parser.add_argument("--um-per-px", type=float, help="scale of images that do not tell theirs")
    parser.add_argument("--points", type=Path, help="folder of the points (FOLDER/points)")
    parser.add_argument(
        "--proposals",
        default="classical",
        metavar="classical|none|PATH",
        help="what proposes nuclei: the classical detector, nothing, or CSV files of points",
    )
    parser.add_argument("--crop", type=int, default=400, help="side of new crops, px (400)")
    options = parser.parse_args(argv)
    if options.crop < _LEAST_CROP_PX:
        parser.error(f"--crop must be at least {_LEAST_CROP_PX}: its rim of {EDGE_PX} px is not marked")
    return options


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    options = arguments(argv)
    try:
        if options.um_per_px is not None:
            Optics(options.um_per_px)
        images = list_images(options.folder)
        folder = PointsFolder(options.points or options.folder / "points")
        folder.check()
        source = proposer(options.proposals)
    except ArmicroError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        from PyQt6.QtCore import QTimer
        from PyQt6.QtWidgets import QApplication

        from tools.annotate.session import Options, Session
        from tools.annotate.window import AnnotateWindow
    except ImportError as error:
        print(f"error: PyQt6 cannot be loaded ({error}): pip install 'armicro[annotate]'", file=sys.stderr)
        return 5
    application = QApplication(sys.argv[:1])
    application.setStyle("Fusion")
    session = Session(Options(options.folder, options.um_per_px, options.crop, source), images, folder)
    window = AnnotateWindow(session)
    # Ctrl-C in the terminal closes like the window's own button, with everything saved.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    # Qt's loop lets Python see a signal only when something of Python's runs.
    heartbeat = QTimer()
    heartbeat.timeout.connect(lambda: None)
    heartbeat.start(250)
    window.show()
    window.open_field(0)
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
