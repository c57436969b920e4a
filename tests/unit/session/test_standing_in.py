"""When a live frame stands in for the frame that a press leads to."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from armicro.contracts.arrays import U8
from armicro.contracts.frame import Frame, Optics
from armicro.session.capture_rule import look_at
from armicro.session.seen import Seen
from armicro.session.standing_in import Glimpses, detail, stands_in
from tests.session_rig import MS

OPTICS = Optics(0.212, "40x")
PRESS_NS = 100 * MS
SECOND_NS = 1000 * MS
PLACE = (400, 300)


def slide() -> U8:
    """Tissue with detail of all sizes, (1200, 1200, 3)."""
    rng = np.random.default_rng(1)
    octaves = (
        cv2.resize(rng.normal(size=(n, n)), (1200, 1200), interpolation=cv2.INTER_CUBIC)
        for n in (12, 60, 300, 600)
    )
    od = np.clip(0.5 + 0.25 * sum(octaves), 0, 2)
    return np.asarray(235 * 10 ** -(od[..., None] * np.array([0.3, 0.5, 0.2])), np.uint8)


SLIDE = slide()


def seen(
    t_ms: int,
    at: tuple[float, float] = PLACE,
    *,
    blur_um: float = 0.0,
    light: float = 1.0,
    optics: Optics = OPTICS,
) -> Seen:
    """The slide at a place y, x, px, (640, 640, 3), with shot noise of its own."""
    move = np.array([[1, 0, -at[1]], [0, 1, -at[0]]], np.float64)
    rgb = cv2.warpAffine(SLIDE, move, (640, 640), flags=cv2.INTER_CUBIC)
    if blur_um:
        rgb = cv2.GaussianBlur(rgb, (0, 0), blur_um / optics.um_per_px)
    noisy = rgb * light + np.random.default_rng(t_ms + 1000).normal(0, 3, rgb.shape)
    out = noisy.clip(0, 255).astype(np.uint8)
    return Seen(Frame(out, t_ms, t_ms * MS, optics, "test"), look_at(out))


def answers(frames: Sequence[Seen], live: int = 1, chosen: int = -1, oldest_ns: int = SECOND_NS) -> bool:
    """Ask for the live frame of an index, with all frames glimpsed."""
    glimpses = Glimpses(10 * SECOND_NS)
    for one in frames:
        glimpses.add(one)
    a, b = frames[live], frames[chosen]
    return stands_in(a, b, PRESS_NS, glimpses.around(a.frame.t_ns, b.frame.t_ns), oldest_ns)


def at_rest() -> list[Seen]:
    return [seen(t) for t in (0, 33, 66, 99, 132)]


def test_at_rest_a_live_frame_stands_in() -> None:
    assert answers(at_rest())


def test_it_is_not_older_than_the_limit() -> None:
    assert not answers(at_rest(), oldest_ns=60 * MS)


def test_it_was_exposed_before_the_press() -> None:
    assert not answers([*at_rest(), seen(165)], live=4)


def test_nothing_is_known_of_the_first_frame_before_it_began() -> None:
    assert not answers(at_rest(), live=0)


@pytest.mark.parametrize("moved", range(5))
def test_every_frame_from_the_one_before_to_the_chosen_one_shows_its_scene(moved: int) -> None:
    frames = at_rest()
    if moved != 1:
        frames[moved] = seen(33 * moved, (PLACE[0] + 3, PLACE[1] + 3))
        assert not answers(frames)
    else:
        frames[1] = seen(33, blur_um=2.0)
        assert not answers(frames)


def test_a_stage_that_leaves_and_comes_back_is_noticed() -> None:
    frames = at_rest()
    frames[2] = seen(66, (PLACE[0] + 200, PLACE[1]))
    assert not answers(frames)


def test_a_slow_drift_adds_up() -> None:
    steps = [seen(33 * k, (PLACE[0] + 0.5 * k, PLACE[1])) for k in range(8)]
    frames = [Seen(Frame(s.frame.rgb, k, 12 * k * MS, OPTICS, ""), s.look) for k, s in enumerate(steps)]
    assert not answers(frames)
    # Of any two frames one after the other, none has moved enough.
    assert all(answers(frames[k : k + 3], live=1) for k in range(5))


def test_a_sharper_chosen_frame_is_not_given_away() -> None:
    frames = [seen(0, blur_um=0.35), seen(33, blur_um=0.35), seen(66), seen(99), seen(132)]
    assert not answers(frames)
    assert detail(frames[1].frame) < 0.9 * detail(frames[-1].frame)
    # The other way round it stands in: it is the better one.
    assert answers([seen(0), seen(33), seen(66, blur_um=0.35), seen(132, blur_um=0.35)])


def test_a_lamp_that_is_turned_is_another_picture() -> None:
    assert not answers([seen(0), seen(33), seen(66), seen(132, light=0.9)])
    assert answers([seen(0), seen(33), seen(66), seen(132, light=0.99)])


def test_other_optics_are_another_scene() -> None:
    assert not answers([seen(0), seen(33), seen(66), seen(132, optics=Optics(0.424, "20x"))])


def test_the_chosen_frame_itself_stands_in_for_itself() -> None:
    frames = at_rest()
    glimpses = Glimpses(SECOND_NS)
    assert stands_in(frames[3], frames[3], PRESS_NS, glimpses.around(0, 0), SECOND_NS)


def test_looks_are_kept_for_a_while_and_one_more() -> None:
    glimpses = Glimpses(100 * MS)
    look = look_at(SLIDE)
    for t_ms in range(0, 1000, 50):
        glimpses.add(Seen(Frame(SLIDE, t_ms, t_ms * MS, OPTICS, ""), look))
    assert glimpses.around(800 * MS, 950 * MS) == ()
    assert [g.t_ns // MS for g in glimpses.around(850 * MS, 900 * MS)] == [800, 850, 900]
    glimpses.clear()
    assert glimpses.around(850 * MS, 900 * MS) == ()
