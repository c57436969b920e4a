"""From a frame and its reading to the pixels of a view, away from the event loop.

A frame is 27 MB; what a view shows of it is a few. Only the part that is seen is touched, it is scaled down
once to the size shown, and the overlay is drawn at that size, so that lines stay crisp. Nothing here knows
Qt.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.errors import ArmicroError
from armicro.contracts.results import FovResult
from armicro.overlay import OverlayStyle, compose, draw_overlay
from armicro.overlay.picture import cut
from armicro.ui.eyepiece_look import EyepieceLight, LookThrough, view_matrix

_GREATEST_DRAWING = 16.0
_CACHED = 3


class Look(StrEnum):
    """How picture and overlay are put together."""

    SCREEN = "screen"
    EYEPIECE = "eyepiece"


@dataclass(frozen=True, slots=True)
class RenderJob:
    """What is to be shown.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The frame; not written to.
    result : FovResult or None
        Its reading, drawn over it.
    window : tuple of int
        What is seen: first row, first column, height, width, px of the frame.
    scale : float
        Device px per frame px.
    look : Look
        On a screen, or as the beam splitter adds them.
    serial : int
        Counts up by one per picture; given back with the pixels.
    light : EyepieceLight or None
        What the eyepiece shows, for its look; without it that look is the bare specimen.
    """

    rgb: U8
    result: FovResult | None
    window: tuple[int, int, int, int]
    scale: float
    look: Look
    serial: int
    light: EyepieceLight | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A job's pixels.

    Parameters
    ----------
    bgra : ndarray of uint8, (h, w, 4)
        In the byte order of `QImage.Format_RGB32`, which a painter copies as it is.
    job : RenderJob
        What was asked for.
    """

    bgra: U8
    job: RenderJob


def shrink(rgb: U8, size: tuple[int, int]) -> U8:
    """Scale a picture to a size (height, width), px.

    Down by halves and only then to the size: averaging over whole blocks is five times faster than over
    parts of pixels, and does not flicker as plain interpolation does.
    """
    height, width = size
    while rgb.shape[0] >= 2 * height and rgb.shape[1] >= 2 * width and min(rgb.shape[:2]) >= 2:
        half = rgb.shape[1] // 2, rgb.shape[0] // 2
        rgb = cv2.resize(rgb[: 2 * half[1], : 2 * half[0]], half, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    if rgb.shape[:2] == size:
        return rgb
    larger = height > rgb.shape[0] or width > rgb.shape[1]
    # Enlarged, pixels are shown as the squares they are: what looks smooth must have been in the data.
    way = cv2.INTER_NEAREST if larger else cv2.INTER_LINEAR
    return cv2.resize(rgb, (width, height), interpolation=way).astype(np.uint8, copy=False)


class Renderer:
    """Renders jobs, keeping the overlays of the last few results. For one thread."""

    def __init__(self) -> None:
        self._overlays: list[tuple[tuple[object, ...], FovResult, U8]] = []
        self._through = LookThrough()

    def render(self, job: RenderJob) -> Rendered:
        """Make the pixels of a job."""
        y, x, height, width = job.window
        size = max(1, round(height * job.scale)), max(1, round(width * job.scale))
        rgb = shrink(job.rgb[y : y + height, x : x + width], size)
        if job.look is Look.EYEPIECE:
            if job.light is not None:
                field = job.rgb.shape[0], job.rgb.shape[1]
                rgb = self._through.seen(rgb, job.light, field, view_matrix(job.window, size))
        elif job.result is not None:
            rgb = compose(np.ascontiguousarray(rgb), self._overlay(job, job.result, size))
        return Rendered(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA).astype(np.uint8, copy=False), job)

    def _overlay(self, job: RenderJob, result: FovResult, size: tuple[int, int]) -> U8:
        key = (id(result), job.window, job.scale)
        for known, _, overlay in self._overlays:
            if known == key:
                return overlay
        overlay = overlay_of(result, job.window, job.scale)
        if overlay.shape[:2] != size:
            overlay = cv2.resize(overlay, size[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8)
        # The result is kept beside its picture: an id is only its own while the object lives.
        self._overlays = [(key, result, overlay), *self._overlays][:_CACHED]
        return overlay


def overlay_of(result: FovResult, window: tuple[int, int, int, int], scale: float) -> U8:
    """Draw the part of a reading that a view shows, at the view's own scale.

    Parameters
    ----------
    result : FovResult
        The reading.
    window : tuple of int
        First row, first column, height and width, px.
    scale : float
        Device px per frame px.

    Returns
    -------
    ndarray of uint8, (h, w, 4)
        Premultiplied RGBA.
    """
    drawn = min(scale, _GREATEST_DRAWING)
    base = OverlayStyle()
    # Few screen pixels to a cell: lines of full width would close the gaps of a broken ring.
    slim = scale < 0.45
    style = OverlayStyle(
        intense_px=min(base.intense_px, 2) if slim else base.intense_px,
        weak_px=1 if slim else base.weak_px,
        faint_px=1 if slim else base.faint_px,
        others=base.others and not slim,
        scale_bar=False,
        legend=False,
        scale=drawn,
    )
    return draw_overlay(cut(result, window), style)


class RenderThread:
    """One thread that renders the newest job; a job that is overtaken is never done.

    Parameters
    ----------
    done : callable
        Told of each picture, from the thread.
    failed : callable
        Told in words why a picture could not be made, from the thread.
    """

    def __init__(self, done: Callable[[Rendered], None], failed: Callable[[str], None]) -> None:
        self._done, self._failed = done, failed
        self._ready = threading.Condition()
        self._job: RenderJob | None = None
        self._closed = False
        self._renderer = Renderer()
        self._thread = threading.Thread(target=self._work, name="armicro-view", daemon=True)
        self._thread.start()

    def submit(self, job: RenderJob) -> None:
        """Ask for a picture; returns at once."""
        with self._ready:
            self._job = job
            self._ready.notify()

    def close(self) -> None:
        """End the thread and wait for it; nothing is told afterwards. May be called twice."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._job is not None or self._closed)
                if self._closed or self._job is None:
                    return
                job, self._job = self._job, None
            try:
                picture = self._renderer.render(job)
            except (ArmicroError, ValueError, cv2.error) as error:
                self._failed(str(error))
                continue
            if self._is_closed():
                return
            self._done(picture)

    def _is_closed(self) -> bool:
        with self._ready:
            return self._closed
