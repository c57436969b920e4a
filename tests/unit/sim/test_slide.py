"""The simulated slide: mosaic, stage, knobs, truth and faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from armicro.contracts.arrays import U8
from armicro.contracts.devices import CameraHealth, CameraSettings, Exposure, PixelFormat
from armicro.contracts.errors import DeviceError, InputError
from armicro.sim import slide_mosaic
from armicro.sim.case import CaseParams, OpticsParams, SimulatedField, simulate_field
from armicro.sim.slide import FIELD_UM, SimulatedSlide, SlideParams, case_at
from armicro.sim.slide_mosaic import pieces
from armicro.sim.slide_stage import SlideStage, StageMove

SEED = 6
"""A slide that has cells in the middle of its first field and at its right edge."""
QUIET = OpticsParams(full_well=0)
CASE = CaseParams(um_per_px=0.25, shape_px=(240, 200), optics=QUIET)


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.ns = 5_000_000_000

    def __call__(self) -> int:
        return self.ns

    def sleep(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)


def made(params: SlideParams, seed: int = SEED) -> tuple[SimulatedSlide, Clock]:
    clock = Clock()
    slide = SimulatedSlide(seed, params, clock, clock.sleep)
    slide.open()
    assert slide.wait_rendered(30)
    return slide, clock


NEUTRAL = CameraSettings(exposure_us=8000, gain_db=0, white_balance=(1, 1, 1), frame_rate_hz=30)
PARAMS = SlideParams(CASE, (100, 120), grid=2, speed_um_s=100)


@pytest.fixture(scope="module")
def complete() -> SimulatedSlide:
    """A slide whose fields are there; they are rendered once for all tests."""
    slide, _ = made(PARAMS)
    slide.close()
    return slide


@pytest.fixture
def slide(complete: SimulatedSlide) -> Iterator[SimulatedSlide]:
    y, x = complete.position_um
    complete.faults.clear()
    complete.controls.apply(NEUTRAL)
    complete.open()
    settled(complete, -y, -x)
    complete.open()
    yield complete
    complete.close()


def taken(slide: SimulatedSlide) -> Exposure:
    exposure = slide.grab(1.0)
    assert exposure is not None
    return exposure


def settled(slide: SimulatedSlide, dy_um: float = 0, dx_um: float = 0) -> U8:
    """Move, and return the picture when the stage stands."""
    slide.move_by(dy_um, dx_um)
    time_to_rest_s = np.hypot(dy_um, dx_um) / slide.params.speed_um_s + 0.1
    until = slide._clock() + time_to_rest_s * 1e9
    while True:
        exposure = taken(slide)
        if exposure.t_ns > until:
            return exposure.rgb


def test_the_first_field_is_in_the_middle_at_the_start(slide: SimulatedSlide) -> None:
    field = simulate_field(CASE, SEED, 0)
    exposure = taken(slide)
    np.testing.assert_array_equal(exposure.rgb, field.rgb[70:170, 40:160])
    assert exposure.optics is not None
    assert exposure.optics.um_per_px == 0.25
    assert exposure.optics.objective == "40x"


def test_the_same_seed_is_the_same_slide_wherever_one_looks(slide: SimulatedSlide) -> None:
    again, _ = made(PARAMS)
    other, _ = made(replace(PARAMS, grid=1), SEED + 1)
    for move in ((0.0, 0.0), (-37.0, 55.0)):
        view = settled(slide, *move)
        np.testing.assert_array_equal(view, settled(again, *move))
        assert (view != settled(other, *move)).mean() > 0.5
    again.close()
    other.close()


def test_noise_depends_on_the_frame_and_has_no_mean(slide: SimulatedSlide) -> None:
    noisy, _ = made(replace(PARAMS, grid=1, case=replace(CASE, optics=OpticsParams())))
    exact = taken(slide).rgb.astype(int)
    a, b = taken(noisy).rgb.astype(int) - exact, taken(noisy).rgb.astype(int) - exact
    noisy.close()
    assert abs(a.mean()) < 0.1
    assert 1.0 < a.std() < 2.2
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize("start", [-1234, -7, 0, 3, 99, 100, 250])
def test_pieces_follow_the_mirrored_axis_without_gaps(start: int) -> None:
    axis = np.arange(100)
    endless = np.concatenate([axis, axis[::-1]])
    wanted = endless[np.arange(start, start + 230) % 200]
    got = np.full(230, -1)
    where = np.full(230, -1.0)
    for piece in pieces(start, 230, 100):
        source = axis[piece.source]
        got[piece.out] = source[::-1] if piece.mirrored else source
        seen = piece.seen_at(source.astype(np.float32))
        where[seen.astype(int)] = source
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(where, wanted)


def test_it_has_no_end_and_no_seam_where_it_repeats_itself(slide: SimulatedSlide) -> None:
    # The mosaic ends half a field right of the start; the view is put on that line.
    there = settled(slide, 0, 25.0)
    np.testing.assert_array_equal(there[:, 60:], there[:, :60][:, ::-1])
    assert settled(slide, 5_000.0, -7_000.0).std() > 3


def test_truth_marks_the_cells_where_they_are(slide: SimulatedSlide) -> None:
    field = simulate_field(CASE, SEED, 0)
    taken(slide)
    truth = slide.truth_in_view()
    y, x = field.truth.yx_px.T
    inside = (y >= 69.5) & (y < 169.5) & (x >= 39.5) & (x < 159.5)
    assert len(truth) == inside.sum() > 3
    order = np.lexsort(truth.yx_px.T)
    expected = field.truth.yx_px[inside] - [70, 40]
    np.testing.assert_allclose(truth.yx_px[order], expected[np.lexsort(expected.T)], atol=1e-3)
    to_edge = np.minimum(truth.yx_px, [99, 119] - truth.yx_px).min(1)
    assert truth.edge[to_edge < 20].all()
    assert not truth.edge.all()


def test_truth_follows_the_picture_into_the_mirror(slide: SimulatedSlide) -> None:
    settled(slide, 0, 25.0)
    yx = slide.truth_in_view().yx_px
    mirrored = np.stack([yx[:, 0], 119 - yx[:, 1]], 1)
    assert len(yx) > 3
    for point in mirrored:
        assert np.abs(yx - point).sum(1).min() < 1e-3


def test_truth_of_an_exposure_stays_while_the_stage_moves_on(slide: SimulatedSlide) -> None:
    first = taken(slide)
    at_first = slide.truth_in_view()
    settled(slide, 20, 20)
    np.testing.assert_array_equal(slide.truth_in_view(first.frame_id).yx_px, at_first.yx_px)
    assert len(slide.truth_in_view().yx_px) != 0
    assert not np.array_equal(slide.truth_in_view().yx_px, at_first.yx_px)
    with pytest.raises(InputError, match="exposure 987 not among the last 128"):
        slide.truth_in_view(987)


def test_both_objectives_show_the_same_tissue() -> None:
    views, counts = [], []
    for um_per_px, side in ((0.212, 400), (0.424, 200)):
        assert round(FIELD_UM / um_per_px) * um_per_px == pytest.approx(FIELD_UM)
        case = replace(case_at(um_per_px), shape_px=(side, side), optics=QUIET)
        slide, _ = made(SlideParams(case, (side, side), grid=1))
        rgb = taken(slide).rgb.astype(float)
        truth = slide.truth_in_view()
        counts.append(len(truth))
        views.append(rgb if side == 200 else rgb.reshape(200, 2, 200, 2, 3).mean((1, 3)))
        slide.close()
    assert np.corrcoef(views[0].ravel(), views[1].ravel())[0, 1] > 0.97
    assert counts[0] == pytest.approx(counts[1], abs=1)


def test_the_stage_takes_its_time_and_smears_what_moves(slide: SimulatedSlide) -> None:
    at_rest = taken(slide)
    slide.move_by(0, 100.0)
    seen, sharpness = [], []
    for _ in range(45):
        exposure = taken(slide)
        seen.append(slide.position_um[1])
        sharpness.append(np.abs(np.diff(exposure.rgb.astype(int), axis=1)).mean())
    assert 0 < seen[5] < seen[14] < seen[25] < 100
    assert seen[-1] == pytest.approx(100.0)
    rest = np.abs(np.diff(at_rest.rgb.astype(int), axis=1)).mean()
    assert min(sharpness[10:20]) < 0.8 * rest


def test_moves_add_up_also_on_the_way() -> None:
    clock = Clock()
    stage = SlideStage(clock, 100.0)
    stage.move_by(10, 0)
    clock.sleep(0.05)
    y, _ = stage.position_um
    assert 4 < y < 6
    stage.move_by(10, 30)
    assert stage.position_um[0] == pytest.approx(y), "it does not jump"
    clock.sleep(5)
    assert stage.position_um == pytest.approx((20, 30))


def test_a_path_is_followed_by_itself_and_the_same_each_time() -> None:
    path = (StageMove(0.5, 20, 0), StageMove(2.0, 0, -30))
    clock = Clock()
    stage = SlideStage(clock, 100.0, path)
    assert stage.position_at(clock.ns) == (0, 0), "not before it has begun"
    begin = clock.ns
    stage.begin(begin)
    stage.begin(begin + 10**12)
    assert stage.position_at(begin + 400_000_000) == (0, 0)
    assert stage.position_at(begin + 1_000_000_000) == pytest.approx((20, 0))
    assert stage.position_at(begin + 3_000_000_000) == pytest.approx((20, -30))
    assert stage.position_at(begin + 600_000_000) == pytest.approx((10, 0)), "the past can still be told"
    with pytest.raises(InputError, match="in order of time"):
        SlideStage(clock, 100.0, path[::-1])
    with pytest.raises(InputError, match="speed above 0"):
        SlideStage(clock, 0.0)


def test_exposure_gain_and_white_balance_act_on_the_pixels(slide: SimulatedSlide) -> None:
    neutral = taken(slide).rgb.astype(float)
    slide.controls.apply(CameraSettings(exposure_us=4000))
    assert taken(slide).rgb.mean() == pytest.approx(neutral.mean() / 2, rel=0.01)
    now = slide.controls.apply(CameraSettings(exposure_us=8000, gain_db=99))
    assert now.gain_db == slide.controls.limits()["gain_db"][1] == 24
    assert (taken(slide).rgb == 255).mean() > 0.9, "it clips"
    slide.controls.apply(CameraSettings(gain_db=0, white_balance=(0.5, 1.0, 1.0)))
    ratio = taken(slide).rgb.mean((0, 1)) / neutral.mean((0, 1))
    np.testing.assert_allclose(ratio, [0.5, 1, 1], atol=0.01)
    slide.controls.apply(CameraSettings(white_balance=(1, 1, 1)))
    np.testing.assert_array_equal(taken(slide).rgb, neutral)
    for refused in (CameraSettings(pixel_format=PixelFormat.MONO8), CameraSettings(software_trigger=True)):
        with pytest.raises(DeviceError):
            slide.controls.apply(refused)


def test_the_frame_rate_can_be_changed_and_numbers_go_on(slide: SimulatedSlide) -> None:
    before = taken(slide)
    slide.controls.apply(CameraSettings(frame_rate_hz=10))
    a, b = taken(slide), taken(slide)
    assert before.frame_id < a.frame_id < b.frame_id
    assert b.t_ns - a.t_ns == 100_000_000
    slide.controls.apply(CameraSettings(exposure_us=250_000))
    c, d = taken(slide), taken(slide)
    assert d.t_ns - c.t_ns == 250_000_000, "no faster than the exposure is long"
    assert c.t_ns > b.t_ns
    assert slide.health.lost == 0


def test_faults_come_when_asked_for() -> None:
    slide, clock = made(replace(PARAMS, grid=1))
    taken(slide)
    slide.faults.stall(for_s=0.5)
    begin = clock.ns
    assert slide.grab(0.3) is None
    assert clock.ns - begin == 300_000_000
    assert slide.grab(0.2) is None
    taken(slide)
    slide.faults.stall()
    assert slide.grab(5.0) is None
    slide.open()
    taken(slide)  # opening again has healed it
    slide.faults.tear(0.5)
    ids = [taken(slide).frame_id for _ in range(10)]
    assert set(np.diff(ids)) == {2}
    assert slide.health.incomplete == 9
    assert slide.health.lost == 0
    slide.faults.change_shape((80, 90))
    assert taken(slide).rgb.shape == (80, 90, 3)
    slide.faults.clear()
    assert taken(slide).rgb.shape == (100, 120, 3)
    slide.faults.lose(for_s=1.0)
    with pytest.raises(DeviceError, match="was unplugged"):
        slide.grab(0.1)
    with pytest.raises(DeviceError, match="is unplugged"):
        slide.open()
    clock.sleep(1.0)
    assert slide.open().simulated
    taken(slide)
    with pytest.raises(InputError, match="from 0 to 1"):
        slide.faults.tear(1.5)
    slide.close()


def test_copies_stand_in_until_the_slide_is_complete() -> None:
    slide = SimulatedSlide(SEED, PARAMS)
    slide.open()
    try:
        at_first = slide.rendered
        assert not at_first
        assert taken(slide).rgb.std() > 3
        assert len(slide.truth_in_view()) > 0
        assert slide.wait_rendered(30)
    finally:
        slide.close()
    slide.open()
    assert slide.rendered, "nothing is rendered twice"
    slide.close()


@pytest.mark.parametrize("wrong", [{"shape_px": (0, 5)}, {"grid": 0}, {"frame_rate_hz": 0.0}])
def test_impossible_slides_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match="above 0"):
        replace(PARAMS, **wrong)  # type: ignore[arg-type]


def test_a_fault_of_the_simulator_is_told_to_whoever_grabs(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_only(case: CaseParams, seed: int, index: int) -> SimulatedField:
        if index > 0:
            raise MemoryError("no room")
        return simulate_field(case, seed, index)

    monkeypatch.setattr(slide_mosaic, "simulate_field", first_only)
    slide = SimulatedSlide(SEED, PARAMS)
    slide.open()
    assert not slide.wait_rendered(10)
    with pytest.raises(DeviceError, match="cannot be rendered: no room"):
        slide.grab(0.1)
    slide.close()


def test_numbers_go_on_when_it_is_opened_again(slide: SimulatedSlide) -> None:
    before = taken(slide)
    slide.open()
    assert taken(slide).frame_id == before.frame_id + 1
    assert slide.health == CameraHealth(frames=1)
    assert len(slide.truth_in_view(before.frame_id)) > 0
