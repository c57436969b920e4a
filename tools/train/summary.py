"""What a network was trained on, in numbers and in a sentence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tools.train.points import Crop


@dataclass(frozen=True, slots=True)
class DataSummary:
    """Counts of marked crops.

    Parameters
    ----------
    rows : tuple of (str, int, int, int, int)
        Per image: name, crops, tumour nuclei, other nuclei, uncertain points.
    foreign : tuple of str
        Images of other stains or instruments.
    """

    rows: tuple[tuple[str, int, int, int, int], ...]
    foreign: tuple[str, ...]

    @property
    def totals(self) -> tuple[int, int, int, int]:
        """Crops, tumour nuclei, other nuclei, uncertain points."""
        _, crops, tumour, other, uncertain = zip(*self.rows, strict=True)
        return sum(crops), sum(tumour), sum(other), sum(uncertain)

    @property
    def sentence(self) -> str:
        """One sentence for the manifest."""
        crops, tumour, other, _ = self.totals
        cores = len(self.rows) - len(self.foreign)
        return (
            f"{tumour} tumour and {other} other nuclei marked by eye in {crops} crops of {cores} cores "
            f"and {len(self.foreign)} images of other stains or instruments"
        )


def summarise(crops: Sequence[Crop], foreign: Collection[str]) -> DataSummary:
    """Count crops and points per image."""
    rows = []
    for core in sorted({crop.core for crop in crops}):
        own = [crop for crop in crops if crop.core == core]
        counts = [
            sum(len(getattr(c, f"{kind}_px")) for c in own) for kind in ("tumour", "other", "uncertain")
        ]
        rows.append((core, len(own), counts[0], counts[1], counts[2]))
    return DataSummary(tuple(rows), tuple(row[0] for row in rows if row[0] in foreign))
