"""Pieces of training images that a teacher network has marked, and how their heat maps follow a patch.

A folder holds `tiles.npz` (plain arrays) and `tiles.json` (where they come from). The heat maps are soft: the
mean of what several views of the teacher say. Where the views do not agree nothing is taught.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from armicro.contracts.arrays import F32, F64, U8
from armicro.contracts.errors import InputError
from tools.train.points import read_image

FULL_SCALE = 200.0
"""Heat 1 as it is stored: heights up to 1.27 fit into 8 bits."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A piece of an image with a teacher's answer.

    Parameters
    ----------
    core : str
        Name of the image's file without its extension.
    rgb : ndarray of uint8, (S, S, 3)
        At the scale of the image.
    um_per_px : float
        That scale.
    heat : ndarray of uint8, (2, M, M)
        Tumour and other nuclei, `FULL_SCALE` for a height of 1.
    agreed : ndarray of uint8, (M, M)
        1 where the views of the teacher agree.
    """

    core: str
    rgb: U8
    um_per_px: float
    heat: U8
    agreed: U8

    @property
    def box_px(self) -> tuple[float, float, float, float]:
        """Top, left, bottom, right edges of what may be taught: all of it."""
        h, w = self.rgb.shape[:2]
        return -0.5, -0.5, h - 0.5, w - 0.5


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a tile was cut out.

    Parameters
    ----------
    image, sha256 : str
        Path below the image folder, and the hash of the file.
    um_per_px : float
        Scale of the image.
    y0, x0, side : int
        Top left corner and side in pixels of the image.
    """

    image: str
    sha256: str
    um_per_px: float
    y0: int
    x0: int
    side: int


def save_tiles(folder: Path, key: str, origins: list[Origin], heat: U8, agreed: U8) -> None:
    """Write tiles (N), heat (N, 2, M, M) and agreement (N, M, M); `key` names fold and setting."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "tiles.npz", heat=heat, agreed=agreed)
    rows = [[o.image, o.sha256, o.um_per_px, o.y0, o.x0, o.side] for o in origins]
    (folder / "tiles.json").write_text(json.dumps({"key": key, "tiles": rows}) + "\n", encoding="utf-8")


def load_tiles(folder: Path, images: Path, keys: Collection[str]) -> list[Tile]:
    """Load tiles, with their pixels.

    Raises
    ------
    InputError
        If they are missing, were made for another fold or configuration, or an image is another one.
    """
    try:
        about = json.loads((folder / "tiles.json").read_text(encoding="utf-8"))
        with np.load(folder / "tiles.npz", allow_pickle=False) as arrays:
            heat, agreed = arrays["heat"], arrays["agreed"]
        origins = [Origin(*row) for row in about["tiles"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} holds no readable tiles ({error}): run tools.train.teach first") from None
    if about["key"] not in keys:
        raise InputError(
            f"{folder} was marked for another fold or configuration: run tools.train.teach again"
        )
    pixels: dict[str, U8] = {}
    tiles = []
    for k, o in enumerate(origins):
        if o.image not in pixels:
            pixels = {o.image: read_image(images / o.image, o.sha256)}
        rgb = np.ascontiguousarray(pixels[o.image][o.y0 : o.y0 + o.side, o.x0 : o.x0 + o.side])
        tiles.append(Tile(Path(o.image).stem, rgb, o.um_per_px, heat[k], agreed[k]))
    return tiles


def follow(tile: Tile, to_fine: F64, step: int, side: int) -> tuple[F32, F32]:
    """Return a tile's maps as a patch shows them.

    Parameters
    ----------
    tile : Tile
        The tile.
    to_fine : ndarray of float64, (2, 3)
        Affine map, x before y, from its pixels to those of the finely drawn patch.
    step : int
        Fine pixels per pixel of the patch's heat map.
    side : int
        Side of that map.

    Returns
    -------
    ndarray of float32, (2, side, side)
        Target. Nuclei keep their width in µm, since the map is stretched with the tissue.
    ndarray of float32, (side, side)
        1 where it counts.
    """
    each = tile.rgb.shape[0] / tile.agreed.shape[0]
    from_map = np.array([[each, 0, (each - 1) / 2], [0, each, (each - 1) / 2], [0, 0, 1]])
    to_patch = np.array([[1 / step, 0, 0.5 / step - 0.5], [0, 1 / step, 0.5 / step - 0.5], [0, 0, 1]])
    affine = (to_patch @ np.vstack([to_fine, [0, 0, 1]]) @ from_map)[:2]
    maps = np.dstack([*tile.heat, tile.agreed * np.uint8(255)]).astype(np.float32)
    seen = cv2.warpAffine(maps, affine, (side, side), flags=cv2.INTER_LINEAR)
    heat = np.ascontiguousarray(seen[..., :2].transpose(2, 0, 1)) / np.float32(FULL_SCALE)
    return heat, (seen[..., 2] > 254).astype(np.float32)
