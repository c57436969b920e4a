"""Stain profiles and the optical density maps they lead to."""

from __future__ import annotations

from dataclasses import dataclass

from armicro.contracts.arrays import F32, require
from armicro.contracts.errors import ProfileError

Vector3 = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class DabThresholds:
    """Densities that part faint from weak from intense membrane, log10 OD of DAB.

    Parameters
    ----------
    weak_od, intense_od : float
        The paper's t_weak and t_intense (section 3.2.1).
    faint_od : float or None
        "Faint, barely perceptible" begins here, asked of the contrast alone; None switches the level off,
        which leaves the paper's five categories.

    Raises
    ------
    ProfileError
        If they are not 0 < faint < weak < intense.
    """

    weak_od: float
    intense_od: float
    faint_od: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.weak_od < self.intense_od:
            raise ProfileError(
                f"thresholds must rise: weak_od {self.weak_od:g} must be above 0 and below "
                f"intense_od {self.intense_od:g}"
            )
        if self.faint_od is not None and not 0 < self.faint_od < self.weak_od:
            raise ProfileError(
                f"thresholds must rise: faint_od {self.faint_od:g} must be above 0 and below "
                f"weak_od {self.weak_od:g}"
            )


@dataclass(frozen=True, slots=True)
class StainProfile:
    """How one laboratory's HER2 slides look through one instrument.

    Parameters
    ----------
    name, version : str
        Stamped on every result.
    haematoxylin_rgb_od, dab_rgb_od : tuple of 3 floats
        Direction of each stain in RGB optical density (Ruifrok & Johnston 2001); any positive length.
    thresholds : DabThresholds
        log10 OD.
    white_rgb : tuple of 3 floats or None
        Grey value of empty glass per channel, 1 to 255; None has it estimated from each field and said so.
    source : str
        Where the numbers come from, for people.
    """

    name: str
    version: str
    haematoxylin_rgb_od: Vector3
    dab_rgb_od: Vector3
    thresholds: DabThresholds
    white_rgb: Vector3 | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class StainMaps:
    """Stain densities of a field at working scale.

    The working scale is the field's reduced by a whole `factor` (1, 2, ...). A field coordinate `p` (px,
    pixel centres at whole numbers) lies at `(p + 0.5) / factor - 0.5` here.

    Parameters
    ----------
    haematoxylin_od, dab_od : ndarray of float32, (h, w)
        log10 optical density; a little below 0 where the field is brighter than the white point.
    um_per_px : float
        Side of a pixel of these maps, µm: the field's times `factor`.
    factor : int
        Field pixels per map pixel along one axis.
    white_rgb : tuple of 3 floats
        The white point that was used.
    counterstain_od : float
        How strong the whole field's counterstain is: haematoxylin of its darker nuclei, log10 OD; 0 where
        nobody measured it.

    Raises
    ------
    ValueError
        If the maps are not float32 of one shape.
    """

    haematoxylin_od: F32
    dab_od: F32
    um_per_px: float
    factor: int
    white_rgb: Vector3
    counterstain_od: float = 0.0

    def __post_init__(self) -> None:
        require("StainMaps.haematoxylin_od", self.haematoxylin_od, shape=(None, None), dtype="f4")
        require("StainMaps.dab_od", self.dab_od, shape=self.haematoxylin_od.shape, dtype="f4")
