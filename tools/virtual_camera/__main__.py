"""Build the virtual camera and give it pictures.

    python -m tools.virtual_camera build --out DIR
    python -m tools.virtual_camera frames OUT.frames (IMAGE... | --recording FILE | --sim SEED --count N)

See README.md beside this file.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.errors import ArmicroError, EndOfStream, InputError
from armicro.devices.replay_camera import Pace, open_replay
from armicro.sim.case import CaseParams
from armicro.sim.slide import SimulatedSlide, SlideParams
from tools.virtual_camera.build import build_producer
from tools.virtual_camera.frames import write_frames

_PATIENCE_S = 30.0


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.virtual_camera", description="Build the virtual camera and give it pictures."
    )
    kinds = parser.add_subparsers(dest="what", required=True)
    build = kinds.add_parser("build", help="compile the GenTL producer")
    build.add_argument("--out", type=Path, required=True, help="folder for armicro_virtual.cti")
    frames = kinds.add_parser("frames", help="write the pictures that the camera shows")
    frames.add_argument("out", type=Path, help="file to write, for ARMICRO_VIRTUAL_FRAMES")
    frames.add_argument("images", type=Path, nargs="*", help="picture files of one size")
    frames.add_argument("--recording", type=Path, help="a recording of armicro, no frame left out")
    frames.add_argument("--sim", type=int, metavar="SEED", help="the simulated slide, moving along")
    frames.add_argument("--count", type=int, default=20, help="exposures of the simulated slide (20)")
    frames.add_argument("--side", type=int, default=1024, help="side of its pictures, px (1024)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    asked = arguments(argv)
    try:
        if asked.what == "build":
            print(f"built {build_producer(asked.out)}")
        else:
            print(f"wrote {write_frames(asked.out, _pictures(asked))} pictures to {asked.out}")
    except ArmicroError as error:
        print(f"virtual camera: {error}", file=sys.stderr)
        return 1
    return 0


def _pictures(asked: argparse.Namespace) -> Iterator[U8]:
    if asked.sim is not None:
        yield from _simulated(asked.sim, asked.count, asked.side)
    elif asked.recording is not None:
        yield from recorded(asked.recording)
    else:
        for path in asked.images:
            picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
            if picture is None:
                raise InputError(f"{path} is not a picture that can be read: give PNG, TIFF or JPEG files")
            yield np.asarray(picture, np.uint8)


def recorded(path: Path) -> Iterator[U8]:
    """Yield all pictures of a recording, none left out."""
    camera = open_replay(path, pace=Pace.FAST)
    try:
        camera.open()
        while (exposure := camera.grab(_PATIENCE_S)) is not None:
            yield exposure.rgb
    except EndOfStream:
        return
    finally:
        camera.close()


def _simulated(seed: int, count: int, side: int) -> Iterator[U8]:
    case = CaseParams(um_per_px=0.25, shape_px=(side + 64, side + 64))
    slide = SimulatedSlide(seed, SlideParams(case, (side, side), grid=1))
    try:
        slide.open()
        until = time.monotonic() + _PATIENCE_S + count
        while count > 0 and time.monotonic() < until:
            exposure = slide.grab(1.0)
            if exposure is not None:
                yield exposure.rgb
                slide.stage.move_by(1.0, 2.0)
                count -= 1
    finally:
        slide.close()


if __name__ == "__main__":
    sys.exit(main())
