"""A simulated slide under a simulated camera: an instrument to work at where there is none.

The slide has no end, its stage can be driven, its truth is known, and its camera can be made to fail.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.cells import Category
from armicro.contracts.devices import CameraHealth, CameraInfo, CameraSettings, Exposure, PixelFormat
from armicro.contracts.errors import DeviceError, InputError
from armicro.contracts.frame import Optics
from armicro.sim.case import PRESETS, CaseParams, TruthTable
from armicro.sim.slide_controls import NEUTRAL_US, SlideControls, grey_table
from armicro.sim.slide_faults import CameraFaults
from armicro.sim.slide_mosaic import Mosaic
from armicro.sim.slide_stage import SlideStage, StageMove

FIELD_UM = 318.848
"""Side of a rendered field, µm: 1504 px at 40x and 752 px at 20x, so that both show the same tissue."""
REMEMBERED = 128
"""Exposures whose truth can still be asked for; about four seconds' worth."""
_NOISE_MARGIN_PX = 61
_NS = 1_000_000_000


def case_at(um_per_px: float, mix: Mapping[Category, float] = PRESETS["2+"]) -> CaseParams:
    """Return a case whose fields are `FIELD_UM` wide at a given scale, µm per pixel."""
    side = round(FIELD_UM / um_per_px)
    return CaseParams(mix=mix, um_per_px=um_per_px, shape_px=(side, side))


@dataclass(frozen=True, slots=True)
class SlideParams:
    """A simulated slide and its camera.

    Parameters
    ----------
    case : CaseParams
        The tissue, its scale, and the shape of the fields it is put together from (`fields` is not used).
    shape_px : (int, int)
        Height and width of the camera's frames, px.
    objective : str
        A name for people ("40x").
    grid : int
        Fields along each side of the mosaic; beyond it the slide repeats itself, mirrored.
    frame_rate_hz : float
        Exposures per second.
    speed_um_s : float
        Mean speed of the stage, µm/s.
    path : tuple of StageMove
        Moves that the stage makes by itself; begins when the slide is opened first.

    Raises
    ------
    InputError
        If a number is impossible.
    """

    case: CaseParams = field(default_factory=lambda: case_at(0.212))
    shape_px: tuple[int, int] = (3008, 3008)
    objective: str = "40x"
    grid: int = 3
    frame_rate_hz: float = 30.0
    speed_um_s: float = 400.0
    path: tuple[StageMove, ...] = ()

    def __post_init__(self) -> None:
        if min(self.shape_px) < 1 or self.grid < 1 or self.frame_rate_hz <= 0:
            raise InputError(
                f"a simulated slide needs frames, a grid and a frame rate above 0, got {self.shape_px}, "
                f"{self.grid}, {self.frame_rate_hz:g}"
            )


@dataclass(frozen=True, slots=True)
class _Schedule:
    """When which exposure begins: `first_id` at `began_ns`, the next a period later."""

    began_ns: int
    first_id: int
    period_ns: int
    exposure_ns: int

    def begin_ns(self, index: int) -> int:
        return self.began_ns + (index - self.first_id) * self.period_ns

    def newest(self, now_ns: int) -> int:
        return self.first_id + (now_ns - self.began_ns - self.exposure_ns) // self.period_ns


class SimulatedSlide:
    """A `Camera` and a `Stage` over simulated tissue; also its truth and its faults.

    Opening renders one field (about a second); a thread renders the others while it is open, and mirrored
    copies stand in for them. Once `rendered` is true, equal seeds show equal pixels, but for the sensor noise
    of each frame, which depends on its `frame_id` alone. Seams between fields are not tissue; cells at them
    are marked.

    Parameters
    ----------
    seed : int
        The same seed is the same slide.
    params : SlideParams
        Slide and camera.
    clock : callable
        Monotonic time, ns.
    sleep : callable
        Waits so many seconds.
    """

    def __init__(
        self,
        seed: int,
        params: SlideParams | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.params = params if params is not None else SlideParams()
        self.seed = seed
        self.faults = CameraFaults(clock)
        self._clock = clock
        self._sleep = sleep
        self._optics = Optics(self.params.case.um_per_px, self.params.objective)
        self._mosaic = Mosaic(self.params.case, seed, self.params.grid)
        self._stage = SlideStage(clock, self.params.speed_um_s, self.params.path)
        self._controls = SlideControls(self.params.frame_rate_hz, self._apply)
        self._noise: U8 | None = None
        self._open = False
        self._failure: Exception | None = None
        self._health = CameraHealth()
        self._next_id = 0
        self._schedule = _Schedule(0, 0, 1, 0)
        self._seen: deque[tuple[int, int, int, tuple[int, int]]] = deque(maxlen=REMEMBERED)
        self._stop = threading.Event()
        self._renderer: threading.Thread | None = None

    def open(self) -> CameraInfo:
        """Render what is needed to begin, and start; see `Camera`."""
        self.close()
        self.faults.opened()
        if not self._mosaic.started:
            self._noise = _noise(self.params, self.seed)
            self._mosaic.render_next()
        self._health = CameraHealth()
        # Numbers go on where it was opened before: the truth of each exposure is asked for by number.
        self._schedule = _Schedule(self._clock(), self._next_id, 0, 0)
        self._timed(self._schedule.began_ns)
        self._stage.begin(self._schedule.began_ns)
        self._open = True
        if not self._mosaic.complete:
            self._stop = threading.Event()
            self._renderer = threading.Thread(target=self._render, name="armicro-slide", daemon=True)
            self._renderer.start()
        shape = self.faults.shape_px or self.params.shape_px
        return CameraInfo("Simulated slide", f"seed {self.seed}", shape, PixelFormat.RGB8, simulated=True)

    def grab(self, timeout_s: float) -> Exposure | None:
        """Return the next exposure, or the newest if the reader is late; see `Camera`."""
        if not self._open:
            raise DeviceError("the simulated slide is not open: open it first")
        end_ns = self._clock() + round(timeout_s * _NS)
        while True:
            if self._failure is not None:
                raise DeviceError(f"the simulated slide cannot be rendered: {self._failure}")
            self.faults.check()
            if self.faults.stalled:
                self._sleep(max(0.0, (end_ns - self._clock()) / _NS))
                self.faults.check()
                return None
            now_ns = self._clock()
            schedule = self._timed(now_ns)
            # The newest exposure that is over by now; those before it were overwritten in the camera.
            index = max(self._next_id, schedule.newest(now_ns))
            ready_ns = schedule.begin_ns(index) + schedule.exposure_ns
            if ready_ns > end_ns:
                self._sleep(max(0.0, (end_ns - now_ns) / _NS))
                return None
            if ready_ns > now_ns:
                self._sleep((ready_ns - now_ns) / _NS)
                continue
            exposure = self._expose(index, schedule)
            if exposure is not None:
                return exposure

    def close(self) -> None:
        """Stop; waits for a field that is being rendered (about a second). See `Camera`."""
        self._open = False
        self._stop.set()
        thread, self._renderer = self._renderer, None
        if thread is not None:
            thread.join()

    @property
    def health(self) -> CameraHealth:
        """Counts since `open`."""
        return self._health

    @property
    def controls(self) -> SlideControls:
        """Exposure, gain, white balance and frame rate; they act on the pixels."""
        return self._controls

    @property
    def stage(self) -> SlideStage:
        """The stage."""
        return self._stage

    @property
    def position_um(self) -> tuple[float, float]:
        """Position y, x of the field's centre, µm."""
        return self._stage.position_um

    def move_by(self, dy_um: float, dx_um: float) -> None:
        """Move the stage; returns at once. From any thread."""
        self._stage.move_by(dy_um, dx_um)

    @property
    def rendered(self) -> bool:
        """Whether the slide is complete, and shows the same from now on."""
        return self._mosaic.complete

    def wait_rendered(self, timeout_s: float) -> bool:
        """Wait until the slide is complete, up to `timeout_s`; return whether it is. It has to be open."""
        thread = self._renderer
        if thread is not None:
            thread.join(timeout_s)
        return self.rendered

    def truth_in_view(self, frame_id: int | None = None) -> TruthTable:
        """Return the cells to be counted in an exposure, with positions in it.

        Parameters
        ----------
        frame_id : int or None
            One of the last `REMEMBERED` exposures handed out; None is the last one.

        Returns
        -------
        TruthTable
            Cells cut by the view's edge or by a seam are marked as `edge`. Until the slide is `rendered`, the
            truth is that of the slide as it is now.

        Raises
        ------
        InputError
            If that exposure was not handed out, or too long ago.
        """
        for seen_id, top, left, shape in reversed(tuple(self._seen)):
            if frame_id is None or seen_id == frame_id:
                return self._mosaic.truth(top, left, shape)
        wanted = "no exposure" if frame_id is None else f"exposure {frame_id} not"
        raise InputError(f"the simulated slide: {wanted} among the last {REMEMBERED} handed out")

    def _timed(self, now_ns: int) -> _Schedule:
        """Return the schedule, which begins anew where exposure or frame rate were changed."""
        now = self._controls.read()
        exposure_ns = round((now.exposure_us or NEUTRAL_US) * 1000)
        period_ns = max(round(_NS / (now.frame_rate_hz or self.params.frame_rate_hz)), exposure_ns)
        have = self._schedule
        if (have.period_ns, have.exposure_ns) != (period_ns, exposure_ns):
            began_ns = max(now_ns, have.begin_ns(self._next_id))
            self._schedule = _Schedule(began_ns, self._next_id, period_ns, exposure_ns)
        return self._schedule

    def _expose(self, index: int, schedule: _Schedule) -> Exposure | None:
        """Make one exposure; None if it is incomplete."""
        lost = self._health.lost + index - self._next_id
        self._next_id = index + 1
        if self.faults.next_is_torn():
            self._health = CameraHealth(self._health.frames, self._health.incomplete + 1, lost)
            return None
        self._health = CameraHealth(self._health.frames + 1, self._health.incomplete, lost)
        t_ns = schedule.begin_ns(index)
        shape = self.faults.shape_px or self.params.shape_px
        per_um = 1 / self._optics.um_per_px
        begin, end = self._stage.position_at(t_ns), self._stage.position_at(t_ns + schedule.exposure_ns)
        oy, ox = self._mosaic.origin_px
        top = round(oy + (begin[0] + end[0]) / 2 * per_um - shape[0] / 2)
        left = round(ox + (begin[1] + end[1]) / 2 * per_um - shape[1] / 2)
        rgb = self._mosaic.view(top, left, shape)
        # The way during the exposure smears the picture. A box, not a line: on the slant a little too much.
        smear = tuple(max(1, round(abs(e - b) * per_um)) for b, e in zip(begin, end, strict=True))
        if smear != (1, 1):
            cv2.blur(rgb, (smear[1], smear[0]), dst=rgb)
        self._add_noise(rgb, index)
        self._seen.append((index, top, left, shape))
        return Exposure(rgb, index, t_ns, self._optics)

    def _add_noise(self, rgb: U8, frame_id: int) -> None:
        """Add a buffer at one place and subtract it at another: zero mean, and far faster than drawing."""
        noise = self._noise
        # A fault can ask for larger frames than there is noise for; they go without.
        if noise is None or noise.shape[0] < rgb.shape[0] or noise.shape[1] < rgb.shape[1]:
            return
        at = np.random.default_rng((self.seed, frame_id)).integers(0, _NOISE_MARGIN_PX, (2, 2))
        (ay, ax), (by, bx) = at.tolist()
        if (ay, ax) == (by, bx):
            bx = (bx + 1) % _NOISE_MARGIN_PX
        height, width = rgb.shape[:2]
        cv2.add(rgb, noise[ay : ay + height, ax : ax + width], dst=rgb)
        cv2.subtract(rgb, noise[by : by + height, bx : bx + width], dst=rgb)

    def _apply(self, settings: CameraSettings) -> None:
        self._mosaic.develop(grey_table(settings))

    def _render(self) -> None:
        stop = self._stop
        try:
            while not stop.is_set() and self._mosaic.render_next():
                pass
        except Exception as error:  # noqa: BLE001 - told to whoever grabs next
            self._failure = error


def _noise(params: SlideParams, seed: int) -> U8 | None:
    """Draw whole numbers whose difference has about the shot noise of a medium grey."""
    full_well = params.case.optics.full_well
    if full_well <= 0:
        return None
    # The difference of two numbers from 0 to k - 1 has the variance (k² - 1) / 6.
    levels = max(2, round(math.sqrt(1 + 6 * 128 * 255 / full_well)))
    height, width = (n + _NOISE_MARGIN_PX for n in params.shape_px)
    return np.random.default_rng((seed, 1)).integers(0, levels, (height, width, 3), np.uint8)
