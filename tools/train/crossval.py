"""Figures of a cross-validation: every crop is judged by the network that never saw its core.

`python -m tools.train.crossval --config tools/train/configs/nuclei-a.toml --runs RUNS --out figures.json`

RUNS holds the results of the folds in `fold0`, `fold1`, ... Threshold and spacing of the peaks and the bias
between the kinds of a fold are chosen on the crops of the *other* folds, whose networks did not see those
crops either.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from armicro.contracts.arrays import F32, U8
from armicro.contracts.errors import ArmicroError
from tools.train.config import Config, read_config, split
from tools.train.files import load_net
from tools.train.points import Crop, load_crops
from tools.train.score import PeakParams, Tally, tally
from tools.train.validate import heat_of, predictor, shown_as, tumour_found

OBJECTIVES = {"40x": False, "20x": True}
"""Objectives, and whether their optics blur more than the scanner's."""
THRESHOLDS = tuple(round(0.2 + 0.05 * k, 2) for k in range(13))
SPACINGS_UM = (1.5, 2.0, 2.5, 3.0, 3.5)
BIASES = (-0.2, -0.1, 0.0, 0.1, 0.2)
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Seen:
    """A crop as an objective shows it, with the heat maps of the network that was not trained on it."""

    crop: Crop
    fold: int
    foreign: bool
    shown: U8
    heat: F32


def look(config: Config, root: Path, runs: Path, weak_objective: bool) -> list[Seen]:
    """Predict every crop with the network of its fold."""
    crops = load_crops([root / p for p in config.data.points], root / config.data.images)
    seen = []
    for fold in range(len(config.data.folds)):
        predict = predictor(load_net(runs / f"fold{fold}" / "weights.safetensors", config.model))
        for crop in split(crops, config.data, fold)[1]:
            shown = shown_as(crop, config, weak_objective)
            foreign = crop.core in config.data.foreign
            seen.append(Seen(crop, fold, foreign, shown, heat_of(predict, shown)))
    return seen


def grid(seen: Sequence[Seen], config: Config) -> dict[PeakParams, list[Tally]]:
    """Return the counts of every crop at every threshold, spacing and bias.

    A higher threshold leaves fewer of the same peaks, so each crop is read once per spacing and bias.
    """
    table: dict[PeakParams, list[Tally]] = {}
    for spacing, bias in product(SPACINGS_UM, BIASES):
        lowest = PeakParams(min(THRESHOLDS), spacing, bias)
        read = [tumour_found(s.heat, s.shown, s.crop, config, lowest) for s in seen]
        for threshold in THRESHOLDS:
            table[PeakParams(threshold, spacing, bias)] = [
                tally(at[height >= np.float32(threshold)], s.crop)
                for s, (at, height) in zip(seen, read, strict=True)
            ]
    return table


def best(table: Mapping[PeakParams, Sequence[Tally]], chosen: Sequence[bool]) -> PeakParams:
    """Return the parameters with the greatest F1 over the chosen crops."""

    def f1(params: PeakParams) -> float:
        return total([t for t, c in zip(table[params], chosen, strict=True) if c]).f1

    return max(table, key=f1)


def total(counts: Sequence[Tally]) -> Tally:
    """Add counts up."""
    return sum(counts, Tally())


def interval(counts: Sequence[Tally], seed: int = 1) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of F1 over crops.

    Crops are drawn, not nuclei: nuclei of one crop resemble each other.
    """
    if len(counts) < 2:
        return float("nan"), float("nan")
    values = np.array([(t.hit, t.missed, t.false) for t in counts], np.float64)
    drawn = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    sums = values[drawn].sum(1)
    twice = 2 * sums[:, 0]
    f1 = twice / np.maximum(1, twice + sums[:, 1] + sums[:, 2])
    low, high = np.quantile(f1, [0.025, 0.975])
    return float(low), float(high)


def figures(counts: Sequence[Tally]) -> dict[str, float | list[float]]:
    """Return the figures of some crops, rounded to what they can bear."""
    t = total(counts)
    return {
        "f1": round(t.f1, 4),
        "f1_interval": [round(v, 4) for v in interval(counts)],
        "precision": round(t.precision, 4),
        "recall": round(t.recall, 4),
        "others_called_tumour": round(t.others_called_tumour, 4),
        "tumour": t.hit + t.missed,
        "others": t.others,
        "crops": len(counts),
    }


def cross_validate(config: Config, root: Path, runs: Path) -> dict[str, object]:
    """Return all figures of a cross-validation as one tree of plain values."""
    out: dict[str, object] = {"name": config.name, "epochs": _epochs(config, runs)}
    for objective, weak in OBJECTIVES.items():
        seen = look(config, root, runs, weak)
        table = grid(seen, config)
        own = [not s.foreign for s in seen]
        peaks = {
            fold: best(table, [mine and s.fold != fold for s, mine in zip(seen, own, strict=True)])
            for fold in sorted({s.fold for s in seen})
        }
        counts = [table[peaks[s.fold]][i] for i, s in enumerate(seen)]
        groups: dict[str, list[int]] = {"all cores": [i for i, s in enumerate(seen) if not s.foreign]}
        groups["foreign"] = [i for i, s in enumerate(seen) if s.foreign]
        for fold in peaks:
            groups[f"fold {fold}"] = [i for i, s in enumerate(seen) if s.fold == fold and not s.foreign]
        for i, s in enumerate(seen):
            groups.setdefault(s.crop.core, []).append(i)
        out[objective] = {name: figures([counts[i] for i in at]) for name, at in groups.items()}
        out[f"{objective} peaks"] = {f"fold {f}": dataclasses.asdict(p) for f, p in peaks.items()}
        out[f"{objective} crops"] = {
            s.crop.name: dataclasses.asdict(c) for s, c in zip(seen, counts, strict=True)
        }
        if objective == "40x":
            out["peaks"] = dataclasses.asdict(best(table, own))
    return out


def _epochs(config: Config, runs: Path) -> list[int]:
    """Return how many epochs each fold was trained: lines of its metrics."""
    tables = (runs / f"fold{fold}" / "metrics.csv" for fold in range(len(config.data.folds)))
    return [len(table.read_text(encoding="utf-8").splitlines()) - 1 for table in tables]


def show(result: Mapping[str, object]) -> None:
    """Print the figures as tables."""
    console = Console(width=120)
    for objective in OBJECTIVES:
        table = Table(title=f"{objective}: F1 at 5 µm, on cores not trained on")
        for column in ("group", "F1", "95 %", "precision", "recall", "other as tumour", "tumour", "other"):
            table.add_column(column)
        groups = result[objective]
        assert isinstance(groups, dict)
        for name, f in groups.items():
            low, high = f["f1_interval"]
            numbers = [f"{f[k]:.3f}" for k in ("precision", "recall", "others_called_tumour")]
            table.add_row(
                name, f"{f['f1']:.3f}", f"{low:.3f}-{high:.3f}", *numbers, f"{f['tumour']}", f"{f['others']}"
            )
        console.print(table)
    console.print(f"peaks: {result['peaks']}")


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Figures of a cross-validation.")
    parser.add_argument("--config", type=Path, required=True, help="TOML file of the runs")
    parser.add_argument("--runs", type=Path, required=True, help="folder with fold0, fold1, ...")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of the figures")
    args = parser.parse_args(arguments)
    try:
        config = read_config(args.config)
        cv2.setNumThreads(1)
        torch.set_num_threads(config.optim.threads)
        result = cross_validate(config, Path.cwd(), args.runs)
    except ArmicroError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8", newline="\n")
    show(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
