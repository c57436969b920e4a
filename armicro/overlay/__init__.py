"""A result and its geometry drawn as RGBA. Pure."""

from armicro.overlay.draw import compose, draw_overlay, straight_alpha
from armicro.overlay.furniture import draw_legend, draw_scale_bar
from armicro.overlay.picture import best_window, field_picture
from armicro.overlay.style import PALETTE, OverlayStyle

__all__ = [
    "PALETTE",
    "OverlayStyle",
    "best_window",
    "compose",
    "draw_legend",
    "draw_overlay",
    "draw_scale_bar",
    "field_picture",
    "straight_alpha",
]
