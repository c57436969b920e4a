"""Pictures are corrected before they are read and kept, and results say by what."""

from __future__ import annotations

import numpy as np

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.errors import CalibrationError
from tests.session_rig import Rig, tissue


class Half:
    """Darkens by a factor; refuses pictures of another size."""

    identity = "flat-40x/2026-11-25 sha256:0123456789ab"

    def __init__(self, shape: tuple[int, int] = (96, 128)) -> None:
        self.shape = shape

    def __call__(self, rgb: U8) -> U8:
        if rgb.shape[:2] != self.shape:
            raise CalibrationError("the picture has another size: calibrate this camera mode")
        return frozen((rgb // 2).astype(np.uint8))


def test_what_is_read_and_kept_is_corrected_and_stamped() -> None:
    rig = Rig(correct=Half(), calibration_id=Half.identity)
    rig.capture(1, 1)
    kept = rig.session.field_frame(1)
    assert kept is not None
    number = kept.frame_id
    np.testing.assert_array_equal(kept.rgb, tissue(1, number) // 2)
    result = rig.session.snapshot().fields[0].result
    assert result is not None
    assert result.provenance.calibration_id == Half.identity
    live = rig.session.live()
    assert live is not None
    assert live.result is None or live.result.provenance.calibration_id == Half.identity
    rig.session.close()


def test_a_picture_that_cannot_be_corrected_is_neither_shown_nor_captured() -> None:
    rig = Rig(correct=Half((10, 10)))
    rig.expose(1)
    rig.press()
    rig.expose(1)
    rig.until(lambda: "Not captured: the picture has another size" in rig.notices())
    rig.until(lambda: any("another size" in f.words for f in rig.session.snapshot().faults))
    assert rig.session.snapshot().fields == ()
    rig.session.close()
