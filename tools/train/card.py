"""The model card: what a network was taught, how well it does on tissue it has not seen, where it fails."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from tools.train.config import Config
from tools.train.manifest import Entry
from tools.train.summary import DataSummary

_TEMPLATE = Path(__file__).with_name("card.md")


def model_card(
    config: Config, entry: Entry, data: DataSummary, figures: Mapping[str, Any], difference: float
) -> str:
    """Write the model card as Markdown.

    Parameters
    ----------
    config : Config
        Of the run.
    entry : Entry
        Of the manifest.
    data : DataSummary
        What it was trained on.
    figures : mapping
        Of the cross-validation.
    difference : float
        Greatest difference of the ONNX file from the trained network.

    Returns
    -------
    str
        The card.
    """
    values = {
        **_network(config, entry),
        **_training(config),
        "difference": f"{difference:.1g}",
        "data_rows": _data_rows(data),
        "foreign": ", ".join(data.foreign) or "none",
        "worst": _worst(data, figures),
        "fold_epochs": f"{_fold_epochs(config, figures)} {figures.get('note', '')}".strip(),
    }
    for objective in ("40x", "20x"):
        rows = [_row(name, f) for name, f in figures.get(objective, {}).items() if f["crops"]]
        values[f"rows_{objective}"] = "\n".join(rows or ["| not measured | | | | | |"])
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(values)


def _network(config: Config, entry: Entry) -> dict[str, str]:
    return {
        "name": entry.name,
        "version": entry.version,
        "file": entry.file,
        "megabytes": f"{entry.bytes / 1e6:.1f}",
        "sha256": entry.sha256,
        "licence": entry.licence,
        "widths": "-".join(str(width) for width in config.model.widths),
        "blocks": str(config.model.blocks),
        "um_per_px": f"{entry.um_per_px:g}",
        "multiple": str(entry.multiple),
        "stride": str(entry.stride),
        "channels": " and ".join(entry.channels),
        "threshold": f"{entry.peak_threshold:g}",
        "spacing": f"{entry.peak_spacing_um:g}",
        "bias": f"{entry.tumour_bias:g}",
        "counterstain": f"{entry.counterstain_od:g}",
    }


def _training(config: Config) -> dict[str, str]:
    o, p = config.optim, config.patch
    share = config.data.simulated_share
    return {
        "steps": str(o.epochs * o.steps),
        "batch": str(o.batch),
        "side": str(p.side_px),
        "simulated": f"{share:.0%}" if share else "none",
        "rate": f"{o.learning_rate:g}",
        "sigma": f"{config.target.sigma_um:g}",
        "seed": str(config.seed),
        "self_training": _self_training(config),
        "scale_low": f"{p.scale[0]:g}",
        "scale_high": f"{p.scale[1]:g}",
    }


def _self_training(config: Config) -> str:
    own = config.self_training
    if not own.epochs:
        return ""
    return (
        f"\n\nThen {own.epochs * config.optim.steps} steps of self-training at a learning rate of "
        f"{own.learning_rate:g}: {own.share:.0%} of the\npatches come from up to {own.tiles} pieces of each "
        f"training image that the network had marked itself, as the mean of\n{own.views} views (turned, "
        "mirrored, scaled, restained), where these agree. In the cross-validation each fold's own\nnetwork "
        "marked the training images of that fold and no others."
    )


def _data_rows(data: DataSummary) -> str:
    rows = [f"| {name} | {a} | {b} | {c} | {d} |" for name, a, b, c, d in data.rows]
    a, b, c, d = data.totals
    return "\n".join([*rows, f"| **all** | **{a}** | **{b}** | **{c}** | **{d}** |"])


def _row(name: str, f: Mapping[str, Any]) -> str:
    low, high = f["f1_interval"]
    between = "" if math.isnan(low) or math.isnan(f["f1"]) else f" ({low:.2f} to {high:.2f})"
    numbers = (f["precision"], f["recall"], f["others_called_tumour"])
    return f"| {name} | {_number(f['f1'])}{between} | {' | '.join(map(_number, numbers))} | {f['tumour']} |"


def _number(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.3f}"


def _fold_epochs(config: Config, figures: Mapping[str, Any]) -> str:
    """Say so where the networks of the folds were not trained as long as the one that is shipped."""
    epochs = figures.get("epochs", [])
    shipped = config.self_training.epochs or config.optim.epochs
    if all(n == shipped for n in epochs):
        return ""
    trained = ", ".join(str(n) for n in epochs)
    return f"The networks of the folds were trained for {trained} epochs, the shipped one for {shipped}."


def _worst(data: DataSummary, figures: Mapping[str, Any]) -> str:
    images = {row[0] for row in data.rows}
    f1 = {n: float(f["f1"]) for n, f in figures.get("40x", {}).items() if n in images and f["tumour"]}
    if not f1:
        return "No image has a figure of its own."
    worst = min(f1, key=lambda name: f1[name])
    return f"The worst image at 40x is {worst}, F1 {f1[worst]:.2f}."
