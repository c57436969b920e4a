"""Arrow keys: they move the stage where software drives it, else the picture."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeyEvent

from armicro.contracts.devices import Stage
from armicro.ui.live_view import PictureView

_WAYS = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}
_STEP, _FAR_STEP = 0.1, 0.5
"""Of what is seen."""


def way_um(event: QKeyEvent, shape_px: tuple[int, int], um_per_px: float) -> tuple[float, float] | None:
    """Return how an arrow key moves the stage under a picture of that shape, y, x in µm; None for others."""
    way = _WAYS.get(Qt.Key(event.key()))
    if way is None:
        return None
    share = _FAR_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEP
    return way[0] * share * shape_px[0] * um_per_px, way[1] * share * shape_px[1] * um_per_px


def steer(event: QKeyEvent, picture: PictureView, stage: Stage | None) -> bool:
    """Take an arrow key.

    Parameters
    ----------
    event : QKeyEvent
        The key.
    picture : PictureView
        What is moved where there is no stage.
    stage : Stage or None
        What is moved.

    Returns
    -------
    bool
        Whether it was an arrow key.
    """
    way = _WAYS.get(Qt.Key(event.key()))
    if way is None:
        return False
    share = _FAR_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEP
    v = picture.viewport
    dy, dx = way[0] * share * v.height, way[1] * share * v.width
    if stage is None:
        picture.look_at(v.panned(-dx, -dy))
    else:
        um = picture.marks.um_per_px / v.scale
        stage.move_by(dy * um, dx * um)
    return True
