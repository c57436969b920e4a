"""Train the heat map network on one fold, or on everything.

`python -m tools.train.train --config tools/train/configs/nuclei-a.toml --fold 0 --out runs/a0`

The run writes `metrics.csv` (a line per epoch), `checkpoint.pt` (all that is needed to go on) and, at the
end, `weights.safetensors` (the averaged weights). After a kill the same command with `--resume` goes on with
the epoch that was under way. No file of a run holds code: checkpoints are read as plain tensors only.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from armicro.contracts.errors import ArmicroError, InputError
from tools.train.config import Config, OptimParams, as_student, read_config, split
from tools.train.files import begin_with, config_key, note_fold, replace_file, save_weights
from tools.train.layout import MEAN_GREY, STD_GREY
from tools.train.model import LinkNet
from tools.train.points import load_crops
from tools.train.pool import make_sampler, tiles_keys
from tools.train.sampler import Batch, Sampler
from tools.train.tiles import Tile, load_tiles
from tools.train.validate import validate

_AHEAD = 4
COLUMNS = ("epoch", "loss", "seconds", "f1", "precision", "recall", "others_called_tumour",
           "foreign_f1", "foreign_precision", "foreign_recall")  # fmt: skip


class Trainer:
    """A network, its optimiser and the running average of its weights.

    Parameters
    ----------
    config : Config
        The run.
    """

    def __init__(self, config: Config) -> None:
        o = config.optim
        torch.set_num_threads(o.threads)
        torch.manual_seed(config.seed)
        self.optim = o
        # Processors without 16-bit arithmetic emulate it, twelve times slower than 32 bits.
        self.bfloat16 = o.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001
        self.net = LinkNet(config.model)
        self.average = LinkNet(config.model)
        for net in (self.net, self.average):
            net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average.load_state_dict(self.net.state_dict())
        self.average.requires_grad_(False)
        self.adam = torch.optim.AdamW(self.net.parameters(), o.learning_rate, weight_decay=o.weight_decay)
        self.step_no = 0
        self.rows: list[dict[str, float]] = []

    def start_from(self, weights: Path) -> None:
        """Take over weights, the head's only if it has the same channels."""
        begin_with(self.net, weights)
        self.average.load_state_dict(self.net.state_dict())

    def step(self, batch: Batch) -> float:
        """Take one step; return the loss."""
        self.net.train()
        for group in self.adam.param_groups:
            group["lr"] = learning_rate(self.step_no, self.optim)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            heat = self.net(normalised(torch.from_numpy(batch.rgb)))
        target, mask = torch.from_numpy(batch.heat), torch.from_numpy(batch.mask)
        value = loss(heat.float(), target, mask, self.optim.foreground)
        self.adam.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.adam.step()
        self._average()
        self.step_no += 1
        return float(value.detach())

    def _average(self) -> None:
        """Move the average towards the weights; at first it keeps less, or it would remember the start."""
        keep = min(self.optim.average, (1 + self.step_no) / (10 + self.step_no))
        mine, theirs = self.average.state_dict(), self.net.state_dict()
        for name, value in mine.items():
            if value.dtype.is_floating_point:
                value.lerp_(theirs[name], 1 - keep)
            else:
                value.copy_(theirs[name])

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on: tensors, numbers and strings."""
        return {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "adam": self.adam.state_dict(),
            "step": self.step_no,
            "rows": self.rows,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.adam.load_state_dict(state["adam"])
        self.step_no, self.rows = int(state["step"]), list(state["rows"])


def learning_rate(step: int, params: OptimParams) -> float:
    """Return the learning rate of a step: a rise, then a cosine to zero."""
    total = params.epochs * params.steps
    rise = min(1.0, (step + 1) / max(1, params.warm_steps))
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, step / total)))
    return float(params.learning_rate * rise * max(fall, 1e-3))


def loss(heat: Tensor, target: Tensor, mask: Tensor, foreground: float) -> Tensor:
    """Return the mean squared error, (N, 2, h, w), where the mask (N, h, w) counts.

    Nuclei of either kind weigh more in both channels, so that calling one for the other costs as much as
    missing it.
    """
    weight = mask * (1 + foreground * target.amax(1))
    error = ((heat - target) ** 2).sum(1)
    return (weight * error).sum() / weight.sum().clamp_min(1.0)


def normalised(rgb: Tensor) -> Tensor:
    """Return uint8 images (N, H, W, 3) as the network wants them, (N, 3, H, W)."""
    x = rgb.permute(0, 3, 1, 2).float()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN_GREY, STD_GREY))
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)


def batches(sampler: Sampler, first: int, last: int, size: int) -> Iterator[Batch]:
    """Yield the batches of steps `first` to `last`, drawn ahead by another thread."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(sampler.batch, s, size) for s in range(first, min(last, first + _AHEAD))]
        for step in range(first, last):
            if step + _AHEAD < last:
                waiting.append(pool.submit(sampler.batch, step + _AHEAD, size))
            yield waiting.pop(0).result()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run reads and writes.

    Parameters
    ----------
    root : Path
        The repository, which the paths of the configuration are relative to.
    out : Path
        Folder of the results.
    init : Path or None
        Weights to start from, of `tools.train.pretrain` or of a teacher.
    tiles : tuple of Path
        Folders of tiles that teachers marked (`tools.train.teach`): this is then a student's run.
    """

    root: Path
    out: Path
    init: Path | None = None
    tiles: tuple[Path, ...] = ()


def train(config: Config, fold: int | None, place: Place, resume: bool) -> Trainer:
    """Run a configuration; see the module.

    Parameters
    ----------
    config : Config
        The run.
    fold : int or None
        Held-out fold; None for all data.
    place : Place
        Where.
    resume : bool
        Go on where a killed run stood.

    Returns
    -------
    Trainer
        Trained.

    Raises
    ------
    InputError
        If data are missing, or the folder holds another run, or one and `resume` is not set.
    """
    cv2.setNumThreads(1)
    root, out = place.root, place.out
    crops = load_crops([root / p for p in config.data.points], root / config.data.images)
    training, validation = split(crops, config.data, fold)
    tiles: list[Tile] = []
    for folder in place.tiles:
        tiles += load_tiles(folder, root / config.data.images, tiles_keys(config, fold))
    if place.tiles:
        config = as_student(config)
    trainer, key = Trainer(config), config_key(config, fold)
    if place.init is not None:
        trainer.start_from(place.init)
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        if not resume:
            raise InputError(f"{out} already holds a run; add --resume to go on with it")
        state = torch.load(checkpoint, weights_only=True)
        if state.pop("key") != key:
            raise InputError(f"{out} holds a run of another configuration or fold")
        trainer.restore(state)
    out.mkdir(parents=True, exist_ok=True)
    note_fold(out, fold)
    sampler = make_sampler(config, training, tiles)
    o = config.optim
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("training", total=o.epochs * o.steps, completed=trainer.step_no)
        for epoch in range(trainer.step_no // o.steps, o.epochs):
            begin, total = time.monotonic(), 0.0
            for batch in batches(sampler, trainer.step_no, (epoch + 1) * o.steps, o.batch):
                total += trainer.step(batch)
                bar.advance(task)
            row = {"epoch": epoch + 1, "loss": total / o.steps, "seconds": time.monotonic() - begin}
            row |= validate(trainer.average, validation, config)
            trainer.rows.append(row)
            _write_metrics(out / "metrics.csv", trainer.rows)
            replace_file(checkpoint, lambda path: torch.save(trainer.state() | {"key": key}, path))
            bar.update(task, description=f"epoch {epoch + 1} loss {row['loss']:.4f} F1 {row['f1']:.3f}")
    save_weights(trainer.average, out / "weights.safetensors")
    return trainer


def _write_metrics(path: Path, rows: list[dict[str, float]]) -> None:
    def write(to: Path) -> None:
        with to.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows([f"{row[c]:.5g}" for c in COLUMNS] for row in rows)

    replace_file(path, write)


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Train the nucleus detector.")
    parser.add_argument("--config", type=Path, required=True, help="TOML file of the run")
    parser.add_argument("--fold", type=int, default=None, help="held-out fold; without it, all data")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--init", type=Path, default=None, help="weights to start from (pretrain, a teacher)")
    parser.add_argument(
        "--tiles", type=Path, nargs="+", default=(), help="tiles that teachers marked (teach)"
    )
    parser.add_argument("--resume", action="store_true", help="go on with a run that was killed")
    args = parser.parse_args(arguments)
    try:
        place = Place(Path.cwd(), args.out, args.init, tuple(args.tiles))
        trainer = train(read_config(args.config), args.fold, place, args.resume)
    except ArmicroError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    last = trainer.rows[-1]
    print(", ".join(f"{name} {last[name]:.4g}" for name in COLUMNS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
