"""A stain's direction measured in the picture, to be applied or not."""

from __future__ import annotations

import math

import numpy as np
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QColor, QPixmap
from PyQt6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from armicro.contracts.arrays import F64, U8
from armicro.contracts.stain import StainProfile, Vector3

PICK_PX = 7
"""Side of the square that is averaged: noise goes, a membrane stays."""
_LEAST_OD = 0.08


def measure(rgb: U8, y_px: float, x_px: float) -> tuple[float, float, float] | None:
    """Return the mean colour around a place.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The picture.
    y_px, x_px : float
        Where.

    Returns
    -------
    tuple of 3 floats or None
        Red, green, blue; None outside the picture.
    """
    y, x, half = round(y_px), round(x_px), PICK_PX // 2
    if not (0 <= y < rgb.shape[0] and 0 <= x < rgb.shape[1]):
        return None
    part = rgb[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1]
    r, g, b = part.reshape(-1, 3).mean(axis=0)
    return float(r), float(g), float(b)


def optical_density(rgb: Vector3, white_rgb: Vector3) -> F64:
    """Return log10 OD per channel, float64 (3,), of a colour against empty glass."""
    white, seen = np.asarray(white_rgb, np.float64), np.asarray(rgb, np.float64)
    od: F64 = np.maximum(np.log10(white / np.maximum(seen, 1.0)), 0.0)
    return od


def angle_deg(a: Vector3, b: Vector3) -> float:
    """Return the angle between two directions, degrees."""
    u, w = np.asarray(a, np.float64), np.asarray(b, np.float64)
    cosine = float(u @ w / (np.linalg.norm(u) * np.linalg.norm(w)))
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


class StainPick(QWidget):
    """Shows a measured stain vector with "apply" and "cancel"."""

    applied = pyqtSignal(str, object)
    cancelled = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.vector: Vector3 | None = None
        self._profile: StainProfile | None = None
        self._swatch = QLabel()
        self._text = QLabel("Click on stained tissue in the picture.")
        self._text.setWordWrap(True)
        self._stain = QComboBox()
        self._stain.addItem("as DAB (brown)", "dab")
        self._stain.addItem("as haematoxylin (blue)", "haematoxylin")
        self._stain.setAccessibleName("Which stain was measured")
        self._stain.currentIndexChanged.connect(self._describe)
        self.apply = QPushButton("&Apply")
        self.apply.setToolTip("Use this vector; all fields are read again")
        self.apply.clicked.connect(self._apply)
        cancel = QPushButton("Ca&ncel")
        cancel.clicked.connect(self.cancelled)
        row = QHBoxLayout()
        row.addWidget(self._stain)
        row.addWidget(self.apply)
        row.addWidget(cancel)
        row.addStretch()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self._swatch, 0, 0)
        grid.addWidget(self._text, 0, 1)
        grid.addLayout(row, 1, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        self.begin()

    def begin(self) -> None:
        """Wait for a place to be picked."""
        self.vector = None
        self._swatch.clear()
        self._text.setText("Click on a strongly stained membrane (or a nucleus) in the picture.")
        self.apply.setEnabled(False)

    def show_measured(self, rgb: Vector3, white_rgb: Vector3, profile: StainProfile) -> None:
        """Show what a place's colour says.

        Parameters
        ----------
        rgb, white_rgb : tuple of 3 floats
            Of the place and of empty glass, grey values.
        profile : StainProfile
            The one in force, for comparison.
        """
        od = optical_density(rgb, white_rgb)
        length = float(np.linalg.norm(od))
        pixmap = QPixmap(28, 28)
        pixmap.fill(QColor(*(min(255, round(c)) for c in rgb)))
        self._swatch.setPixmap(pixmap)
        self._profile = profile
        if length < _LEAST_OD:
            self.vector = None
            self._text.setText(f"Too pale to tell a stain: OD {length:.2f}, at least {_LEAST_OD} is needed.")
            self.apply.setEnabled(False)
            return
        r, g, b = (od / length).tolist()
        self.vector = (r, g, b)
        to_dab = angle_deg(self.vector, profile.dab_rgb_od)
        to_h = angle_deg(self.vector, profile.haematoxylin_rgb_od)
        self._stain.setCurrentIndex(0 if to_dab <= to_h else 1)
        self.apply.setEnabled(True)
        self._describe()

    def _describe(self) -> None:
        if self.vector is None or self._profile is None:
            return
        dab = self._stain.currentData() == "dab"
        now = self._profile.dab_rgb_od if dab else self._profile.haematoxylin_rgb_od
        r, g, b = self.vector
        away = angle_deg(self.vector, now)
        self._text.setText(f"R {r:.3f}  G {g:.3f}  B {b:.3f} · {away:.1f}° from the profile's vector")

    def _apply(self) -> None:
        if self.vector is not None:
            self.applied.emit(self._stain.currentData(), self.vector)
