"""Pictures of what the eyepiece shows, for judging styles: `python -m tools.eyepiece_shots --out DIR`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from armicro.app.detectors import DetectorChoice, make_detector
from armicro.app.profiles import load_stain_profile
from armicro.assays.her2_ihc import Her2IhcRecipe, analyse
from armicro.contracts.arrays import U8
from armicro.contracts.frame import Frame, Optics
from armicro.contracts.results import FovResult
from armicro.contracts.score import CaseSummary
from armicro.devices.image_files import read_image, write_png
from armicro.overlay.eyepiece import EyepieceStyle, draw_cells
from armicro.overlay.eyepiece_geometry import EyepieceGeometry
from armicro.overlay.eyepiece_rim import Rim, draw_rim, read_out
from armicro.overlay.eyepiece_sum import simulate_sum
from armicro.overlay.eyepiece_target import TargetCircle, draw_cross, draw_result, draw_rings
from armicro.scoring.case import FieldCells, summarise
from armicro.scoring.guidelines import load_guideline
from armicro.sim.case import simulate_field
from armicro.sim.params import PRESETS, CaseParams

DISPLAY_PX = (1080, 1920)
TRANSMISSION = 0.7
FIELD_UM = 638.0
REAL_UM_PER_PX = 0.23
"""Scale of the shared cores, µm per px."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """A field with its reading and what is drawn over it."""

    name: str
    rgb: U8
    result: FovResult
    summary: CaseSummary

    @property
    def geometry(self) -> EyepieceGeometry:
        """The whole field in the middle of the display."""
        return EyepieceGeometry.fitted(self.result.shape, DISPLAY_PX)


def specimens(mixes: tuple[str, ...], core: Path | None) -> Iterator[Specimen]:
    """Simulate and read fields, and read the middle of a real core where there is one."""
    recipe = Her2IhcRecipe(load_stain_profile(), make_detector(DetectorChoice(), print).detector)
    for mix in mixes:
        for objective, um_per_px in (("20x", 0.424), ("40x", 0.212)):
            side = 1504
            field = simulate_field(CaseParams(PRESETS[mix], um_per_px, (side, side), 1), 3, 0)
            frame = Frame(field.rgb, 0, 0, Optics(um_per_px, objective), "simulated")
            yield _read(f"{mix}-{objective}", frame, recipe)
    if core is not None:
        rgb = read_image(core, REAL_UM_PER_PX).rgb
        side = min(round(FIELD_UM / REAL_UM_PER_PX), *rgb.shape[:2])
        y, x = ((length - side) // 2 for length in rgb.shape[:2])
        part = np.ascontiguousarray(rgb[y : y + side, x : x + side])
        yield _read("core", Frame(part, 0, 0, Optics(REAL_UM_PER_PX, "20x"), core.name), recipe)


def _read(name: str, frame: Frame, recipe: Her2IhcRecipe) -> Specimen:
    result = analyse(frame, recipe)
    fields = [FieldCells.of(result)]
    return Specimen(name, frame.rgb, result, summarise(fields, load_guideline("asco-cap-2018-breast")))


def display(specimen: Specimen, style: EyepieceStyle, rim: Rim, *, cells: bool) -> U8:
    """Draw what the display shows."""
    geometry = specimen.geometry
    canvas = draw_cells(specimen.result, geometry, style) if cells else np.zeros((*DISPLAY_PX, 3), np.uint8)
    draw_rim(canvas, rim, geometry, style)
    return canvas


def shots(specimen: Specimen) -> Iterator[tuple[str, U8]]:
    """Draw every state, as the display has it and as the eye sees it."""
    style = EyepieceStyle()
    line = Rim(line=read_out(specimen.summary), research_use=True)
    states = {
        "live": (style, line, True),
        "contours": (replace(style, marks="contours"), line, True),
        "wide": (replace(style, line_px=2), line, True),
        "flash": (style, replace(line, flash="field 7"), True),
        "fault": (style, Rim(fault="camera not answering"), False),
        "rest": (style, Rim(), False),
    }
    for name, (how, rim, cells) in states.items():
        begin = time.perf_counter()
        overlay = display(specimen, how, rim, cells=cells)
        print(f"{specimen.name} {name}: {1000 * (time.perf_counter() - begin):.1f} ms")
        yield f"{name}-display", overlay
        yield f"{name}-eye", simulate_sum(specimen.rgb, overlay, TRANSMISSION, specimen.geometry)


def targets() -> Iterator[tuple[str, U8]]:
    """Draw the pictures of the alignment."""
    circle = TargetCircle((539.5, 959.5), 500.0)
    angle = np.arange(8) * np.pi / 4
    points = np.array([539.5, 959.5]) + 350 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    yield (
        "target-circles",
        draw_rings(DISPLAY_PX, circle, "arrows and +/-: fit the thick circle to the rim, then press"),
    )
    yield (
        "target-cross",
        draw_cross(DISPLAY_PX, points, 3, circle, "bring the feature into the cross, then press"),
    )
    off = np.random.default_rng(1).normal(0, 1.0, points.shape)
    words = ["fits to 0.8 µm, worst 1.4 µm, 8 of 8 points", "short press: accept     long press: repeat"]
    yield "target-result", draw_result(DISPLAY_PX, points + off, points, circle, words, good=True)


def main() -> int:
    """Write all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures; made if missing")
    parser.add_argument("--mix", nargs="*", default=["2+"], choices=sorted(PRESETS), help="simulated mixes")
    parser.add_argument("--core", type=Path, help="picture of a real core, 0.23 µm per px")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    for name, picture in targets():
        write_png(args.out / f"{name}.png", picture)
    for specimen in specimens(tuple(args.mix), args.core):
        print(f"{specimen.name}: {len(specimen.result.cells)} tumour cells")
        for name, picture in shots(specimen):
            write_png(args.out / f"{specimen.name}-{name}.png", picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
