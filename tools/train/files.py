"""Files of a run: written whole or not at all, and free of code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import nn

from armicro.contracts.errors import InputError
from tools.train.config import Config
from tools.train.layout import ModelParams
from tools.train.model import LinkNet


def replace_file(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside its place and then put it there: a kill leaves the old one or the new one."""
    beside = path.with_name(path.name + ".part")
    write(beside)
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(path)


def config_key(config: Config, fold: int | None) -> str:
    """Return a hash that tells runs apart: equal for equal configuration and fold."""
    text = json.dumps([dataclasses.asdict(config), fold], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def note_fold(run: Path, fold: int | None) -> None:
    """Write down which fold a run leaves out."""

    def write(to: Path) -> None:
        to.write_text(f"{fold}\n", encoding="utf-8")

    replace_file(run / "fold.txt", write)


def check_fold(run: Path, fold: int | None) -> None:
    """Refuse the run of another fold: its network has seen what is to be held out.

    Raises
    ------
    InputError
        If it is one, or does not say.
    """
    note = run / "fold.txt"
    if not note.is_file() or note.read_text(encoding="utf-8").strip() != str(fold):
        raise InputError(f"{run} was not trained for fold {fold}: it may have seen what is held out")


def save_weights(net: nn.Module, path: Path) -> None:
    """Save weights as safetensors."""
    tensors = {name: value.contiguous() for name, value in net.state_dict().items()}
    replace_file(path, lambda to: save_file(tensors, to))


def load_net(path: Path, params: ModelParams) -> LinkNet:
    """Load weights saved by `save_weights` into a network of the same shape, ready to predict.

    Raises
    ------
    InputError
        If the file is missing or its weights belong to a network of another shape.
    """
    net = LinkNet(params)
    if not path.is_file():
        raise InputError(f"{path} does not exist: has the run ended?")
    try:
        net.load_state_dict(load_file(path))
    except RuntimeError:
        raise InputError(f"{path} holds weights of a network of another shape") from None
    net.eval()
    return net


def begin_with(net: LinkNet, path: Path) -> None:
    """Load all weights; those of the head, which belongs to the task, only where it has as many channels.

    Raises
    ------
    InputError
        If the file is missing or its weights belong to a network of another shape.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist")
    mine = net.state_dict()
    body = {
        name: value
        for name, value in load_file(path).items()
        if not name.startswith("head.") or value.shape == mine[name].shape
    }
    try:
        lacking = net.load_state_dict(body, strict=False)
    except RuntimeError:
        raise InputError(f"{path} holds weights of a network of another shape") from None
    if lacking.unexpected_keys or any(not name.startswith("head.") for name in lacking.missing_keys):
        raise InputError(f"{path} holds weights of a network of another shape")
