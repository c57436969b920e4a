"""What patches are drawn from, and how often: crops by eye, simulated fields, tiles that a teacher marked."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Sequence

from tools.train.config import Config, DataParams
from tools.train.points import Crop
from tools.train.sampler import Sampler
from tools.train.simulated import simulated_crops
from tools.train.tiles import Tile


def make_sampler(config: Config, crops: Sequence[Crop], tiles: Sequence[Tile] = ()) -> Sampler:
    """Weigh real crops by the configuration; add simulated fields and tiles with their shares."""
    d = config.data
    simulated = simulated_crops(d.simulated_fields, config.seed) if d.simulated_share > 0 else []
    tile_share = config.self_training.share if tiles else 0.0
    simulated_share = d.simulated_share if simulated else 0.0
    parts: list[tuple[Sequence[Crop | Tile], list[float], float]] = [
        (crops, _weights(crops, d), 1 - simulated_share - tile_share),
        (simulated, [1.0] * len(simulated), simulated_share),
        (tiles, _weights(tiles, d), tile_share),
    ]
    everything: list[Crop | Tile] = []
    weights: list[float] = []
    for pieces, own, share in parts:
        everything += pieces
        weights += [w * share / sum(own) for w in own]
    return Sampler(everything, weights, config.patch, config.target, config.augment, config.seed)


def tiles_key(config: Config, fold: int | None) -> str:
    """Return a hash that tells tiles apart: their images must be those that a run may be trained on."""
    own = config.self_training
    marking = [own.tiles, own.side_px, own.views, own.apart, config.seed]
    text = json.dumps([dataclasses.asdict(config.data), marking, fold], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def tiles_keys(config: Config, fold: int | None) -> frozenset[str]:
    """Return the keys of tiles that a run may use: its fold's own, or all where nothing is held out."""
    folds = (fold,) if fold is not None else (None, *range(len(config.data.folds)))
    return frozenset(tiles_key(config, f) for f in folds)


def _weights(pieces: Sequence[Crop | Tile], data: DataParams) -> list[float]:
    """Return how often pieces of real images are drawn, relative to each other."""
    per_core = Counter(piece.core for piece in pieces)
    return [
        (data.foreign_weight if piece.core in data.foreign else 1.0) * per_core[piece.core] ** -data.balance
        for piece in pieces
    ]
