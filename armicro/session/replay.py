"""A recording played through the two lanes, with no window: what the instrument does, without the instrument.

Two threads work here and nowhere else. The capture thread reads the source, offers each frame to the live
lane and puts captured frames into the commit lane. The analysis thread owns the detector: it serves commits
first, then the newest live frame. Captured results come out in the order of the presses and do not depend on
timing; what the live lane drops does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from armicro.contracts.errors import RecordingError
from armicro.contracts.frame import Frame
from armicro.devices.recordings import FrameSource
from armicro.session.capture_rule import MOVED, frame_of_press, scene_change
from armicro.session.lanes import CommitLane, LaneClosed, LiveCounts, LiveLane

ResultT = TypeVar("ResultT")

_COMMIT_CAPACITY = 8
"""Captured frames that may wait for their analysis; 27 MB each at 3008²."""
_IDLE_S = 0.02
"""How long the analysis waits for a commit before it looks at the live lane again."""
_WAKE_S = 0.2
"""How often the caller's thread wakes while it waits: on Windows, a lock without end hears no Ctrl-C."""


class RecordedSource(FrameSource, Protocol):
    """A frame source that also knows when the pedal was pressed."""

    @property
    def presses_ns(self) -> tuple[int, ...]:
        """Times of the presses, ns, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Capture:
    """A frame that a press chose.

    Parameters
    ----------
    index : int
        Counts captures from 0.
    press_ns : int
        Time of the press, ns.
    frame : Frame
        The frame.
    same_place : bool
        Whether it shows the same place as the capture before it, whose cells would then count twice.
    """

    index: int
    press_ns: int
    frame: Frame
    same_place: bool


@dataclass(frozen=True, slots=True)
class ReplayCounts:
    """What a replay did.

    Parameters
    ----------
    frames : int
        Frames that the source gave.
    captures : int
        Frames that were captured.
    repeated_presses : int
        Presses that led to a frame which was captured already.
    live : LiveCounts
        What became of the frames in the live lane.
    """

    frames: int
    captures: int
    repeated_presses: int
    live: LiveCounts


def captures_of(source: RecordedSource, on_frame: Callable[[Frame], object]) -> Iterator[Capture]:
    """Pair presses with frames.

    Parameters
    ----------
    source : RecordedSource
        Frames and presses.
    on_frame : callable
        Told of each frame as it comes.

    Yields
    ------
    Capture
        In the order of the presses, each as soon as the frame after the press is there.

    Raises
    ------
    RecordingError
        If the source fails, has no frame, or ends before a press.
    """
    presses = list(source.presses_ns)
    before: Frame | None = None
    last: Frame | None = None
    n_captures = 0
    for frame in source.frames():
        on_frame(frame)
        while presses and presses[0] <= frame.t_ns:
            chosen, press = frame_of_press(before, frame), presses.pop(0)
            if last is None or chosen.frame_id > last.frame_id:
                yield _capture(n_captures, press, chosen, last)
                last, n_captures = chosen, n_captures + 1
        before = frame
    if before is None:
        raise RecordingError("the recording holds no frame")
    end_ns = before.t_ns + source.period_ns
    for press in presses:
        if press >= end_ns:
            raise RecordingError(
                f"a press at {press / 1e9:.3f} s comes after the end of the recording at {end_ns / 1e9:.3f} s"
            )
        if last is None or before.frame_id > last.frame_id:
            yield _capture(n_captures, press, before, last)
            last, n_captures = before, n_captures + 1


def _capture(index: int, press_ns: int, frame: Frame, last: Frame | None) -> Capture:
    same = last is not None and scene_change(last.rgb, frame.rgb) < MOVED
    return Capture(index, press_ns, frame, same)


class Replay(Generic[ResultT]):
    """Plays a recorded source through both lanes.

    Parameters
    ----------
    source : RecordedSource
        Frames and presses; read by the capture thread alone.
    analyse : callable
        From frame to result; called by the analysis thread alone.
    live : bool
        Whether live frames are analysed too, as at the instrument. Without it they are only offered.
    """

    def __init__(
        self, source: RecordedSource, analyse: Callable[[Frame], ResultT], *, live: bool = True
    ) -> None:
        self._source = source
        self._analyse = analyse
        self._live_wanted = live
        self._live: LiveLane[Frame] = LiveLane()
        self._commits: CommitLane[Capture] = CommitLane(_COMMIT_CAPACITY)
        self._results: CommitLane[tuple[Capture, ResultT]] = CommitLane(_COMMIT_CAPACITY)
        self._failure: BaseException | None = None
        self._frames = 0
        self._captures = 0

    def run(self) -> Iterator[tuple[Capture, ResultT]]:
        """Play the source once and yield captured results in the order of the presses.

        Blocks while the next result is computed. However the iteration is left, both threads have ended
        when it is.

        Yields
        ------
        tuple of Capture and ResultT
            What was captured and its reading.

        Raises
        ------
        ArmicroError
            What the source or the analysis raised, after the results before it were yielded.
        """
        threads = [
            threading.Thread(target=self._guarded, args=(self._capture,), name="armicro-capture"),
            threading.Thread(target=self._guarded, args=(self._work,), name="armicro-analysis"),
        ]
        for thread in threads:
            thread.start()
        try:
            while not self._results.finished:
                item = self._results.take(_WAKE_S)
                if item is not None:
                    yield item
        finally:
            self._live.close()
            self._commits.abort()
            self._results.abort()
            for thread in threads:
                thread.join()
        if self._failure is not None:
            raise self._failure

    @property
    def counts(self) -> ReplayCounts:
        """What was done; final once `run` has ended."""
        presses = len(self._source.presses_ns)
        return ReplayCounts(self._frames, self._captures, presses - self._captures, self._live.counts)

    def _guarded(self, job: Callable[[], None]) -> None:
        """Run a thread's job; what it raises is kept for the caller's thread and ends the other one."""
        try:
            job()
        except LaneClosed:
            return
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            self._failure = self._failure or error
            self._live.close()
            self._commits.close()

    def _capture(self) -> None:
        for capture in captures_of(self._source, self._see):
            self._commits.put(capture)
            self._captures += 1
        self._commits.close()

    def _see(self, frame: Frame) -> None:
        self._frames += 1
        self._live.offer(frame)

    def _work(self) -> None:
        try:
            while not self._commits.finished:
                capture = self._commits.take(_IDLE_S)
                if capture is not None:
                    self._results.put((capture, self._analyse(capture.frame)))
                    continue
                frame = self._live.take() if self._live_wanted else None
                if frame is not None:
                    self._analyse(frame)
        finally:
            self._results.close()
