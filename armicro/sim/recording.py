"""A simulated camera over a simulated slide: rest on a field, press the pedal, move on."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.errors import InputError, OutputError
from armicro.sim.case import CaseParams, Scene, TruthTable, build_scene
from armicro.sim.render import sense
from armicro.sim.rng import stream

SCHEMA = "armicro.recording/1"
VIDEO_CODEC = "FFV1"
"""Lossless, and in every OpenCV wheel."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the stage is driven.

    Parameters
    ----------
    fps : float
        Frames per second; frame i begins at i / fps seconds.
    rest_frames, move_frames : int
        Frames at rest on each field, and in motion from one field to the next.
    press_frame : int
        At which frame of each rest, from 0, the pedal is pressed.

    Raises
    ------
    InputError
        If a number is impossible.
    """

    fps: float = 10.0
    rest_frames: int = 8
    move_frames: int = 6
    press_frame: int = 4

    def __post_init__(self) -> None:
        if not math.isfinite(self.fps) or self.fps <= 0:
            raise InputError(f"frames per second must be above 0, got {self.fps:g}")
        if self.move_frames < 0 or not 0 <= self.press_frame < self.rest_frames:
            raise InputError(
                f"a press at frame {self.press_frame} of {self.rest_frames} at rest, {self.move_frames} in "
                f"motion, is not possible"
            )

    def start_ns(self, frame_id: int) -> int:
        """Return when a frame begins, ns."""
        return round(frame_id * 1e9 / self.fps)


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One frame of a recording.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The image.
    frame_id : int
        Counts up from 0.
    t_ns : int
        Start of its exposure, ns.
    field_index : int or None
        The field it rests on; None in motion.
    press_ns : int or None
        When the pedal was pressed during this frame.
    truth : TruthTable or None
        The truth of the field it rests on.
    """

    rgb: U8
    frame_id: int
    t_ns: int
    field_index: int | None
    press_ns: int | None
    truth: TruthTable | None


def simulate_recording(params: CaseParams, seed: int, pace: Pace | None = None) -> Iterator[RecordedFrame]:
    """Simulate what the camera sees while a case is being read.

    The fields are those of `simulate_case` with the same seed; each frame has its own noise. Between two
    fields the view slides from one to the other, blurred by the motion. The seam between them is not
    tissue: frames in motion are not meant to be scored.

    Parameters
    ----------
    params : CaseParams
        The case.
    seed : int
        Its seed.
    pace : Pace, optional
        How the stage is driven.

    Yields
    ------
    RecordedFrame
        In order of time; one press during each rest.
    """
    pace = pace or Pace()
    frame_id = 0
    here = build_scene(params, seed, 0)
    for index in range(params.fields):
        for k in range(pace.rest_frames):
            noise = stream(seed, "recording", frame_id)
            press = pace.start_ns(frame_id) + round(float(noise.uniform(0.2, 0.8)) * 1e9 / pace.fps)
            yield RecordedFrame(
                rgb=sense(here.mean_rgb, params.optics, noise),
                frame_id=frame_id,
                t_ns=pace.start_ns(frame_id),
                field_index=index,
                press_ns=press if k == pace.press_frame else None,
                truth=here.truth,
            )
            frame_id += 1
        if index + 1 == params.fields:
            return
        there = build_scene(params, seed, index + 1)
        for k in range(pace.move_frames):
            rgb = sense(_between(here, there, k, pace), params.optics, stream(seed, "recording", frame_id))
            yield RecordedFrame(rgb, frame_id, pace.start_ns(frame_id), None, None, None)
            frame_id += 1
        here = there


def _between(here: Scene, there: Scene, step: int, pace: Pace) -> F32:
    """Show the view on its way: it speeds up, slows down, and is smeared by its way in half a frame."""
    width = here.mean_rgb.shape[1]

    def place(part: float) -> float:
        return float(width) * (0.5 - 0.5 * math.cos(math.pi * part))

    begin, end = (place((step + s) / (pace.move_frames + 1)) for s in (0.75, 1.25))
    offset = round((begin + end) / 2)
    view = np.concatenate([here.mean_rgb[:, offset:], there.mean_rgb[:, :offset]], 1)
    return np.asarray(cv2.blur(view, (max(1, round(end - begin)), 1)), np.float32)


class RecordingForm(StrEnum):
    """What a recording is written as."""

    FRAMES = "frames"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Press:
    """A press of the pedal: when, during which frame, on which field, and that field's truth."""

    t_ns: int
    frame_id: int
    field_index: int
    truth: TruthTable


@dataclass(frozen=True, slots=True)
class WrittenRecording:
    """What was written: what `armicro replay` is to be given, how many frames, and the presses."""

    path: Path
    n_frames: int
    presses: tuple[Press, ...]


def write_recording(
    folder: Path,
    frames: Iterator[RecordedFrame],
    um_per_px: float,
    pace: Pace,
    form: RecordingForm = RecordingForm.FRAMES,
) -> WrittenRecording:
    """Write a recording to a folder, whole or not at all.

    As frames: `frame_000000.png`, ..., `pedal.jsonl`, `recording.json`. As video: `slide.mkv` (lossless),
    `slide.pedal.jsonl`, `slide.recording.json`. The pedal track has one JSON object per line,
    `{"t_ns": ..., "event": "press"}`, on the clock on which frame i begins at i / fps seconds.

    Parameters
    ----------
    folder : Path
        Where to; it is made if absent.
    frames : iterator of RecordedFrame
        From `simulate_recording`.
    um_per_px : float
        Scale of the frames.
    pace : Pace
        The pace they were simulated at.
    form : RecordingForm
        Folder of frames, or video.

    Returns
    -------
    WrittenRecording
        The folder of frames or the video, and the presses.

    Raises
    ------
    OutputError
        If the folder cannot be written to, holds a recording already, or this OpenCV has no lossless codec.
    InputError
        If a video is asked for whose sides are not even, which the codec would cut.
    """
    prefix = "slide." if form is RecordingForm.VIDEO else ""
    if (folder / f"{prefix}recording.json").exists():
        raise OutputError(f"{folder} holds a recording already; choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder) as made:
            stage = Path(made)
            sink = _VideoSink(stage / "slide.mkv", pace.fps) if prefix else _FrameSink(stage)
            presses, n_frames = _poured(frames, sink)
            lines = [json.dumps({"t_ns": p.t_ns, "event": "press"}) + "\n" for p in presses]
            (stage / f"{prefix}pedal.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")
            about = {
                "schema": SCHEMA,
                "um_per_px": um_per_px,
                "fps": pace.fps,
                "frames": n_frames,
                "simulated": True,
            }
            # Last, because its presence says that the recording is whole.
            (stage / f"{prefix}recording.json").write_text(
                json.dumps(about, indent=2) + "\n", encoding="utf-8", newline="\n"
            )
            for item in sorted(stage.iterdir(), key=lambda p: p.name.endswith("recording.json")):
                shutil.move(item, folder / item.name)
    except OSError as error:
        raise OutputError(f"cannot write the recording to {folder}: {error.strerror or error}") from error
    path = folder / "slide.mkv" if prefix else folder
    return WrittenRecording(path, n_frames, presses)


class _FrameSink:
    """Writes frames as PNG."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Callable[[RecordedFrame], None]:
        return self._write

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def _write(self, frame: RecordedFrame) -> None:
        ok, png = cv2.imencode(".png", frame.rgb[..., ::-1])
        if not ok:
            raise OutputError(f"frame {frame.frame_id} cannot be written as PNG")
        (self._folder / f"frame_{frame.frame_id:06d}.png").write_bytes(png.tobytes())


class _VideoSink:
    """Writes frames as lossless video."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._fps = path, fps
        self._writer: cv2.VideoWriter | None = None

    def __enter__(self) -> Callable[[RecordedFrame], None]:
        return self._write

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.release()

    def _write(self, frame: RecordedFrame) -> None:
        height, width = frame.rgb.shape[:2]
        if self._writer is None:
            if height % 2 or width % 2:
                raise InputError(f"a video needs even sides, got {height} x {width} px")
            codec = cv2.VideoWriter.fourcc(*VIDEO_CODEC)
            self._writer = cv2.VideoWriter(str(self._path), cv2.CAP_FFMPEG, codec, self._fps, (width, height))
            if not self._writer.isOpened():
                raise OutputError(
                    f"this OpenCV cannot write {VIDEO_CODEC} video; write a folder of frames instead"
                )
        self._writer.write(np.ascontiguousarray(frame.rgb[..., ::-1]))


def _poured(frames: Iterator[RecordedFrame], sink: _FrameSink | _VideoSink) -> tuple[tuple[Press, ...], int]:
    presses, n_frames = [], 0
    with sink as write:
        for frame in frames:
            write(frame)
            n_frames += 1
            if frame.press_ns is not None and frame.field_index is not None and frame.truth is not None:
                presses.append(Press(frame.press_ns, frame.frame_id, frame.field_index, frame.truth))
    return tuple(presses), n_frames
