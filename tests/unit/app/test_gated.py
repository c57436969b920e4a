"""`armicro score --gate`: refused fields are left out and told, what is shown twice counts once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from armicro.app.cli import main
from armicro.contracts.arrays import U8
from armicro.devices.image_files import write_png
from armicro.sim.case import simulate_field
from armicro.sim.params import PRESETS, CaseParams

UM = 0.5


@pytest.fixture(scope="module")
def slide() -> U8:
    return simulate_field(CaseParams(PRESETS["2+"], UM, (900, 600), 1), 3, 0).rgb


def score(folder: Path, pictures: dict[str, U8], *more: str) -> tuple[int, dict[str, object]]:
    folder.mkdir()
    for name, rgb in pictures.items():
        write_png(folder / f"{name}.png", np.ascontiguousarray(rgb))
    files = [str(folder / f"{name}.png") for name in pictures]
    out = folder / "case.json"
    code = main(
        [
            "score",
            *files,
            "--um-per-px",
            str(UM),
            "--detector",
            "classical",
            "--json",
            str(out),
            "--quiet",
            *more,
        ]
    )
    return code, json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}


def test_a_blurred_field_is_left_out_and_an_overlap_counts_once(
    slide: U8, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = slide[:500], slide[400:900]
    blurred = np.asarray(cv2.GaussianBlur(slide[200:700], (0, 0), 5), np.uint8)
    pictures = {"a": first, "b": blurred, "c": second}
    code, plain = score(tmp_path / "plain", pictures)
    assert code == 0
    capsys.readouterr()
    code, gated = score(tmp_path / "gated", pictures, "--gate")
    said = capsys.readouterr().err
    assert code == 0
    assert plain["n_fields"] == 3
    assert gated["n_fields"] == 2
    assert "b.png: out of focus" in said
    assert "b.png: left out of the score" in said
    assert re.search(r"c.png: (19|20|21)% of the field was captured before", said)
    fields = gated["fields"]
    assert isinstance(fields, list)
    assert fields[1]["n_excluded"] > 0
    whole = plain["fields"]
    assert isinstance(whole, list)
    assert fields[0]["counts"] == whole[0]["counts"]


def test_a_case_of_refused_fields_alone_is_an_error_in_words(
    slide: U8, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del slide
    code, _ = score(tmp_path / "empty", {"a": np.full((400, 400, 3), 240, np.uint8)}, "--gate")
    assert code == 3
    assert "refused every field" in capsys.readouterr().err
