"""The quality gate: each fault is caught at its limit, a good field passes; overlaps are measured."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from armicro.contracts.arrays import U8
from armicro.contracts.frame import Optics
from armicro.imaging.gate import Check, GateLimits, Limit, Verdict, gate, worst
from armicro.imaging.gate_control import ControlSeen, control_check
from armicro.imaging.overlap import coarse, overlap
from armicro.sim.case import simulate_field
from armicro.sim.params import PRESETS, CaseParams

UM = 0.25
OPTICS = Optics(UM)


@pytest.fixture(scope="module")
def field() -> U8:
    return simulate_field(CaseParams(PRESETS["2+"], UM, (1200, 1200), 1), 3, 0).rgb


def by_name(checks: tuple[Check, ...]) -> dict[str, Check]:
    return {c.name: c for c in checks}


def test_a_good_field_passes(field: U8) -> None:
    checks = gate(field, OPTICS)
    assert worst(checks) is Verdict.OK, [c.words for c in checks if c.verdict is not Verdict.OK]
    assert {"sharpness", "smear", "dark", "bright", "tissue"} <= set(by_name(checks))


def blurred(rgb: U8) -> U8:
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), 2.0 / UM), np.uint8)


def smeared(rgb: U8) -> U8:
    n = round(4.0 / UM)
    return np.asarray(cv2.filter2D(rgb, -1, np.ones((1, n), np.float32) / n), np.uint8)


def scaled(rgb: U8, factor: tuple[float, float, float], offset: float = 0) -> U8:
    return (rgb * np.array(factor, np.float32) + offset).clip(0, 255).astype(np.uint8)


def with_grains(rgb: U8, side: int = 16) -> U8:
    """Strew brown squares of 4 µm over the field: some 6 % of it."""
    out, rng = rgb.copy(), np.random.default_rng(0)
    for y, x in rng.integers(0, rgb.shape[0] - side, (340, 2)):
        there = slice(y, y + side), slice(x, x + side)
        out[there] = (out[there] * (0.73, 0.52, 0.41)).astype(np.uint8)
    return out


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("sharpness", blurred),
        ("smear", smeared),
        ("dark", lambda rgb: scaled(rgb, (1, 1, 1), -170)),
        ("bright", lambda rgb: scaled(rgb, (1.6, 1.6, 1.6))),
        ("tissue", lambda rgb: np.full_like(rgb, 240)),
        ("cast", lambda rgb: scaled(rgb, (1.0, 1.0, 0.6))),
        ("dim", lambda rgb: scaled(rgb, (0.25, 0.25, 0.25))),
        ("brown", with_grains),
    ],
)
def test_a_bad_field_is_refused_with_its_number(field: U8, name: str, spoil: Callable[[U8], U8]) -> None:
    found = by_name(gate(spoil(field), OPTICS))[name]
    assert found.verdict is Verdict.REFUSE
    assert any(c.isdigit() for c in found.words)
    assert ";" in found.words  # what it is; what to do


def test_the_light_is_compared_with_what_was_calibrated(field: U8) -> None:
    good = by_name(gate(field, OPTICS, (249.0, 246.0, 248.0)))
    assert good["light"].verdict is good["cast"].verdict is Verdict.OK
    assert "dim" not in good
    darker = by_name(gate(scaled(field, (0.8, 0.8, 0.8)), OPTICS, (249.0, 246.0, 248.0)))
    assert darker["light"].verdict is Verdict.WARN
    assert darker["light"].value == pytest.approx(-np.log10(0.8), abs=0.01)


def test_a_brown_haze_is_told_by_the_calibrated_light_alone(field: U8) -> None:
    white = (249.0, 246.0, 248.0)
    hazy = scaled(field, (0.95, 0.88, 0.84))
    assert by_name(gate(hazy, OPTICS, white))["brown"].verdict is not Verdict.OK
    assert by_name(gate(hazy, OPTICS))["brown"].verdict is Verdict.OK


def test_staining_of_tissue_is_not_brown_on_glass(field: U8) -> None:
    """A strongly stained field has as little on its glass as any."""
    strong = simulate_field(CaseParams(PRESETS["3+"], UM, (1200, 1200), 1), 3, 0).rgb
    for rgb in (field, strong):
        found = by_name(gate(rgb, OPTICS))["brown"]
        assert found.verdict is Verdict.OK
        assert found.value < 0.02


def test_a_field_without_glass_says_nothing_of_it(field: U8) -> None:
    full = np.full_like(field, (150, 140, 190))
    full[:110, :110] = 248
    assert "brown" not in by_name(gate(full, OPTICS, (249.0, 246.0, 248.0)))


def test_a_control_is_asked_for_by_its_age() -> None:
    strict = GateLimits(control=Limit(0.0, 7.0))
    ages = (0, 7, 8, None)
    verdicts = [control_check(ControlSeen("c/1", age), strict).verdict for age in ages]
    assert verdicts == [Verdict.OK, Verdict.WARN, Verdict.REFUSE, Verdict.REFUSE]
    shipped = [control_check(ControlSeen("c/1", age), GateLimits()).verdict for age in ages]
    assert shipped == [Verdict.OK, Verdict.WARN, Verdict.WARN, Verdict.WARN]
    words = control_check(ControlSeen("c/1", 12), GateLimits()).words
    assert words.startswith("no control of this run: the newest, c/1, is 12 days old, at most 0 days;")
    excused = control_check(ControlSeen("", None, "the block is used up"), strict)
    assert excused.verdict is Verdict.WARN
    assert "none is recorded" in excused.words
    assert "counted without it: the block is used up" in excused.words


def test_limits_can_be_set_and_may_fall_or_rise() -> None:
    falling, rising = Limit(0.4, 0.2), Limit(0.1, 0.3)
    assert [falling.verdict(v) for v in (0.5, 0.3, 0.1)] == list(Verdict)
    assert [rising.verdict(v) for v in (0.05, 0.2, 0.5)] == list(Verdict)


def test_an_empty_field_is_told_and_not_called_blurred(field: U8) -> None:
    names = by_name(gate(np.full_like(field, 240), OPTICS, limits=GateLimits()))
    assert names["tissue"].verdict is Verdict.REFUSE
    assert "sharpness" not in names


@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (200, 0), (-301, 418), (500, -350)])
def test_an_overlap_is_found_and_measured(dy: int, dx: int) -> None:
    whole = simulate_field(CaseParams(PRESETS["1+"], 0.5, (1700, 1700), 1), 5, 0).rgb
    side = 800
    first = whole[400 : 400 + side, 400 : 400 + side]
    second = whole[400 + dy : 400 + dy + side, 400 + dx : 400 + dx + side]
    grain = np.random.default_rng(0).normal(0, 4, second.shape)
    noisy = (second * 1.04 + grain).clip(0, 255).astype(np.uint8)
    found = overlap(coarse(noisy, Optics(0.5)), coarse(np.ascontiguousarray(first), Optics(0.5)))
    true = (side - abs(dy)) * (side - abs(dx)) / side**2
    assert found is not None
    assert found.share == pytest.approx(true, abs=0.02)
    assert found.rows[0] == pytest.approx(max(0, -dy), abs=8)
    assert found.columns[0] == pytest.approx(max(0, -dx), abs=8)


def test_other_places_and_other_scales_do_not_overlap() -> None:
    fields = [simulate_field(CaseParams(PRESETS["1+"], 0.5, (800, 800), 4), 5, k).rgb for k in range(4)]
    about = [coarse(f, Optics(0.5)) for f in fields]
    for i in range(4):
        for j in range(i):
            assert overlap(about[i], about[j]) is None
    assert overlap(coarse(fields[0], Optics(0.25)), about[0]) is None
    # Corners of small fields are a few cells, which look like others somewhere.
    small = [
        coarse(np.ascontiguousarray(f[a:b, a:b]), Optics(0.5))
        for f in fields
        for a, b in ((0, 270), (500, 770))
    ]
    for i in range(8):
        for j in range(i):
            assert overlap(small[i], small[j]) is None
    assert overlap(coarse(np.full((800, 800, 3), 240, np.uint8), Optics(0.5)), about[0]) is None
