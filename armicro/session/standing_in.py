"""Whether a live frame stands in for the frame that a press leads to. Pure.

What a person looks at when pressing is a picture with its overlay: a frame of some tenths of a second ago,
which is read already. Where nothing has changed since, that frame is as good as the next exposure, and its
overlay is there at once. It stands in for the frame that the capture rule chose if

1. its exposure began before the press, and not longer ago than a stated limit;
2. it was at rest: the frame before it shows the same scene;
3. nothing changed from then on: every frame after it, up to and with the chosen one, shows its scene. Each is
   compared with the live frame itself, so that a slow drift adds up;
4. it is as sharp as the chosen one, as far as the pixels in the middle tell, and as bright.

"The same scene" is stricter here than for a stage that moves (`MOVED`): a shift of some tenths of a
micrometre does not matter to who looks, but what is kept has to be what was looked at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.frame import Frame
from armicro.session.capture_rule import change_between
from armicro.session.seen import Glimpse, Seen

STEADY = 0.12
"""From this `scene_change` on, nothing stands in: 0.2 µm of stage movement on tissue come to about 0.1."""
MOST_LIGHT = 0.02
"""By how much of its brightness the scene may have changed."""
LEAST_DETAIL = 0.9
"""The live frame has at least this share of the chosen one's fine detail; a blur of 0.3 µm (sigma) takes
more."""
_PATCH_PX = 768
_FINE_UM, _BROAD_UM = 0.3, 0.7
"""Detail between these scales is tissue: what is finer is noise, which a blurred picture has too."""


class Glimpses:
    """Looks of the newest frames, without their pixels.

    Parameters
    ----------
    span_ns : int
        How far back they reach, ns.
    """

    def __init__(self, span_ns: int) -> None:
        self._span_ns = span_ns
        self._all: deque[Glimpse] = deque()

    def add(self, seen: Seen) -> None:
        """Take the newest frame's."""
        frame = seen.frame
        self._all.append(Glimpse(frame.t_ns, frame.optics, seen.look))
        # The one before the span stays: it tells whether the first one within was at rest.
        while len(self._all) > 2 and frame.t_ns - self._all[1].t_ns > self._span_ns:
            self._all.popleft()

    def clear(self) -> None:
        """Forget all."""
        self._all.clear()

    def around(self, first_ns: int, last_ns: int) -> tuple[Glimpse, ...]:
        """Return those of the frames from the one before `first_ns` to `last_ns`; () if it is not known."""
        before = sum(g.t_ns < first_ns for g in self._all)
        if before == 0:
            return ()
        return tuple(g for g in list(self._all)[before - 1 :] if g.t_ns <= last_ns)


def stands_in(live: Seen, chosen: Seen, press_ns: int, around: Sequence[Glimpse], oldest_ns: int) -> bool:
    """Tell whether a live frame stands in for a press's frame; see the module.

    Parameters
    ----------
    live : Seen
        The live frame.
    chosen : Seen
        The frame that the capture rule chose.
    press_ns : int
        Time of the press, ns.
    around : sequence of Glimpse
        Of every frame from the one before the live frame up to and with the chosen one; () where they are
        not known any more.
    oldest_ns : int
        How long before the press its exposure may have begun, ns.
    """
    if live.frame is chosen.frame:
        return True
    if not 0 < press_ns - live.frame.t_ns <= oldest_ns or live.frame.t_ns > chosen.frame.t_ns:
        return False
    if not around or not all(_steady(live, g) for g in around):
        return False
    return detail(live.frame) >= LEAST_DETAIL * detail(chosen.frame)


def _steady(live: Seen, other: Glimpse) -> bool:
    a, b = live.look, other.look
    if live.frame.optics != other.optics or change_between(a, b) >= STEADY:
        return False
    return abs(a.level - b.level) <= MOST_LIGHT * max(a.level, b.level)


def detail(frame: Frame) -> float:
    """Measure the fine detail in the middle of a frame, grey levels.

    Two frames of one scene are compared by it; of itself it says nothing.
    """
    height, width = frame.shape
    y, x = max(0, (height - _PATCH_PX) // 2), max(0, (width - _PATCH_PX) // 2)
    green: U8 = np.ascontiguousarray(frame.rgb[y : y + _PATCH_PX, x : x + _PATCH_PX, 1])
    um = frame.optics.um_per_px
    fine, broad = (cv2.GaussianBlur(green, (0, 0), s / um).astype(np.int16) for s in (_FINE_UM, _BROAD_UM))
    return float((fine - broad).std())
