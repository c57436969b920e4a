"""What a simulated case is asked to be: mix of categories, tissue, staining, optics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from armicro.contracts.cells import CATEGORIES, Category
from armicro.contracts.errors import InputError
from armicro.contracts.frame import Optics
from armicro.contracts.stain import Vector3

Range = tuple[float, float]

MIN_FIELD_UM = 40.0
"""A field smaller than this holds a handful of cells at best."""
MAX_FIELD_PX = 8192
"""Longest side of a simulated field; larger ones need more memory than a field of view is worth."""

PRESETS: Mapping[str, Mapping[Category, float]] = MappingProxyType(
    {
        "0": MappingProxyType({Category.FAINT: 0.03, Category.NONE: 0.97}),
        "null": MappingProxyType({Category.NONE: 1.0}),
        "ultralow": MappingProxyType({Category.FAINT: 0.06, Category.NONE: 0.94}),
        "1+": MappingProxyType(
            {
                Category.WEAK_COMPLETE: 0.02,
                Category.WEAK_INCOMPLETE: 0.13,
                Category.FAINT: 0.20,
                Category.NONE: 0.65,
            }
        ),
        "low": MappingProxyType(
            {Category.WEAK_INCOMPLETE: 0.08, Category.FAINT: 0.22, Category.NONE: 0.70},
        ),
        "2+": MappingProxyType(
            {
                Category.INTENSE_COMPLETE: 0.03,
                Category.INTENSE_INCOMPLETE: 0.03,
                Category.WEAK_COMPLETE: 0.26,
                Category.WEAK_INCOMPLETE: 0.23,
                Category.FAINT: 0.15,
                Category.NONE: 0.30,
            }
        ),
        "3+": MappingProxyType(
            {
                Category.INTENSE_COMPLETE: 0.45,
                Category.INTENSE_INCOMPLETE: 0.12,
                Category.WEAK_COMPLETE: 0.16,
                Category.WEAK_INCOMPLETE: 0.12,
                Category.FAINT: 0.05,
                Category.NONE: 0.10,
            }
        ),
        "gastric-3+": MappingProxyType(
            {
                Category.INTENSE_COMPLETE: 0.06,
                Category.INTENSE_INCOMPLETE: 0.52,
                Category.WEAK_COMPLETE: 0.06,
                Category.WEAK_INCOMPLETE: 0.16,
                Category.FAINT: 0.06,
                Category.NONE: 0.14,
            }
        ),
    }
)
"""Mixes that a name stands for: shares of the six categories that such a case typically has."""


def parse_mix(text: str) -> Mapping[Category, float]:
    """Read a mix of categories from the command line.

    Parameters
    ----------
    text : str
        The name of a preset ("3+"), or shares such as "intense_complete=0.3,weak_complete=0.2"; what is
        left of 1 has no staining.

    Returns
    -------
    mapping of Category to float
        All six categories, summing to 1.

    Raises
    ------
    InputError
        If a name, a number or the sum is not possible.
    """
    name = text.strip()
    if name in PRESETS:
        return complete_mix(PRESETS[name])
    by_key = {c.key: c for c in Category}
    shares: dict[Category, float] = {}
    for part in name.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise InputError(
                f"mix {part.strip()[:40]!r} is neither one of {', '.join(PRESETS)} nor category=share"
            )
        if key not in by_key:
            raise InputError(f"mix: unknown category {key[:40]!r}; expected {', '.join(by_key)}")
        if by_key[key] in shares:
            raise InputError(f"mix: {key} is given twice")
        try:
            shares[by_key[key]] = float(value)
        except ValueError:
            raise InputError(f"mix: {key}={value[:40]!r} is not a number") from None
    return complete_mix(shares)


def complete_mix(shares: Mapping[Category, float]) -> Mapping[Category, float]:
    """Fill a mix up to 1 with unstained cells and check it.

    Parameters
    ----------
    shares : mapping of Category to float
        Shares, 0 to 1. If NONE is among them they must sum to 1.

    Returns
    -------
    mapping of Category to float
        All six categories in the order of `CATEGORIES`, summing to 1.

    Raises
    ------
    InputError
        If a share lies outside 0 to 1, or the sum is above 1 (or not 1 where NONE is given).
    """
    for category, share in shares.items():
        if not math.isfinite(share) or not 0 <= share <= 1:
            raise InputError(f"mix: {category.key}={share:g} is not a share from 0 to 1")
    total = sum(shares.values())
    if total > 1 + 1e-9:
        raise InputError(f"mix: the shares sum to {total:g}, which is more than 1")
    if Category.NONE in shares and total < 1 - 1e-9:
        raise InputError(f"mix: the shares, none among them, sum to {total:g} instead of 1")
    full = {c: float(shares.get(c, 0.0)) for c in CATEGORIES}
    full[Category.NONE] += max(0.0, 1.0 - total)
    return MappingProxyType(full)


@dataclass(frozen=True, slots=True)
class TissueParams:
    """Geometry of the tissue, µm.

    Parameters
    ----------
    nest_spacing_um : float
        Distance between the centres of neighbouring nests.
    epithelium_share, gland_share, loose_share : float
        Share of the nest places that hold epithelium (the rest is stroma); of these, the share that are
        glands of columnar cells around a lumen, and that are loose groups of round cells.
    septum_um : (float, float)
        Width of the stroma between neighbouring nests.
    cell_um, column_width_um, column_height_um : (float, float)
        Spacing of packed cells; width and height of columnar ones; drawn per nest.
    anucleate_share : float
        Share of tumour cells whose nucleus the section missed: drawn, but not counted.
    lymphocyte_share : float
        Lymphocytes inside the epithelium, per tumour cell.
    lymphocytes_per_mm2, spindles_per_mm2 : float
        Other nuclei in stroma.
    specks_per_mm2 : float
        Black pigment, brown dirt and out-of-focus debris.
    glass_chance : float
        Chance that a field shows the edge of the tissue and glass beyond it.
    """

    nest_spacing_um: float = 105.0
    epithelium_share: float = 0.88
    gland_share: float = 0.45
    loose_share: float = 0.1
    septum_um: Range = (6.0, 16.0)
    cell_um: Range = (10.2, 13.2)
    column_width_um: Range = (8.0, 10.0)
    column_height_um: Range = (20.0, 27.0)
    anucleate_share: float = 0.03
    lymphocyte_share: float = 0.03
    lymphocytes_per_mm2: float = 700.0
    spindles_per_mm2: float = 1500.0
    specks_per_mm2: float = 30.0
    glass_chance: float = 0.12


@dataclass(frozen=True, slots=True)
class StainingParams:
    """How membranes are stained. Densities are log10 OD of DAB at the membrane's crest, in focus.

    Parameters
    ----------
    faint_od, weak_od, intense_od : (float, float)
        Drawn per cell from these ranges.
    faint_width_um, weak_width_um, intense_width_um : (float, float)
        Full width at half height, in focus; the published 0.64, 1.0 and 2.14 µm for 1+, 2+, 3+ lie in them.
    arc_share : (float, float)
        Share of the outline that an incomplete cell carries, in one or two arcs.
    gap_share : float
        Greatest share of small dim gaps in a complete membrane.
    cluster_um : float
        Size of the patches of like staining.
    roughness : float
        How often a neighbour differs: 0 smooth patches, 1 nearly no patches.
    blush_chance : float
        Chance that a case has diffuse brown in its cytoplasm.
    blush_od : (float, float)
        Its density in such a case.
    cytoplasm_od : (float, float)
        Diffuse brown of cells with intense membranes, drawn per case; cells with weak ones have half.
    double_line_share, double_line_um : float
        Share of shared borders drawn as two lines, and their greatest distance.
    borderline : bool
        Whether cells close to a border of the categories (0.04 of the outline) may be drawn.
    """

    faint_od: Range = (0.106, 0.124)
    weak_od: Range = (0.18, 0.35)
    intense_od: Range = (0.53, 1.05)
    faint_width_um: Range = (0.6, 0.75)
    weak_width_um: Range = (0.85, 1.2)
    intense_width_um: Range = (1.3, 2.2)
    arc_share: Range = (0.32, 0.72)
    gap_share: float = 0.07
    cluster_um: float = 60.0
    roughness: float = 0.3
    blush_chance: float = 0.3
    blush_od: Range = (0.03, 0.08)
    cytoplasm_od: Range = (0.02, 0.08)
    double_line_share: float = 0.1
    double_line_um: float = 0.8
    borderline: bool = False


@dataclass(frozen=True, slots=True)
class OpticsParams:
    """From stained tissue to pixels.

    Parameters
    ----------
    haematoxylin_rgb_od, dab_rgb_od : tuple of 3 floats
        Directions of the stains in RGB optical density, before the jitter of the case.
    stain_jitter_deg : float
        Standard deviation of the angle by which a case's stain vectors differ.
    white_rgb : tuple of 3 floats or None
        Grey value of empty glass; None draws one per case, a little coloured and below 255.
    psf_um : float
        Standard deviation of the blur in focus, µm; about 0.18 for NA 0.75.
    defocus_um : float
        Standard deviation of additional blur, µm.
    uneven : float
        Greatest loss of light towards the corners, 0 to 1.
    full_well : float
        Photo-electrons at 255: the shot noise of a grey value v is sqrt(v * 255 / full_well) grey levels.
        0 switches noise off.
    bayer : bool
        Sample through an RGGB mosaic and interpolate, as a colour camera does.
    jpeg_quality : int
        1 to 100: compress and decompress as a slide scanner does; 0 leaves the pixels alone.
    """

    haematoxylin_rgb_od: Vector3 = (0.651, 0.701, 0.290)
    dab_rgb_od: Vector3 = (0.269, 0.568, 0.778)
    stain_jitter_deg: float = 2.0
    white_rgb: Vector3 | None = None
    psf_um: float = 0.18
    defocus_um: float = 0.0
    uneven: float = 0.0
    full_well: float = 15000.0
    bayer: bool = False
    jpeg_quality: int = 0


@dataclass(frozen=True, slots=True)
class CaseParams:
    """A simulated case.

    Parameters
    ----------
    mix : mapping of Category to float
        Requested shares of the categories; what is missing to 1 is unstained.
    um_per_px : float
        Side of a pixel, µm.
    shape_px : (int, int)
        Height and width of a field, px.
    fields : int
        How many fields.
    tissue, staining, optics
        The details.

    Raises
    ------
    InputError
        If the mix, the scale, the shape or the number of fields is impossible.
    """

    mix: Mapping[Category, float] = field(default_factory=lambda: PRESETS["2+"])
    um_per_px: float = 0.212
    shape_px: tuple[int, int] = (1504, 1504)
    fields: int = 5
    tissue: TissueParams = field(default_factory=TissueParams)
    staining: StainingParams = field(default_factory=StainingParams)
    optics: OpticsParams = field(default_factory=OpticsParams)

    def __post_init__(self) -> None:
        Optics(self.um_per_px)
        object.__setattr__(self, "mix", complete_mix(self.mix))
        if self.fields < 1:
            raise InputError(f"a case needs at least one field, got {self.fields}")
        for side in self.shape_px:
            if side > MAX_FIELD_PX or side * self.um_per_px < MIN_FIELD_UM:
                raise InputError(
                    f"a field of {self.shape_px[0]} x {self.shape_px[1]} px at {self.um_per_px:g} µm per "
                    f"pixel cannot be simulated: sides from {MIN_FIELD_UM:g} µm to {MAX_FIELD_PX} px"
                )

    @property
    def extent_um(self) -> tuple[float, float]:
        """Height and width of a field, µm, rounded so that equal fields at two scales agree exactly."""
        return tuple(round(side * self.um_per_px, 3) for side in self.shape_px)  # type: ignore[return-value]
