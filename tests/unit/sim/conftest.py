from __future__ import annotations

import pytest

from armicro.sim.case import PRESETS, CaseParams, SimulatedField, simulate_field
from armicro.sim.staining import Staining, stain
from armicro.sim.tissue import Tissue, grow

EXTENT_UM = (240.0, 300.0)


@pytest.fixture(scope="session")
def params() -> CaseParams:
    return CaseParams(mix=PRESETS["2+"], um_per_px=0.25, shape_px=(720, 800), fields=2)


@pytest.fixture(scope="session")
def field(params: CaseParams) -> SimulatedField:
    return simulate_field(params, seed=8, index=0)


@pytest.fixture(scope="session")
def tissue(params: CaseParams) -> Tissue:
    return grow(EXTENT_UM, params.tissue, seed=3, index=0)


@pytest.fixture(scope="session")
def staining(tissue: Tissue, params: CaseParams) -> Staining:
    return stain(tissue, params.mix, params.staining, seed=3, index=0)
