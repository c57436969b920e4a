"""Teach the network to restore images before it is taught nuclei: no points are needed for that.

`python -m tools.train.pretrain --config tools/train/configs/nuclei-a.toml --fold 0 --steps 1000 --out pre0`

The network sees patches from anywhere in the training images with blocks hidden and their look changed, and
is asked for the patch as it was, at half the resolution. `weights.safetensors` is then a start for
`tools.train.train --init`. Images of the held-out fold are not looked at.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from armicro.contracts.arrays import U8, Bool
from armicro.contracts.errors import ArmicroError
from tools.train.augment import change_look
from tools.train.config import Config, read_config
from tools.train.files import save_weights
from tools.train.layout import MEAN_GREY, STD_GREY, STRIDE
from tools.train.model import LinkNet
from tools.train.points import image_rows, read_image
from tools.train.train import normalised

_BLOCK_PX = 16
_HIDDEN = 0.4
_LEAST_SPREAD = 6.0
"""Grey levels: patches that vary less are glass and teach nothing."""


@dataclass(frozen=True, slots=True)
class Unmarked:
    """An image of which every place may be looked at.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        At half the scanner's resolution where that is finer than the model's.
    um_per_px : float
        Its scale.
    """

    rgb: U8
    um_per_px: float


def unmarked_images(config: Config, root: Path, fold: int | None) -> list[Unmarked]:
    """Load the images of the training folds, each once.

    Raises
    ------
    InputError
        If an index or an image is missing.
    """
    held_out = config.data.folds[fold] if fold is not None else ()
    rows = image_rows(root / folder for folder in config.data.points)
    return [
        Unmarked(read_image(root / config.data.images / row.image, row.sha256), row.um_per_px)
        for row in rows
        if Path(row.image).stem not in held_out
    ]


def patch(images: list[Unmarked], config: Config, rng: np.random.Generator) -> tuple[U8, U8, Bool]:
    """Draw one example.

    Returns
    -------
    ndarray of uint8, (S, S, 3)
        What the network sees.
    ndarray of uint8, (S / 2, S / 2, 3)
        What it is asked for.
    ndarray of bool, (S / 2, S / 2)
        What was hidden from it.
    """
    p = config.patch
    um = p.um_per_px * float(np.exp(rng.uniform(*np.log(p.scale))))
    whole = _place(images, um, p.side_px, rng)
    for _ in range(20):
        if whole.std((0, 1)).mean() > _LEAST_SPREAD:
            break
        whole = _place(images, um, p.side_px, rng)
    seen = change_look(whole, um, config.augment, rng)
    blocks = rng.random((p.side_px // _BLOCK_PX,) * 2) < _HIDDEN
    hidden = np.kron(blocks, np.ones((_BLOCK_PX, _BLOCK_PX), np.bool_)).astype(np.bool_)
    seen[hidden] = np.array(MEAN_GREY).astype(np.uint8)
    half = (p.side_px // STRIDE,) * 2
    asked = cv2.resize(whole, half, interpolation=cv2.INTER_AREA)
    return seen, np.asarray(asked, np.uint8), hidden[::STRIDE, ::STRIDE]


def _place(images: list[Unmarked], um: float, side_px: int, rng: np.random.Generator) -> U8:
    """Return any place of any image, turned and mirrored."""
    image = images[int(rng.integers(len(images)))]
    side = min(round(side_px * um / image.um_per_px), *image.rgb.shape[:2])
    y, x = (int(rng.integers(n - side + 1)) for n in image.rgb.shape[:2])
    cut = np.rot90(image.rgb[y : y + side, x : x + side], int(rng.integers(4)))
    cut = cut[:, ::-1] if rng.random() < 0.5 else cut
    small = cv2.resize(np.ascontiguousarray(cut), (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def pretrain(config: Config, root: Path, fold: int | None, steps: int) -> tuple[LinkNet, float]:
    """Teach a network to restore images.

    Returns
    -------
    LinkNet
        With three channels at its head.
    float
        Mean squared error of the last tenth, in units of the images' spread.
    """
    cv2.setNumThreads(1)
    torch.set_num_threads(config.optim.threads)
    torch.manual_seed(config.seed)
    images = unmarked_images(config, root, fold)
    net = LinkNet(config.model, 3)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    adam = torch.optim.AdamW(net.parameters(), config.optim.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    errors = []
    for seen, asked, hidden in _batches(images, config, steps):
        with torch.autocast("cpu", torch.bfloat16, enabled=config.optim.bfloat16):
            out = net(normalised(seen))
        weight = 1 + 3 * hidden[:, None].float()
        value = (weight * (out.float() - _as_target(asked)) ** 2).mean()
        adam.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        adam.step()
        schedule.step()
        errors.append(float(value.detach()))
    return net, float(np.mean(errors[-max(1, steps // 10) :]))


def _batches(images: list[Unmarked], config: Config, steps: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    for step in track(range(steps), "restoring", console=Console(stderr=True)):
        examples = []
        for place in range(config.optim.batch):
            rng = np.random.default_rng([config.seed, 1, step, place])
            examples.append(patch(images, config, rng))
        seen, asked, hidden = (torch.from_numpy(np.stack(part)) for part in zip(*examples, strict=True))
        yield seen, asked, hidden


def _as_target(rgb: Tensor) -> Tensor:
    mean, std = (torch.tensor(v) for v in (MEAN_GREY, STD_GREY))
    return ((rgb.float() - mean) / std).permute(0, 3, 1, 2)


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Teach the network to restore images.")
    parser.add_argument("--config", type=Path, required=True, help="TOML file of the run")
    parser.add_argument("--fold", type=int, default=None, help="held-out fold; without it, all images")
    parser.add_argument("--steps", type=int, default=1000, help="how many steps")
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights")
    args = parser.parse_args(arguments)
    try:
        net, error = pretrain(read_config(args.config), Path.cwd(), args.fold, args.steps)
    except ArmicroError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    save_weights(net, args.out / "weights.safetensors")
    print(f"restored to a mean squared error of {error:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
