"""`python -m tools.evaluate.alignment`: how well the eyepiece is aligned by hands of different steadiness."""

from __future__ import annotations

import argparse

import cv2
import numpy as np

from armicro.contracts.arrays import F64, U8
from armicro.contracts.devices import Gesture
from armicro.contracts.errors import AlignmentError
from armicro.imaging.homography import apply_homography, inverse
from armicro.imaging.landmark import cut_landmark, find_landmark
from armicro.session.alignment import AROUND, Alignment, CameraMode
from armicro.sim.case import CaseParams, simulate_field

_DISPLAY_PX = (1080, 1920)
_CAMERA = CameraMode((3008, 3008), 0.212)
_SCALE = 0.9 * _DISPLAY_PX[0] / _CAMERA.shape_px[0]
_VISIBLE_PX = 1400.0
_SLIP_UM = 20.0


def _truth(rng: np.random.Generator) -> F64:
    """Draw a mapping: turned by up to 8°, tilted a little, the field's middle on the display's."""
    turn = np.radians(rng.uniform(-8, 8))
    c, s = _SCALE * np.cos(turn), _SCALE * np.sin(turn)
    tilted = np.array([[c, -s, 0], [s, c, 0], [*rng.uniform(-3e-6, 3e-6, 2), 1]])
    middle = np.array(_CAMERA.shape_px) / 2
    y, x = np.array(_DISPLAY_PX) / 2 - apply_homography(tilted, middle)
    matrix: F64 = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]]) @ tilted
    return matrix


def align(rng: np.random.Generator, hand_um: float, points: int, *, slip: bool) -> tuple[float, ...] | None:
    """Align once; return RMS and greatest error over the field and the residual told, µm; None if refused."""
    matrix, alignment = _truth(rng), Alignment(_DISPLAY_PX)
    alignment.press(Gesture.SHORT)
    for k in range(points):
        y, x = apply_homography(inverse(matrix), alignment.crosses_yx_px[k])
        dy, dx = rng.normal(0, hand_um, 2) / _CAMERA.um_per_px
        if slip and k == 2:
            dx += _SLIP_UM / _CAMERA.um_per_px
        alignment.take((float(y + dy), float(x + dx)), _CAMERA)
    if points <= AROUND:
        alignment.press(Gesture.DOUBLE)
    if alignment.fit is None:
        return None
    angle = np.linspace(0, 2 * np.pi, 60)
    around = np.stack([np.sin(angle), np.cos(angle)], axis=1) * _VISIBLE_PX
    field = np.concatenate([share * around for share in (0.0, 0.5, 1.0)]) + np.array(_CAMERA.shape_px) / 2
    off = apply_homography(alignment.fit.matrix, field) - apply_homography(matrix, field)
    off_um = np.linalg.norm(off, axis=1) / _SCALE * _CAMERA.um_per_px
    return float(np.sqrt((off_um**2).mean())), float(off_um.max()), alignment.fit.rms_um


def landmarks(fields: int, each: int) -> tuple[F64, int]:
    """Find things again in simulated tissue that was moved; return the errors, px, and how many were not."""
    off, lost, side = [], 0, 1504
    for seed in range(fields):
        rng = np.random.default_rng(seed)
        params = CaseParams(um_per_px=_CAMERA.um_per_px, shape_px=(side, side), fields=1)
        rgb = simulate_field(params, seed, 0).rgb
        for _ in range(each):
            place, move = rng.uniform(500, 1000, 2), rng.uniform(-400, 400, 2)
            shift = np.array([[1, 0, move[1]], [0, 1, move[0]]])
            moved = cv2.warpAffine(rgb, shift, (side, side), flags=cv2.INTER_CUBIC)
            noisy: U8 = np.clip(moved + rng.normal(0, 3, moved.shape), 0, 255).astype(np.uint8)
            try:
                thing = cut_landmark(rgb, (float(place[0]), float(place[1])))
                off.append(np.abs(find_landmark(noisy, thing) - np.round(place) - move).max())
            except AlignmentError:
                lost += 1
    return np.array(off), lost


def main() -> None:
    """Print a line for each hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=300, help="alignments of each kind")
    n = parser.parse_args().n
    for hand_um, points, slip in (
        (0.3, 9, False), (0.7, 9, False), (0.7, 4, False), (1.0, 9, False), (1.0, 4, False), (1.5, 9, False),
        (0.7, 9, True),
    ):  # fmt: skip
        rng = np.random.default_rng(1)
        found = [align(rng, hand_um, points, slip=slip) for _ in range(n)]
        rms, worst, told = np.array([f for f in found if f is not None]).T
        what = f"hand {hand_um:.1f} µm, {points} points{', one slipped' if slip else ''}"
        print(
            f"{what}: {len(rms)} of {n} taken; "
            f"RMS {np.median(rms):.2f} / {np.percentile(rms, 95):.2f}, worst {np.median(worst):.1f} / "
            f"{np.percentile(worst, 95):.1f}, told {np.median(told):.2f} µm"
        )
    off, lost = landmarks(4, 12)
    print(
        f"a thing found again: {np.median(off):.2f} / {np.percentile(off, 95):.2f} px, {len(off)} places, "
        f"{lost} refused"
    )


if __name__ == "__main__":
    main()
