"""Recordings of a session: frames from a video or a folder, with the track of the pedal.

A recording is one of

- a folder with numbered pictures (PNG, JPEG, TIFF), `pedal.jsonl` and `recording.json`;
- a video `NAME.ext` with `NAME.pedal.jsonl` and `NAME.recording.json` beside it.

`recording.json` tells schema, `um_per_px` and `fps`; the pedal track has one JSON object a line, such as
`{"t_ns": 1500000000, "event": "press"}`, on the clock on which frame k begins at k / fps seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Protocol

import cv2
import numpy as np
from pydantic import Field, ValidationError

from armicro.contracts.errors import ImageError, RecordingError, ScaleError
from armicro.contracts.frame import Frame, Optics
from armicro.devices.file_model import FileModel, explain, read_text
from armicro.devices.image_files import read_image
from armicro.devices.loaded_image import SCALE_TOLERANCE, check_size

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff"})
_MAX_EVENTS = 1_000_000


class PedalEvent(StrEnum):
    """What a pedal track can hold. Only a press captures."""

    PRESS = "press"
    RELEASE = "release"


class PedalLine(FileModel):
    """One line of a pedal track."""

    t_ns: Annotated[int, Field(ge=0)]
    event: Annotated[PedalEvent, Field(strict=False)]


class RecordingFile(FileModel):
    """What `recording.json` tells of a recording."""

    schema_: Annotated[Literal["armicro.recording/1"], Field(alias="schema")]
    um_per_px: float | None = None
    fps: Annotated[float | None, Field(gt=0, le=100_000)] = None
    frames: Annotated[int | None, Field(ge=1)] = None
    objective: str = ""
    simulated: bool = False


class FrameSource(Protocol):
    """Gives the frames of a recording or a camera, one after another.

    Called by one thread. `frames` may block while it reads or waits for an exposure; leaving the iteration
    releases what it holds. A source that fails raises `RecordingError`.
    """

    @property
    def period_ns(self) -> int:
        """Time from one exposure's begin to the next, ns."""
        ...

    def frames(self) -> Iterator[Frame]:
        """Yield frames with `frame_id` 0, 1, ... and rising `t_ns`."""
        ...


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was opened and checked, ready to be played from its beginning any number of times.

    Parameters
    ----------
    path : Path
        The folder or video.
    pictures : tuple of Path
        A folder's frames in order; empty for a video.
    optics : Optics
        The scale of all frames.
    fps : float
        Frames per second.
    presses_ns : tuple of int
        Times of the presses, ns, in order.
    n_frames : int or None
        How many frames it was written with, where it says so.
    simulated : bool
        Whether it says that it was rendered, not recorded from tissue.
    """

    path: Path
    pictures: tuple[Path, ...]
    optics: Optics
    fps: float
    presses_ns: tuple[int, ...]
    n_frames: int | None = None
    simulated: bool = False

    @property
    def period_ns(self) -> int:
        """Time from one frame's begin to the next, ns."""
        return round(1e9 / self.fps)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames from the beginning; may block while a frame is read and decoded.

        Raises
        ------
        RecordingError
            If a frame cannot be read, frames differ in size, or there are fewer than it was written with.
        """
        shape: tuple[int, ...] | None = None
        index = -1
        for index, rgb in enumerate(self._pictures() if self.pictures else self._video()):
            if shape is not None and rgb.shape != shape:
                raise RecordingError(
                    f"{self.path}: frame {index} has {rgb.shape[1]} × {rgb.shape[0]} px, "
                    f"the first {shape[1]} × {shape[0]}"
                )
            shape = rgb.shape
            t_ns = round(index * 1e9 / self.fps)
            yield Frame(rgb, index, t_ns, self.optics, f"{self.path}#{index}")
        if self.n_frames is not None and index + 1 < self.n_frames:
            raise RecordingError(
                f"{self.path}: it ends after {index + 1} of its {self.n_frames} frames: truncated or damaged"
            )

    def _pictures(self) -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
        for picture in self.pictures:
            try:
                yield read_image(picture, self.optics.um_per_px).rgb
            except (ImageError, ScaleError) as error:
                raise RecordingError(str(error)) from error

    def _video(self) -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
        capture = open_video(self.path)
        try:
            while True:
                found, bgr = capture.read()
                if not found:
                    return
                if bgr.ndim != 3 or bgr.dtype != np.uint8:
                    raise RecordingError(f"{self.path}: its frames are not 8-bit colour pictures")
                yield np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        finally:
            capture.release()


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts `frame-9` before `frame-10`; equal numbers fall back to their spelling."""
    parts = re.split(r"(\d+)", name.lower())
    key = tuple((int(p), "") if p.isdecimal() else (-1, p) for p in parts)
    return (*key, (-2, name))


def open_video(path: Path) -> cv2.VideoCapture:
    """Open a video; whoever does releases it. Raises `RecordingError` if it is none or too large."""
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        capture.release()
        raise RecordingError(f"{path}: not a video that can be read, and not a folder of frames")
    try:
        height, width = (int(capture.get(p)) for p in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH))
        check_size(height, width)
    except ImageError as error:
        capture.release()
        raise RecordingError(f"{path}: {error}") from error
    return capture


def parse_pedal(text: str) -> tuple[int, ...]:
    """Read the times of the presses from a pedal track.

    Parameters
    ----------
    text : str
        JSON lines; empty lines are passed over.

    Returns
    -------
    tuple of int
        Times of the presses, ns.

    Raises
    ------
    RecordingError
        If a line is damaged, a time is before that of the line above, or there is no press.
    """
    presses: list[int] = []
    last_ns = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        if number > _MAX_EVENTS:
            raise RecordingError(f"it has more than {_MAX_EVENTS} lines")
        try:
            event = PedalLine.model_validate_json(line)
        except ValidationError as error:
            raise RecordingError(f"line {number}: {explain(error, 1)}") from error
        if event.t_ns < last_ns:
            raise RecordingError(f"line {number}: its time is before that of the line above")
        last_ns = event.t_ns
        if event.event is PedalEvent.PRESS:
            presses.append(event.t_ns)
    if not presses:
        raise RecordingError("it holds no press, so nothing was captured")
    return tuple(presses)


def _companions(path: Path) -> tuple[Path, Path]:
    """Return where the pedal track and the description of a recording lie."""
    if path.is_dir():
        return path / "pedal.jsonl", path / "recording.json"
    return path.with_name(f"{path.stem}.pedal.jsonl"), path.with_name(f"{path.stem}.recording.json")


def _description(path: Path) -> RecordingFile | None:
    if not path.exists():
        return None
    try:
        return RecordingFile.model_validate_json(read_text(path, RecordingError))
    except ValidationError as error:
        raise RecordingError(f"{path}: {explain(error)}") from error


def _optics(path: Path, given: float | None, told: RecordingFile | None) -> Optics:
    stated = told.um_per_px if told is not None else None
    um_per_px = given if given is not None else stated
    if um_per_px is None:
        raise ScaleError(
            f"{path}: nothing tells its scale: give µm per pixel with --um-per-px or in recording.json"
        )
    if given is not None and stated is not None and abs(stated / given - 1) > SCALE_TOLERANCE:
        raise ScaleError(
            f"{path}: its recording.json says {stated:g} µm/px, but {given:g} was given: correct one of them"
        )
    return Optics(um_per_px, told.objective if told is not None else "")


def open_frames(path: Path, um_per_px: float | None = None, fps: float | None = None) -> Recording:
    """Open the frames of a recording, or any folder of pictures or video, without a pedal track.

    Parameters
    ----------
    path : Path
        A folder of frames or a video.
    um_per_px : float or None
        Scale; None where `recording.json` tells it. It is never guessed, and the two must not contradict
        each other: both were stated by people.
    fps : float or None
        Frames per second where neither `recording.json` nor the video tells them.

    Returns
    -------
    Recording
        Ready to be played; it has no presses.

    Raises
    ------
    RecordingError
        If anything is missing or damaged.
    ScaleError
        If there is no scale, it is impossible, or two scales contradict each other.
    """
    if not path.exists():
        raise RecordingError(f"{path}: no such file or folder")
    description_path = _companions(path)[1]
    told = _description(description_path)
    optics = _optics(path, um_per_px, told)
    pictures: tuple[Path, ...] = ()
    own_fps = told.fps if told is not None else None
    if path.is_dir():
        found = [p for p in path.iterdir() if p.suffix.lower() in PICTURES and p.is_file()]
        pictures = tuple(sorted(found, key=lambda p: natural_key(p.name)))
        if not pictures:
            raise RecordingError(f"{path}: the folder holds no PNG, JPEG or TIFF frame")
    else:
        capture = open_video(path)
        own_fps = own_fps or float(capture.get(cv2.CAP_PROP_FPS)) or None
        capture.release()
    rate = own_fps or fps
    if rate is None or not 0 < rate <= 100_000:
        raise RecordingError(
            f"{path}: nothing tells its frames per second: give fps in {description_path.name}"
        )
    n_frames = told.frames if told is not None else None
    return Recording(path, pictures, optics, rate, (), n_frames, told is not None and told.simulated)


def open_recording(path: Path, um_per_px: float | None = None, pedal: Path | None = None) -> Recording:
    """Open a recording and check everything that can be checked without decoding it.

    Parameters
    ----------
    path : Path
        A folder of frames or a video.
    um_per_px : float or None
        Scale; None where `recording.json` tells it. It is never guessed, and the two must not contradict
        each other: both were stated by people.
    pedal : Path or None
        The pedal track; None looks in its usual place.

    Returns
    -------
    Recording
        Ready to be played.

    Raises
    ------
    RecordingError
        If anything is missing or damaged.
    ScaleError
        If there is no scale, it is impossible, or two scales contradict each other.
    """
    recording = open_frames(path, um_per_px)
    usual_pedal = _companions(path)[0]
    track = pedal if pedal is not None else usual_pedal
    if not track.exists():
        raise RecordingError(f"{track}: no pedal track, so nothing tells which frames were captured")
    try:
        presses_ns = parse_pedal(read_text(track, RecordingError))
    except RecordingError as error:
        text = str(error)
        raise RecordingError(text if text.startswith(str(track)) else f"{track}: {text}") from error
    return replace(recording, presses_ns=presses_ns)
