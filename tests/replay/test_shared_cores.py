"""What armicro says of the shared real images; skipped where they do not lie beside the checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from armicro.analysis.detect_classical import ClassicalDetector
from armicro.app.profiles import load_stain_profile
from armicro.assays.her2_ihc import Her2IhcRecipe, analyse
from armicro.contracts.frame import Frame, Optics
from armicro.contracts.results import FovResult
from armicro.contracts.score import Score
from armicro.devices.image_files import read_image
from armicro.scoring.case import FieldCells, summarise
from armicro.scoring.guidelines import load_guideline

CORES = Path(__file__).resolve().parents[3] / "shared" / "data" / "her2_tma"
UM_PER_PX = 0.23

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.slow,
    pytest.mark.skipif(not CORES.is_dir(), reason="the shared real images are not beside the checkout"),
]


@cache
def reading(prefix: str) -> FovResult:
    path = next(CORES.glob(f"{prefix}*"))
    frame = Frame(read_image(path, UM_PER_PX).rgb, 0, 0, Optics(UM_PER_PX), path.name)
    return analyse(frame, Her2IhcRecipe(load_stain_profile(), ClassicalDetector()))


def score(prefix: str, guideline: str) -> Score:
    return summarise([FieldCells.of(reading(prefix))], load_guideline(guideline)).score


def test_the_strong_core_is_3_by_the_gastric_rules() -> None:
    assert score("3_a1f1", "gastric-2016-resection").score == "3+"


def test_the_strong_core_is_2_by_the_breast_rules_with_a_comment_on_its_pattern() -> None:
    answer = score("3_a1f1", "asco-cap-2018-breast")
    assert answer.score == "2+"
    assert any("nusual pattern" in comment for comment in answer.comments)


def test_the_clear_2_core_is_2() -> None:
    assert score("2_0123", "gastric-2016-resection").score == "2+"


@pytest.mark.parametrize("core", ["0_aa1d", "0_9b0f", "1_154a", "1_f8a2"])
@pytest.mark.parametrize("guideline", ["gastric-2016-resection", "asco-cap-2018-breast"])
def test_negative_cores_stay_negative(core: str, guideline: str) -> None:
    assert score(core, guideline).score in ("0", "1+", None)


def test_a_nearly_acellular_core_gives_a_warning_and_no_confident_score() -> None:
    answer = score("0_9b0f", "gastric-2016-resection")
    warnings = (*reading("0_9b0f").quality.warnings, *answer.comments)
    said = ("few tumour cells", "fewer than 100", "little tissue", "sparse")
    assert any(word in warning for warning in warnings for word in said)
