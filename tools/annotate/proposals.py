"""Where proposals come from: the classical detector, or points that a model or another reader left."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np

from armicro.analysis.detect_classical import ClassicalDetector
from armicro.app.profiles import load_stain_profile
from armicro.contracts.cells import NucleusKind
from armicro.contracts.errors import InputError
from armicro.contracts.frame import Optics
from armicro.imaging.stain import separate
from tools.annotate.fields import Field
from tools.annotate.model import Crop, Kind

Proposal = tuple[float, float, Kind]
APART_UM = 3.0
"""A proposal nearer than this to a point is the same nucleus, µm."""


class Proposer(Protocol):
    """Proposes nuclei for a crop; may take a second."""

    @property
    def name(self) -> str:
        """What it is, for people."""
        ...

    def propose(self, field: Field, crop: Crop) -> tuple[Proposal, ...]:
        """Return nuclei y, x (px of the whole image) and kind; `InputError` where they cannot be had."""
        ...


@dataclass(frozen=True, slots=True)
class Classical:
    """Rough nuclei by the classical detector: about three in four are right, so each must be looked at."""

    @property
    def name(self) -> str:
        """What it is."""
        return "the classical detector"

    def propose(self, field: Field, crop: Crop) -> tuple[Proposal, ...]:
        """Run the detector on the crop and as much around it as it looks at."""
        detector = ClassicalDetector()
        reach = math.ceil(detector.reach_um / field.um_per_px)
        # Even corners, so that reduced maps begin at whole pixels.
        top, left = max(0, crop.y0 - reach) // 2 * 2, max(0, crop.x0 - reach) // 2 * 2
        part = field.rgb[top : crop.y0 + crop.size + reach, left : crop.x0 + crop.size + reach]
        profile = replace(load_stain_profile(), white_rgb=field.white_rgb)
        rgb = np.ascontiguousarray(part)
        nuclei = detector.detect(rgb, separate(rgb, Optics(field.um_per_px), profile))
        kinds = {int(NucleusKind.TUMOUR): Kind.TUMOUR, int(NucleusKind.OTHER): Kind.OTHER}
        return tuple(
            (float(y) + top, float(x) + left, kinds[int(k)])
            for (y, x), k in zip(nuclei.yx_px, nuclei.kind, strict=True)
            if crop.contains(float(y) + top, float(x) + left)
        )


@dataclass(frozen=True, slots=True)
class FromFiles:
    """Points from CSV files with the columns y_px and x_px, in px of the whole image.

    A `kind` of T, O or U is taken over; without one (a table of cells, say) each is a tumour nucleus. Of a
    folder, the files are taken that are named after the image: `<stem>.csv`, `<stem>_<y0>_<x0>.csv` and
    `<stem>.cells.csv`.

    Parameters
    ----------
    path : Path
        A file or a folder.
    """

    path: Path

    @property
    def name(self) -> str:
        """What it is."""
        return str(self.path)

    def propose(self, field: Field, crop: Crop) -> tuple[Proposal, ...]:
        """Read the points in the crop."""
        files = [self.path] if self.path.is_file() else self._named_after(field)
        points = [p for file in files for p in read_proposals(file)]
        return tuple(p for p in points if crop.contains(p[0], p[1]))

    def _named_after(self, field: Field) -> list[Path]:
        stem = re.escape(PurePosixPath(field.image.name).stem)
        fits = re.compile(rf"{stem}(_\d+_\d+|\.cells)?\.csv")
        return sorted(p for p in self.path.glob("*.csv") if fits.fullmatch(p.name))


def read_proposals(path: Path) -> tuple[Proposal, ...]:
    """Read points from a CSV file.

    Raises
    ------
    InputError
        If it cannot be read, or a row is no point.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table of points ({error})") from error
    points = []
    for n, row in enumerate(rows, 2):
        try:
            y, x, kind = float(row["y_px"]), float(row["x_px"]), Kind(row.get("kind") or Kind.TUMOUR)
        except (KeyError, TypeError, ValueError):
            raise InputError(f"{path}, line {n}: no point with y_px, x_px and a kind of T, O or U") from None
        if not (math.isfinite(y) and math.isfinite(x)):
            raise InputError(f"{path}, line {n}: the point is nowhere")
        points.append((y, x, kind))
    return tuple(points)


def proposer(source: str) -> Proposer | None:
    """Return what proposes nuclei: "classical", "none", or the path of a file or folder.

    Raises
    ------
    InputError
        If there is no such file or folder.
    """
    if source == "none":
        return None
    if source == "classical":
        return Classical()
    path = Path(source)
    if not path.exists():
        raise InputError(f"--proposals {source}: expected classical, none, or an existing file or folder")
    return FromFiles(path)
