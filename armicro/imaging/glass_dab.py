"""Brown where there is no tissue: precipitate and background of the stain. Pure.

What lies on empty glass belongs to no cell, and the same lies on the tissue beside it, where nobody can tell
it from staining.
"""

from __future__ import annotations

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8, Bool
from armicro.contracts.frame import Optics
from armicro.contracts.stain import Vector3
from armicro.imaging.kernels import disc
from armicro.imaging.quality import TISSUE_OD, coarse_picture
from armicro.imaging.stain import optical_density, stain_matrix, unmix

_VECTORS = (0.650, 0.704, 0.286), (0.268, 0.570, 0.776)
"""Haematoxylin and DAB in RGB optical density (Ruifrok & Johnston 2001): brown has to be told from blue here,
no more."""
_NUCLEAR_OD = 0.05
"""Blocks with more haematoxylin, and with more of it than half their DAB, are of a nucleus."""
_LEAST_NUCLEI_UM2 = 40.0
"""What holds less than this of nuclei lies on the glass; what holds more is tissue. One nucleus has 30 or
more."""
_MARGIN_UM = 8.0
"""Nearer to tissue than this it is not called glass: the tissue's edge is out of focus there."""
LEAST_GLASS = 0.02
"""A field with less glass than this says nothing of it."""
PERCENTILE = 98.0
"""Of the glass: a haze over all of it counts, and so do grains on a fiftieth of it."""


def dab_on_glass(
    rgb: U8, optics: Optics, brightest_rgb: Vector3, white_rgb: Vector3 | None = None
) -> float | None:
    """Measure the DAB of what is not tissue.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The field.
    optics : Optics
        Its scale.
    brightest_rgb : tuple of 3 floats
        Grey value of its palest parts: what stands out from these is looked at.
    white_rgb : tuple of 3 floats or None
        The calibrated grey value of empty glass, which tells a haze over all of it; None compares with the
        palest parts, and only grains are seen.

    Returns
    -------
    float or None
        log10 OD, the 98th percentile over the glass in blocks of about 2 µm; None where less than a fiftieth
        of the field is glass.
    """
    picture, block_um = coarse_picture(rgb, optics)
    matrix = stain_matrix(*_VECTORS)
    od = optical_density(picture, brightest_rgb)
    glass = np.logical_not(_tissue(od, unmix(od, matrix), block_um))
    if float(glass.mean()) < LEAST_GLASS:
        return None
    if white_rgb is not None:
        od = optical_density(picture, white_rgb)
    return float(np.percentile(unmix(od, matrix)[..., 1][glass], PERCENTILE))


def _tissue(od: F32, amounts: F32, block_um: float) -> Bool:
    """Return where tissue is or near: what stands out from glass and holds nuclei."""
    stands_out = (od.mean(axis=2) > TISSUE_OD).astype(np.uint8)
    haematoxylin, dab = amounts[..., 0], amounts[..., 1]
    nuclear = (haematoxylin > _NUCLEAR_OD) & (haematoxylin > 0.5 * dab)
    n, labels = cv2.connectedComponents(stands_out, connectivity=8)
    areas = np.bincount(labels[nuclear], minlength=n) * block_um**2
    with_nuclei = areas >= _LEAST_NUCLEI_UM2
    with_nuclei[0] = False
    tissue = with_nuclei[labels].astype(np.uint8)
    return np.asarray(cv2.dilate(tissue, disc(_MARGIN_UM / block_um)) > 0)
