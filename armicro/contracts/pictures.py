"""Pictures of a field for people to look at: what the overlay draws and a report shows."""

from __future__ import annotations

from dataclasses import dataclass

from armicro.contracts.arrays import U8, require


@dataclass(frozen=True, slots=True)
class FieldPicture:
    """A field, plain and with its overlay: reduced as a whole, and a part of it at full resolution.

    Parameters
    ----------
    path : str
        Where the field came from.
    plain, overlaid : ndarray of uint8, (H, W, 3)
        The whole field, RGB, without and with the overlay.
    um_per_px : float
        Scale of these two, µm.
    crop_plain, crop_overlaid : ndarray of uint8, (h, w, 3)
        The part, RGB, without and with the overlay.
    crop_um_per_px : float
        Scale of these two, µm.
    crop_yx_px : tuple of int
        The part's first row and column in pixels of the field.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit.
    """

    path: str
    plain: U8
    overlaid: U8
    um_per_px: float
    crop_plain: U8
    crop_overlaid: U8
    crop_um_per_px: float
    crop_yx_px: tuple[int, int]

    def __post_init__(self) -> None:
        require("FieldPicture.plain", self.plain, shape=(None, None, 3), dtype="u1")
        require("FieldPicture.overlaid", self.overlaid, shape=self.plain.shape, dtype="u1")
        require("FieldPicture.crop_plain", self.crop_plain, shape=(None, None, 3), dtype="u1")
        require("FieldPicture.crop_overlaid", self.crop_overlaid, shape=self.crop_plain.shape, dtype="u1")
