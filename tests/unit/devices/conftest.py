"""Pictures for the tests of devices."""

from __future__ import annotations

import numpy as np
import pytest

from armicro.contracts.arrays import U8, frozen


@pytest.fixture(scope="session")
def picture() -> U8:
    """A coloured picture, (60, 80, 3), in which every orientation and channel order shows."""
    rng = np.random.default_rng(1)
    ramp = np.linspace(80, 240, 60 * 80 * 3).reshape(60, 80, 3)
    return frozen((ramp + rng.integers(0, 12, ramp.shape) - [0, 20, 40]).clip(0, 255).astype(np.uint8))
