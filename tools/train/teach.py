"""Self-training: a trained network marks the rest of the images that it was trained on.

`python -m tools.train.teach --config CONFIG.toml --fold 0 --teacher runs/fold0 --out tiles/fold0`

Pieces of the training images (never of the held-out fold) are shown to the teacher turned, mirrored, at other
scales and with other stains. The mean of its answers is what a student (`tools.train.train --tiles`) learns,
save where the answers scatter. Several teachers are averaged like views.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from armicro.contracts.arrays import F32, U8
from armicro.contracts.errors import ArmicroError
from tools.train.augment import change_look
from tools.train.config import Config, read_config
from tools.train.files import check_fold, load_net
from tools.train.layout import STRIDE
from tools.train.points import image_rows, read_image
from tools.train.pool import tiles_key
from tools.train.sampler import evened
from tools.train.tiles import FULL_SCALE, Origin, save_tiles
from tools.train.validate import Predict, heat_of, predictor

_MARGIN_PX = 32
"""What the teacher sees around a tile on each side, pixels of the model; a multiple of the stride."""
_LEAST_SPREAD = 9.0
"""Grey levels: tiles that vary less are glass."""
_SCALES = (1.0, 0.88, 1.0, 1.14)


def places(shape: tuple[int, int], side: int, most: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return top left corners of tiles in an image: at most `most`, and not many times its area."""
    height, width = shape
    if min(shape) < side:
        return []
    n = min(most, round(1.5 * height * width / side**2))
    down, across = (rng.integers(size - side + 1, size=n) for size in shape)
    return list(zip(down.tolist(), across.tolist(), strict=True))


def answers(predicts: Sequence[Predict], rgb: U8, config: Config, rng: np.random.Generator) -> F32:
    """Return the heat maps of several views of a picture, each turned and scaled back.

    Parameters
    ----------
    predicts : sequence of functions
        The teachers.
    rgb : ndarray of uint8, (S, S, 3)
        At the model's scale.
    config : Config
        With the number of views and how stains are changed.
    rng : numpy.random.Generator
        Of the changed stains.

    Returns
    -------
    ndarray of float32, (views, 2, S / 2, S / 2)
        The answers.
    """
    um, od = config.patch.um_per_px, config.patch.counterstain_od
    stains = dataclasses.replace(
        config.augment, stain_chance=1.0, blur_chance=0.0, colour_chance=0.0, bayer_chance=0.0,
        noise_chance=0.0, saturation_chance=0.0, sharpen_chance=0.0, jpeg_chance=0.0,
    )  # fmt: skip
    half = rgb.shape[0] // 2
    out = []
    for view in range(config.self_training.views):
        turn, mirror = view % 4, view // 4 % 2 == 1
        seen = change_look(rgb, um, stains, rng) if view % 2 else rgb
        size = 2 * round(half * _SCALES[(view + view // 4) % len(_SCALES)])
        factor = size / rgb.shape[0]
        seen = np.asarray(cv2.resize(seen, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
        seen = np.rot90(seen[:, ::-1] if mirror else seen, turn)
        shown = evened(np.ascontiguousarray(seen), um / factor, od)
        for predict in predicts:
            heat = heat_of(predict, shown)[:, : size // 2, : size // 2].transpose(1, 2, 0)
            heat = np.rot90(heat, -turn)
            heat = np.ascontiguousarray(heat[:, ::-1] if mirror else heat)
            out.append(cv2.resize(heat, (half, half), interpolation=cv2.INTER_LINEAR).transpose(2, 0, 1))
    return np.asarray(np.stack(out), np.float32)


def agreement(views: F32, apart: float) -> tuple[U8, U8]:
    """Join views (V, 2, h, w).

    Returns
    -------
    ndarray of uint8, (2, h, w)
        The mean, as a tile stores it.
    ndarray of uint8, (h, w)
        1 where no channel's standard deviation exceeds `apart`.
    """
    mean = views.mean(0)
    agreed = views.std(0).max(0) <= apart
    return np.rint(np.clip(mean * FULL_SCALE, 0, 255)).astype(np.uint8), agreed.astype(np.uint8)


def teach(
    config: Config, root: Path, fold: int | None, teachers: Sequence[Path], out: Path
) -> tuple[int, float]:
    """Mark tiles of the training images and save them.

    Returns
    -------
    int
        How many tiles.
    float
        Share of their area where the views agree.
    """
    cv2.setNumThreads(1)
    torch.set_num_threads(config.optim.threads)
    for teacher in teachers:
        check_fold(teacher, fold)
    predicts = [predictor(load_net(teacher / "weights.safetensors", config.model)) for teacher in teachers]
    held_out = config.data.folds[fold] if fold is not None else ()
    own = config.self_training
    inner = slice(_MARGIN_PX // STRIDE, (_MARGIN_PX + own.side_px) // STRIDE)
    origins: list[Origin] = []
    heats, agreeds = [], []
    rows = image_rows([root / p for p in config.data.points])
    wanted = [row for row in rows if Path(row.image).stem not in held_out]
    for row in track(wanted, "marking images", console=Console(stderr=True)):
        pixels = read_image(root / config.data.images / row.image, row.sha256)
        name = int.from_bytes(hashlib.sha256(row.image.encode()).digest()[:4], "big")
        rng = np.random.default_rng([config.seed, 2, name])
        side = round(own.side_px * config.patch.um_per_px / row.um_per_px)
        height, width = pixels.shape[:2]
        for y0, x0 in places((height, width), side, own.tiles, rng):
            if pixels[y0 : y0 + side, x0 : x0 + side].std((0, 1)).mean() < _LEAST_SPREAD:
                continue
            views = answers(predicts, _surrounded(pixels, (y0, x0), side, own.side_px), config, rng)
            heat, agreed = agreement(views[:, :, inner, inner], own.apart)
            origins.append(Origin(row.image, row.sha256, row.um_per_px, y0, x0, side))
            heats.append(heat)
            agreeds.append(agreed)
    save_tiles(out, tiles_key(config, fold), origins, np.stack(heats), np.stack(agreeds))
    return len(origins), float(np.mean(agreeds))


def _surrounded(pixels: U8, corner: tuple[int, int], side: int, side_px: int) -> U8:
    """Return a tile and its margin at the model's scale; beyond the image's border, its reflection."""
    edge = round(_MARGIN_PX * side / side_px)
    (y, x), (h, w) = corner, pixels.shape[:2]
    top, left = min(edge, y), min(edge, x)
    bottom, right = min(edge, h - y - side), min(edge, w - x - side)
    cut = pixels[y - top : y + side + bottom, x - left : x + side + right]
    around = (edge - top, edge - bottom, edge - left, edge - right)
    filled = cv2.copyMakeBorder(np.ascontiguousarray(cut), *around, cv2.BORDER_REFLECT_101)
    whole = side_px + 2 * _MARGIN_PX
    return np.asarray(cv2.resize(filled, (whole, whole), interpolation=cv2.INTER_AREA), np.uint8)


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description="Let a trained network mark the rest of its training images."
    )
    parser.add_argument("--config", type=Path, required=True, help="TOML file of the run")
    parser.add_argument("--fold", type=int, default=None, help="held-out fold; without it, all images")
    parser.add_argument(
        "--teacher", type=Path, required=True, nargs="+", help="folders of ended runs of the same fold"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the marked tiles")
    args = parser.parse_args(arguments)
    try:
        n, share = teach(read_config(args.config), Path.cwd(), args.fold, args.teacher, args.out)
    except ArmicroError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{n} tiles marked; the views agree on {share:.1%} of their area")
    return 0


if __name__ == "__main__":
    sys.exit(main())
