"""A small simulated case in files, made once, and a way to run the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from armicro.app.cli import main
from armicro.contracts.frame import Frame, Optics
from armicro.devices.image_files import frame_text, write_png
from armicro.sim.case import CaseParams, simulate_case
from armicro.sim.params import parse_mix

UM_PER_PX = 0.424

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def fields(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two simulated fields of 320 × 320 px as PNG that do not tell their scale."""
    folder = tmp_path_factory.mktemp("case")
    params = CaseParams(mix=parse_mix("3+"), um_per_px=UM_PER_PX, shape_px=(320, 320), fields=2)
    paths = []
    for field in simulate_case(params, 5):
        path = folder / f"field {field.index}.png"
        write_png(path, field.rgb)
        paths.append(path)
    return paths


@pytest.fixture(scope="session")
def scaled_field(fields: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of them as a captured frame, which tells its scale."""
    from armicro.devices.image_files import read_image

    rgb = read_image(fields[0], UM_PER_PX).rgb
    path = tmp_path_factory.mktemp("scaled") / "captured.png"
    write_png(path, rgb, frame_text(Frame(rgb, 0, 0, Optics(UM_PER_PX), "x")))
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; returns exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def contents() -> Callable[[Path], Sequence[str]]:
    """Everything below a folder, hidden files included."""

    def listing(folder: Path) -> Sequence[str]:
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))

    return listing
