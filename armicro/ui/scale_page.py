"""µm per pixel over the live picture: a stage micrometer's lines, or a known length between two clicks."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel

from armicro.contracts.arrays import U8
from armicro.contracts.errors import ArmicroError
from armicro.session.measured import MeasuredScale
from armicro.ui.calibration_page import LivePage, Surroundings, push
from armicro.ui.steps import said
from armicro.ui.theme import rename

_SAME_PERCENT = 0.05


class ScalePage(LivePage):
    """µm per pixel: from a stage micrometer's rulings, or a known length between two clicks."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(
            "Pixel size",
            "Put a stage micrometer under the objective and focus. Measure its lines; better twice, turned "
            "by 90°. Or click on the two ends of a known length.",
            around,
        )
        self._taken: list[U8] = []
        self._ends: list[tuple[float, float]] = []
        self._still: U8 | None = None
        self.scale: MeasuredScale | None = None
        self.division = self._spin(10.0, "Distance of neighbouring lines, µm; engraved on the micrometer")
        self.length = self._spin(100.0, "The length between the two places that were clicked, µm")
        self.measure = push("&Measure the lines", "Find the rulings in the live picture", self._measure)
        self.more = push("Measure &another", "Add a picture with the micrometer turned", self._measure_more)
        self.hand = push("&By this length", "Use the two places that were clicked", self._by_hand)
        self.again = push("&Live again", "Forget the places, show the live picture", self.forget)
        self.keep = push("&Keep", "Keep this scale for the objective", self._keep)
        self.keep.setObjectName("capture")
        grid = QGridLayout()
        for line, widgets in enumerate(
            (
                (QLabel("Lines every"), self.division, self.measure, self.more),
                (QLabel("Length clicked"), self.length, self.hand, self.again),
            )
        ):
            for column, widget in enumerate(widgets):
                grid.addWidget(widget, line, column)
        grid.addWidget(self.keep, 0, 5, 2, 1)
        grid.setColumnStretch(4, 1)
        self.lay_out(grid)
        self.picture.clicked.connect(self._click)
        self.picture.setCursor(Qt.CursorShape.CrossCursor)
        self.refresh()

    @staticmethod
    def _spin(value: float, tip: str) -> QDoubleSpinBox:
        spin = QDoubleSpinBox()
        spin.setRange(0.1, 10_000.0)
        spin.setDecimals(2)
        spin.setValue(value)
        spin.setSuffix(" µm")
        spin.setToolTip(tip)
        spin.setAccessibleName(tip)
        return spin

    def enter(self) -> None:
        """Begin anew."""
        self.forget()
        super().enter()

    def look(self) -> None:
        """Take the newest live picture; one that was clicked into stands still."""
        if self._still is None:
            super().look()
        self.refresh()

    def refresh(self) -> None:
        """Offer what can be done now."""
        live = self.live is not None and not self.busy
        self.measure.setEnabled(live and self._still is None)
        self.more.setEnabled(live and self._still is None and bool(self._taken))
        self.hand.setEnabled(len(self._ends) == 2 and not self.busy)
        self.again.setEnabled(self._still is not None)
        self.keep.setEnabled(self.scale is not None and not self.busy and bool(self.around.objective()))

    def forget(self) -> None:
        """Forget what was clicked and measured."""
        self._ends, self._still, self._taken, self.scale = [], None, [], None
        self.picture.set_points([])
        said(self.words, "")
        self.refresh()

    def failed(self) -> None:
        """Leave out the picture that could not be measured."""
        if self._taken:
            self._taken.pop()

    def _click(self, y_px: float, x_px: float) -> None:
        if self.picture.rgb is None:
            return
        self._still = self.picture.rgb
        self._ends = [*self._ends, (y_px, x_px)][-2:] if len(self._ends) < 2 else [(y_px, x_px)]
        self.picture.set_points(self._ends, joined=True)
        missing = "Click on the other end." if len(self._ends) < 2 else "Give the length, then use it."
        said(self.words, missing)
        self.refresh()

    def _measure(self) -> None:
        self._taken = []
        self._measure_more()

    def _measure_more(self) -> None:
        if self.live is None:
            return
        self._taken.append(self.live.frame.rgb)
        pictures, division = tuple(self._taken), self.division.value()
        said(self.words, "Looking for the lines…")
        self.do(lambda: self.around.desk.rulings(pictures, division), self._found)

    def _by_hand(self) -> None:
        try:
            self._found(self.around.desk.by_hand(self.length.value(), self._ends[0], self._ends[1]))
        except ArmicroError as error:
            said(self.words, str(error), warn=True)
        self.refresh()

    def _found(self, scale: object) -> None:
        assert isinstance(scale, MeasuredScale)
        self.scale = scale
        now = "" if self.live is None else self._against(self.live.frame.optics.um_per_px, scale.um_per_px)
        said(self.words, f"{scale.words}{now}")

    @staticmethod
    def _against(now: float, found: float) -> str:
        off = 100 * (now / found - 1)
        apart = "the same" if abs(off) < _SAME_PERCENT else f"{off:+.1f} % from it"
        return f"\nIn use now: {now:.5f} µm per pixel, {apart}."

    def _keep(self) -> None:
        if self.scale is None:
            return
        try:
            words = self.around.desk.keep_scale(self.scale, self.around.objective())
        except (ArmicroError, OSError) as error:
            said(self.words, str(error), warn=True)
            return
        self.forget()
        said(self.words, words)
        rename(self.words, "strong")
