"""Where on the screen a place of the image is, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace

LEAST_SCALE, GREATEST_SCALE = 0.02, 32.0


@dataclass(frozen=True, slots=True)
class Viewport:
    """A window onto an image.

    Image places are y, x in px with pixel centres at whole numbers; screen places are x, y in screen px from
    the top left corner of the view.

    Parameters
    ----------
    width, height : float
        Size of the view, screen px.
    scale : float
        Screen px per image px.
    y_px, x_px : float
        The image place in the middle of the view.
    """

    width: float = 1.0
    height: float = 1.0
    scale: float = 1.0
    y_px: float = 0.0
    x_px: float = 0.0

    def to_screen(self, y_px: float, x_px: float) -> tuple[float, float]:
        """Return the screen place x, y of an image place y, x."""
        return (
            (x_px - self.x_px) * self.scale + self.width / 2,
            (y_px - self.y_px) * self.scale + self.height / 2,
        )

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Return the image place y, x of a screen place x, y."""
        return (
            (y - self.height / 2) / self.scale + self.y_px,
            (x - self.width / 2) / self.scale + self.x_px,
        )

    def zoomed(self, factor: float, x: float, y: float) -> Viewport:
        """Zoom by a factor; the image place under the screen place stays where it is."""
        scale = min(max(self.scale * factor, LEAST_SCALE), GREATEST_SCALE)
        at_y, at_x = self.to_image(x, y)
        share = self.scale / scale
        return replace(
            self,
            scale=scale,
            y_px=at_y + (self.y_px - at_y) * share,
            x_px=at_x + (self.x_px - at_x) * share,
        )

    def panned(self, dx: float, dy: float) -> Viewport:
        """Move the image by screen px."""
        return replace(self, y_px=self.y_px - dy / self.scale, x_px=self.x_px - dx / self.scale)

    def resized(self, width: float, height: float) -> Viewport:
        """Keep the middle where it is in a view of another size."""
        return replace(self, width=max(1.0, width), height=max(1.0, height))

    def fitted(self, y0: float, x0: float, height_px: float, width_px: float, margin: float) -> Viewport:
        """Show a rectangle of the image as large as it fits, with a margin in screen px around it."""
        scale = min(
            max(1.0, self.width - 2 * margin) / width_px, max(1.0, self.height - 2 * margin) / height_px
        )
        return replace(
            self,
            scale=min(max(scale, LEAST_SCALE), GREATEST_SCALE),
            y_px=y0 + height_px / 2 - 0.5,
            x_px=x0 + width_px / 2 - 0.5,
        )

    def held(self, shape: tuple[int, int]) -> Viewport:
        """Keep some of an image (height, width) in the middle of the view."""
        return replace(
            self,
            y_px=min(max(self.y_px, 0.0), float(shape[0])),
            x_px=min(max(self.x_px, 0.0), float(shape[1])),
        )

    def revealing(self, y_px: float, x_px: float, margin: float) -> Viewport:
        """Move the image as little as brings a place at least `margin` screen px inside the view."""
        x, y = self.to_screen(y_px, x_px)

        def way(at: float, length: float) -> float:
            edge = min(margin, length / 2)
            return min(max(at, edge), length - edge) - at

        return self.panned(way(x, self.width), way(y, self.height))
