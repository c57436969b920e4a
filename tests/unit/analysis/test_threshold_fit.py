"""Thresholds that made the labels are found again; an image left out is judged by the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from armicro.analysis.read_per_cell import PerCellParams, Traces, grade, trace
from armicro.analysis.threshold_fit import Labelled, ThresholdGrid, at_the_edge, fit_thresholds, leave_one_out
from armicro.contracts.arrays import F32
from armicro.contracts.errors import CalibrationError
from armicro.contracts.frame import Optics
from armicro.contracts.stain import DabThresholds, StainProfile
from armicro.imaging.scale import to_working
from armicro.imaging.stain import separate
from armicro.scoring.agreement import quadratic_kappa, within_one
from armicro.sim.case import CaseParams, case_looks, simulate_field
from armicro.sim.params import OpticsParams, parse_mix

PARAMS = PerCellParams()
GRID = ThresholdGrid(weak_od=(0.08, 0.11, 0.15, 0.2), intense_od=(0.3, 0.4, 0.5), faint_od=(0.04, 0.06))
HIDDEN = DabThresholds(0.15, 0.4, 0.06)

Traced = tuple[str, Traces, F32]


@pytest.fixture(scope="module")
def traced() -> list[Traced]:
    """Cells of three simulated fields, followed."""
    out = []
    for seed, mix in ((1, "3+"), (2, "2+"), (3, "1+")):
        params = CaseParams(
            mix=parse_mix(mix),
            um_per_px=0.424,
            shape_px=(400, 400),
            fields=1,
            optics=OpticsParams(stain_jitter_deg=0),
        )
        field, lens = simulate_field(params, seed, 0), case_looks(params, seed)[1]
        profile = StainProfile("s", "1", lens.haematoxylin_rgb_od, lens.dab_rgb_od, HIDDEN, lens.white_rgb)
        maps = separate(field.rgb, Optics(0.424), profile)
        yx = to_working(field.truth.yx_px, maps.factor)
        out.append((mix, trace(maps, yx, yx, PARAMS), yx))
    return out


def labelled(traced: list[Traced], by: DabThresholds) -> list[Labelled]:
    return [Labelled(name, grade(t, yx, by, PARAMS).category, t) for name, t, yx in traced]


def test_the_thresholds_behind_the_labels_are_found(traced: list[Traced]) -> None:
    steps: list[int] = []
    fit = fit_thresholds(labelled(traced, HIDDEN), GRID, PARAMS, steps.append)
    assert fit.thresholds == HIDDEN
    assert fit.kappa == pytest.approx(1.0)
    assert steps == [1, 2, 3]
    assert fit.surface[2, 1] == pytest.approx(1.0)
    assert np.nanargmax(fit.surface) == 2 * 3 + 1
    assert not at_the_edge(fit)
    assert sum(int(m.sum()) for _, m in fit.by_image.values()) == int(fit.matrix.sum())


def test_five_categories_need_no_faint_level(traced: list[Traced]) -> None:
    hidden = replace(HIDDEN, faint_od=None)
    fit = fit_thresholds(labelled(traced, hidden), replace(GRID, faint_od=()), PARAMS, lambda _: None)
    assert fit.thresholds == hidden


def test_an_image_is_read_with_what_the_others_choose(traced: list[Traced]) -> None:
    """One image is labelled by other thresholds: left out, it is read by the others' and agrees less."""
    cells = labelled(traced, HIDDEN)
    other = labelled(traced, DabThresholds(0.08, 0.3, 0.04))
    fit = fit_thresholds([other[0], *cells[1:]], GRID, PARAMS, lambda _: None)
    chosen, matrix = fit.by_image["3+"]
    assert chosen.weak_od == HIDDEN.weak_od
    assert quadratic_kappa(matrix) < 1
    assert quadratic_kappa(fit.held_out) < fit.kappa


def test_too_few_cells_images_or_categories_are_refused(traced: list[Traced]) -> None:
    cells = labelled(traced, HIDDEN)
    for few in ([], cells[:1], [replace(c, truth=np.zeros_like(c.truth)) for c in cells]):
        with pytest.raises(CalibrationError, match="too few"):
            fit_thresholds(few, GRID, PARAMS, lambda _: None)


def test_leave_one_out_never_asks_the_group_itself() -> None:
    good, bad = np.diag([5, 5, 0, 0, 0, 0]), np.fliplr(np.diag([5, 0, 0, 0, 0, 5]))
    tables = {"a": {"x": good, "y": bad}, "b": {"x": bad, "y": good}, "c": {"x": bad, "y": good}}
    chosen = leave_one_out(tables, lambda m: float(np.trace(m)))
    assert {group: choice for group, (choice, _) in chosen.items()} == {"a": "y", "b": "x", "c": "x"}


def test_agreement_of_a_known_table() -> None:
    matrix = np.zeros((6, 6), np.int64)
    matrix[0, 0], matrix[0, 1], matrix[1, 1], matrix[5, 3] = 10, 4, 6, 2
    assert within_one(matrix) == pytest.approx(20 / 22)
    # By hand: disagreement 4 × 1 + 2 × 4 against what the margins give by chance.
    rows, columns = matrix.sum(axis=1), matrix.sum(axis=0)
    weights = np.subtract.outer(range(6), range(6)) ** 2
    chance = sum(weights[i, j] * rows[i] * columns[j] for i in range(6) for j in range(6)) / 22
    assert quadratic_kappa(matrix) == pytest.approx(1 - 12 / chance)
