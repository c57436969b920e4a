"""The calibrations over the live picture that need empty glass: the daily check, and the light."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSpinBox,
)

from armicro.session.frame_feed import FrameFeed
from armicro.session.measured import DailyCheck
from armicro.ui.calibration_page import LivePage, Surroundings, push
from armicro.ui.steps import said
from armicro.ui.still_view import StillView

_VERDICTS = {
    "ok": "✓  As calibrated.",
    "warn": "!  Drifted: scores may shift.",
    "refuse": "✕  Calibrate the light again before anything is scored.",
}
_GLASS_LETTERS = 16
"""Height of a picture of empty glass, in heights of a letter."""
_KINDS = {"flat": "Light", "scale": "Pixel size", "eyepiece": "Eyepiece", "stain": "Stain vectors"}
_KINDS |= {"control": "Control slide", "thresholds": "Thresholds"}


class CheckPage(LivePage):
    """What is kept, and the check of every morning."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(
            "Daily check",
            "Move to empty glass, in focus on tissue beside it, and check: takes a second. Below, what was "
            "measured and how long it counts.",
            around,
        )
        self.check = push("&Check the light now", "Compare the live picture of empty glass", self._check)
        self.verdict, self.table = QLabel(), QGridLayout()
        self.verdict.setObjectName("title")
        self.table.setHorizontalSpacing(16)
        self.table.setVerticalSpacing(3)
        self.table.setColumnStretch(4, 1)
        row = QHBoxLayout()
        row.addWidget(self.check)
        row.addSpacing(12)
        row.addWidget(self.verdict, 1)
        self.lay_out(row)
        heading = QLabel("MEASURED SO FAR")
        heading.setObjectName("heading")
        self.body.addSpacing(10)
        self.body.addWidget(heading)
        self.body.addLayout(self.table)
        self.body.addStretch(1)
        _dim_glass(self.picture)

    def enter(self) -> None:
        """Show what is kept."""
        super().enter()
        self._list()

    def seen(self) -> None:
        """Offer the check where there is a picture."""
        self.refresh()

    def refresh(self) -> None:
        """Offer the check where it can be made."""
        self.check.setEnabled(self.live is not None and not self.busy and bool(self.around.objective()))

    def failed(self) -> None:
        """Take an older verdict away."""
        self.verdict.setText("")

    def _check(self) -> None:
        if self.live is not None:
            rgb, objective = self.live.frame.rgb, self.around.objective()
            said(self.words, "")
            self.do(lambda: self.around.desk.check(rgb, objective), self._tell)

    def _tell(self, found: object) -> None:
        assert isinstance(found, DailyCheck)
        self.verdict.setText(_VERDICTS[found.verdict])
        why = "".join(f"\n{reason}" for reason in found.reasons)
        said(self.words, f"{found.figures}\nagainst {found.against}{why}", warn=found.verdict != "ok")

    def _list(self) -> None:
        while (item := self.table.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                # At once: what is only to be deleted later is still painted until then.
                old.setParent(None)
                old.deleteLater()
        kept = self.around.desk.kept()
        if not kept:
            nothing = QLabel("Nothing was calibrated yet.")
            nothing.setObjectName("quiet")
            self.table.addWidget(nothing, 0, 0, 1, 5)
        for line, one in enumerate(kept):
            cells = (_KINDS.get(one.kind, one.kind), one.objective, one.date, one.state, one.residual)
            for column, text in enumerate(cells):
                label = QLabel(text)
                label.setObjectName("strong" if column == 0 else "quiet")
                if column == 3 and not one.good:
                    label.setObjectName("warn")
                self.table.addWidget(label, line, column, Qt.AlignmentFlag.AlignLeft)


class GlassPage(LivePage):
    """White point and flat field from empty glass."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(
            "Light",
            "Focus on tissue, move to empty glass, switch automatic exposure and white balance off. Then "
            "start, and move the stage a little while the pictures are taken: dust then averages out.",
            around,
        )
        self.feed: FrameFeed | None = None
        self.frames = QSpinBox()
        self.frames.setRange(4, 64)
        self.frames.setValue(16)
        self.frames.setSuffix(" pictures")
        self.frames.setToolTip("How many pictures are averaged; 16 are enough for most cameras")
        self.start = push("&Start", "Take pictures of empty glass", self._start)
        self.cancel = push("Ca&ncel", "Take no more, keep nothing", self._cancel)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.count = QLabel()
        self.count.setObjectName("quiet")
        row = QHBoxLayout()
        for widget in (self.frames, self.start, self.cancel, self.bar, self.count):
            row.addWidget(widget, 1 if widget is self.bar else 0)
        self.lay_out(row)
        self.body.addStretch(1)
        _dim_glass(self.picture)
        self.refresh()

    def leave(self) -> None:
        """Take no more pictures."""
        super().leave()
        self._cancel()

    def seen(self) -> None:
        """Hand the newest picture to whoever averages."""
        if self.feed is not None and self.live is not None and self.feed.feed(self.live.frame):
            self.bar.setValue(self.feed.taken)
            self.count.setText(f"{self.feed.taken} of {self.feed.wanted}")
            if self.feed.taken == self.feed.wanted:
                said(self.words, "Measuring…")
        self.refresh()

    def refresh(self) -> None:
        """Offer what can be done now."""
        self.start.setEnabled(self.live is not None and not self.busy and bool(self.around.objective()))
        self.cancel.setEnabled(self.busy)
        self.frames.setEnabled(not self.busy)

    def failed(self) -> None:
        """Begin anew."""
        self._done()

    def _start(self) -> None:
        feed = self.feed = FrameFeed(self.frames.value())
        self.bar.setRange(0, feed.wanted)
        self.bar.setValue(0)
        objective = self.around.objective()
        said(self.words, "Taking pictures…")
        self.do(lambda: self.around.desk.glass(feed, objective), self._kept)

    def _cancel(self) -> None:
        if self.feed is not None:
            self.feed.cancel()

    def _kept(self, words: object) -> None:
        said(self.words, str(words))
        self._done()

    def _done(self) -> None:
        self.feed = None
        self.bar.setValue(0)
        self.count.setText("")


def _dim_glass(picture: StillView) -> None:
    """Keep a picture of empty glass small: large it would light up a dark room."""
    picture.setFixedHeight(_GLASS_LETTERS * picture.fontMetrics().height())
