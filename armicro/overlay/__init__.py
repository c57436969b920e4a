"""A result and its geometry drawn as RGBA. Pure."""

from armicro.overlay.draw import compose, compose_eyepiece, draw_overlay, straight_alpha
from armicro.overlay.furniture import draw_legend, draw_scale_bar
from armicro.overlay.picture import best_window, field_picture
from armicro.overlay.style import PALETTE, OverlayStyle, eyepiece_style

__all__ = [
    "PALETTE",
    "OverlayStyle",
    "best_window",
    "compose",
    "compose_eyepiece",
    "draw_legend",
    "draw_overlay",
    "draw_scale_bar",
    "eyepiece_style",
    "field_picture",
    "straight_alpha",
]
