"""The operator window's viewport, nearer to single pixels and following a point that is edited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from armicro.ui.viewport import LEAST_SCALE
from armicro.ui.viewport import Viewport as PictureViewport

__all__ = ["GREATEST_SCALE", "LEAST_SCALE", "Viewport"]

GREATEST_SCALE = 32.0


@dataclass(frozen=True, slots=True)
class Viewport(PictureViewport):
    """A window onto an image; see `armicro.ui.viewport.Viewport`."""

    greatest_scale: ClassVar[float] = GREATEST_SCALE

    def revealing(self, y_px: float, x_px: float, margin: float) -> Self:
        """Move the image as little as brings a place at least `margin` screen px inside the view."""
        x, y = self.to_screen(y_px, x_px)

        def way(at: float, length: float) -> float:
            edge = min(margin, length / 2)
            return min(max(at, edge), length - edge) - at

        return self.panned(way(x, self.width), way(y, self.height))
