"""Cases made by hand: fields with given counts, scored by the real rule sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from armicro.contracts.arrays import frozen
from armicro.contracts.cells import CATEGORIES, Category, CellTable, Nuclei, NucleusKind
from armicro.contracts.frame import Optics
from armicro.contracts.pictures import FieldPicture
from armicro.contracts.results import FovResult, Provenance, Quality, Scalar
from armicro.contracts.score import CaseSummary
from armicro.report.case_json import CaseField, case_document
from armicro.report.models import CaseDocument
from armicro.scoring.case import FieldCells, summarise
from armicro.scoring.guidelines import DEFAULT_GUIDELINE, load_guideline
from armicro.scoring.model import Guideline

Counts = Mapping[Category, int]


@dataclass(frozen=True, slots=True)
class Made:
    """A case with what it was made from."""

    document: CaseDocument
    fields: tuple[CaseField, ...]
    summary: CaseSummary
    guideline: Guideline
    pictures: tuple[FieldPicture, ...]


def result(
    counts: Counts, um_per_px: float = 0.25, parameters: Mapping[str, Scalar] | None = None, excluded: int = 0
) -> FovResult:
    """Make a reading; cells lie in rows, 40 px apart, the excluded ones first."""
    category = np.repeat([int(c) for c in counts], list(counts.values())).astype(np.uint8)
    category = np.concatenate([np.zeros(excluded, np.uint8), category])
    n = len(category)
    share = np.stack([category > 0, category > 1, category > 3], 1).astype(np.float32) * np.float32(0.75)
    yx = np.stack([20 + 40 * (np.arange(n) // 20), 20 + 40 * (np.arange(n) % 20)], 1).astype(np.float32)
    stained = (category > 0).astype(np.float32)
    table = CellTable(
        yx_px=frozen(yx),
        category=frozen(category),
        rule=frozen(np.where(category > 0, 4, 5).astype(np.uint8)),
        stained_share=frozen(share),
        membrane_dab_od=frozen((category / 10).astype(np.float32)),
        membrane_dab_p90_od=frozen((category / 8).astype(np.float32)),
        membrane_width_um=frozen(stained * np.float32(1.25)),
        faint_asked_od=frozen(np.full(n, 0.06, np.float32)),
        contour_um=frozen(np.zeros((n, 0), np.float32)),
        contour_level=frozen(np.zeros((n, 0), np.uint8)),
        counted=frozen(np.arange(n) >= excluded),
    )
    provenance = Provenance(
        "0.1.0", 0, 0, "made by hand", Optics(um_per_px, "40x"), "profile 1", "none", "detector 1",
        "reading 1", parameters if parameters is not None else {"t_weak_od": 0.13},
    )  # fmt: skip
    others = Nuclei.at(frozen(np.zeros((3, 2), np.float32)), NucleusKind.OTHER)
    return FovResult((600, 800), table, others, None, Quality(0.8, 0.01, 0.9), provenance)


@pytest.fixture
def make_result() -> Callable[..., FovResult]:
    return result


@pytest.fixture
def make_case() -> Callable[..., Made]:
    """Build a case of fields with given counts and score it."""

    def make(
        counts: Sequence[Counts],
        guideline: str = DEFAULT_GUIDELINE,
        case_id: str = "26-1187",
        fields: Sequence[CaseField] | None = None,
        simulated: bool = False,
    ) -> Made:
        if fields is None:
            fields = [
                CaseField(
                    f"folder/field {i + 1}.png", result(c), f"{i:064x}", {"nuclei": 80.12345, "cells": 20.0}
                )
                for i, c in enumerate(counts)
            ]
        rules = load_guideline(guideline)
        cells = [FieldCells.of(f.result) for f in fields]
        summary = summarise(cells, rules, resamples=200)
        document = case_document(case_id, fields, summary, simulated=simulated)
        plain = np.full((60, 80, 3), 220, np.uint8)
        pictures = [
            FieldPicture(f.path, plain, plain, 2.5, plain[:40, :40], plain[:40, :40], 0.25, (10, 20))
            for f in fields
        ]
        return Made(document, tuple(fields), summary, rules, tuple(pictures))

    return make


@pytest.fixture
def every_category() -> Counts:
    """12 intense complete cells of 120, and so on down."""
    return dict(zip(CATEGORIES, (12, 18, 30, 24, 20, 16), strict=True))
