"""Where on the screen a place of the picture is, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

LEAST_SCALE, GREATEST_SCALE = 0.02, 8.0


@dataclass(frozen=True, slots=True)
class Viewport:
    """A window onto a picture.

    Picture places are y, x in px with pixel centres at whole numbers; screen places are x, y in screen px
    from the top left corner of the view.

    Parameters
    ----------
    width, height : float
        Size of the view, screen px.
    scale : float
        Screen px per picture px.
    y_px, x_px : float
        The picture place in the middle of the view.
    """

    width: float = 1.0
    height: float = 1.0
    scale: float = 1.0
    y_px: float = 0.0
    x_px: float = 0.0

    greatest_scale: ClassVar[float] = GREATEST_SCALE

    def to_screen(self, y_px: float, x_px: float) -> tuple[float, float]:
        """Return the screen place x, y of a picture place y, x."""
        return (
            (x_px - self.x_px) * self.scale + self.width / 2,
            (y_px - self.y_px) * self.scale + self.height / 2,
        )

    def to_picture(self, x: float, y: float) -> tuple[float, float]:
        """Return the picture place y, x of a screen place x, y."""
        return (y - self.height / 2) / self.scale + self.y_px, (x - self.width / 2) / self.scale + self.x_px

    def zoomed(self, factor: float, x: float, y: float) -> Self:
        """Zoom by a factor; the picture place under the screen place stays where it is."""
        scale = min(max(self.scale * factor, LEAST_SCALE), self.greatest_scale)
        at_y, at_x = self.to_picture(x, y)
        share = self.scale / scale
        return replace(
            self,
            scale=scale,
            y_px=at_y + (self.y_px - at_y) * share,
            x_px=at_x + (self.x_px - at_x) * share,
        )

    def panned(self, dx: float, dy: float) -> Self:
        """Move the picture by screen px."""
        return replace(self, y_px=self.y_px - dy / self.scale, x_px=self.x_px - dx / self.scale)

    def resized(self, width: float, height: float) -> Self:
        """Keep the middle where it is in a view of another size."""
        return replace(self, width=max(1.0, width), height=max(1.0, height))

    def fitted(self, shape: tuple[int, int], margin: float = 0.0) -> Self:
        """Show a whole picture (height, width) as large as it fits, with a margin in screen px."""
        return self.fitted_to(0, 0, shape[0], shape[1], margin)

    def fitted_to(self, y0: float, x0: float, height_px: float, width_px: float, margin: float) -> Self:
        """Show a rectangle of the picture as large as it fits, with a margin in screen px around it."""
        scale = min(
            max(1.0, self.width - 2 * margin) / width_px, max(1.0, self.height - 2 * margin) / height_px
        )
        return replace(
            self,
            scale=min(max(scale, LEAST_SCALE), self.greatest_scale),
            y_px=y0 + height_px / 2 - 0.5,
            x_px=x0 + width_px / 2 - 0.5,
        )

    def held(self, shape: tuple[int, int]) -> Self:
        """Keep some of a picture (height, width) in the middle of the view."""
        return replace(
            self,
            y_px=min(max(self.y_px, 0.0), float(shape[0])),
            x_px=min(max(self.x_px, 0.0), float(shape[1])),
        )

    def window(self, shape: tuple[int, int], step: int = 1) -> tuple[int, int, int, int] | None:
        """Return the whole picture pixels that are seen: first row, first column, height, width.

        Parameters
        ----------
        shape : tuple of int
            Height and width of the picture, px.
        step : int
            The first row and column are multiples of it.

        Returns
        -------
        tuple of int or None
            None where nothing of the picture is seen.
        """
        top, left = self.to_picture(0, 0)
        bottom, right = self.to_picture(self.width, self.height)
        y0, x0 = max(0, int(top + 0.5)) // step * step, max(0, int(left + 0.5)) // step * step
        y1, x1 = min(shape[0], int(bottom + 0.5) + 1), min(shape[1], int(right + 0.5) + 1)
        return (y0, x0, y1 - y0, x1 - x0) if y1 > y0 and x1 > x0 else None
