"""The captured fields: what each looks like, what was found, what is wrong with it."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QImage, QKeyEvent, QMouseEvent, QPixmap
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from armicro.contracts.arrays import U8
from armicro.contracts.cells import CATEGORIES
from armicro.session.view import CapturedField
from armicro.ui.gauges import MixBar
from armicro.ui.marks import SHORT, name

_EMPTY = "Each captured field appears here, with what was found in it."


def pixmap_of(rgb: U8, height_px: int, ratio: float) -> QPixmap:
    """Return a small picture at a height in logical px."""
    data = rgb.tobytes()
    image = QImage(data, rgb.shape[1], rgb.shape[0], 3 * rgb.shape[1], QImage.Format.Format_RGB888)
    pixmap = QPixmap.fromImage(image).scaledToHeight(
        round(height_px * ratio), Qt.TransformationMode.SmoothTransformation
    )
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


class FieldCard(QFrame):
    """One captured field."""

    jump_wanted = pyqtSignal(int)
    remove_wanted = pyqtSignal(int)
    restore_wanted = pyqtSignal(int)

    def __init__(self, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.number = number
        self._key: object = None
        self.removed = False
        self.picture = QLabel()
        self.title = QLabel()
        self.title.setObjectName("strong")
        self.counts = QLabel()
        self.counts.setObjectName("quiet")
        self.counts.setToolTip(", ".join(f"{SHORT[c]} = {name(c)}" for c in CATEGORIES))
        self.mix = MixBar()
        self.warnings = QLabel()
        self.warnings.setObjectName("warn")
        self.warnings.setWordWrap(True)
        self.button = QPushButton()
        self.button.clicked.connect(self._press)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.button)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addLayout(top)
        words.addWidget(self.counts)
        words.addWidget(self.mix)
        words.addWidget(self.warnings)
        words.addStretch()
        row = QHBoxLayout(self)
        row.setContentsMargins(5, 5, 5, 5)
        row.setSpacing(8)
        row.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    def show_field(self, field: CapturedField, *, shown: bool) -> None:
        """Show a field, and whether it is the one in the view."""
        side = round(self.fontMetrics().height() * 4.2)
        key = (
            side,
            field.removed, id(field.thumbnail), id(field.result), tuple(field.counts.items()), field.edits,
            field.warnings, shown,
        )  # fmt: skip
        if key == self._key:
            return
        self._key, self.removed = key, field.removed
        self.picture.setPixmap(pixmap_of(field.thumbnail, side, self.devicePixelRatioF()))
        total = sum(field.counts.values())
        state = (
            "left out" if field.removed else f"{total:,} cells" if field.result is not None else "reading…"
        )
        by_hand = f" · {field.edits} by hand" if field.edits else ""
        self.title.setText(f"{field.number}  {state}{by_hand}")
        parts = (f"{SHORT[c]} {100 * field.counts.get(c, 0) / total:.0f}" for c in CATEGORIES if total)
        self.counts.setText("  ".join(parts) + (" %" if total else ""))
        self.mix.show_counts(field.counts)
        self.warnings.setText("\n".join(f"! {w}" for w in field.warnings))
        self.warnings.setVisible(bool(field.warnings))
        self.button.setText("Restore" if field.removed else "Leave out")
        self.button.setToolTip(
            "Count this field again" if field.removed else "Leave this field out of the score"
        )
        self.button.setAccessibleName(f"{self.button.text()} field {field.number}")
        self.setAccessibleName(f"Field {field.number}, {state}")
        self.setToolTip("Click to look at this field and its cells")
        self.setProperty("removed", "true" if field.removed else "false")
        self.setProperty("shown", "true" if shown else "false")
        style = self.style()
        if style is not None:
            style.unpolish(self)
            style.polish(self)

    def _press(self) -> None:
        (self.restore_wanted if self.removed else self.remove_wanted).emit(self.number)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Look at the field."""
        if event is not None and event.button() is Qt.MouseButton.LeftButton:
            self.jump_wanted.emit(self.number)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Look at the field with Enter, leave it out with Delete."""
        if event is None:
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.jump_wanted.emit(self.number)
        elif event.key() == Qt.Key.Key_Delete:
            self._press()
        else:
            super().keyPressEvent(event)


class FieldList(QWidget):
    """All captured fields, the newest at the end and in sight."""

    jump_wanted = pyqtSignal(int)
    remove_wanted = pyqtSignal(int)
    restore_wanted = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: dict[int, FieldCard] = {}
        self.heading = QLabel()
        self.heading.setObjectName("heading")
        inner = QWidget()
        inner.setObjectName("scrolled")
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(5)
        self._column.addStretch()
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inner)
        self._scroll.setAccessibleName("Captured fields")
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        bar = self._scroll.verticalScrollBar()
        self._follow = False
        if bar is not None:
            bar.rangeChanged.connect(self._to_end)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 6, 4)
        column.setSpacing(4)
        self.empty = QLabel(_EMPTY)
        self.empty.setObjectName("quiet")
        self.empty.setWordWrap(True)
        column.addWidget(self.heading)
        column.addWidget(self.empty)
        column.addWidget(self._scroll, 1)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for a card and a half."""
        return QSize(240, 7 * self.fontMetrics().height())

    def show_fields(self, fields: tuple[CapturedField, ...], shown: int | None) -> None:
        """Show the fields of a case and which of them is in the view."""
        numbers = {f.number for f in fields}
        for number in [n for n in self.cards if n not in numbers]:
            card = self.cards.pop(number)
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        for place, field in enumerate(fields):
            known = self.cards.get(field.number)
            if known is None:
                known = self.cards[field.number] = FieldCard(field.number)
                known.jump_wanted.connect(self.jump_wanted)
                known.remove_wanted.connect(self.remove_wanted)
                known.restore_wanted.connect(self.restore_wanted)
                self._column.insertWidget(place, known)
                self._follow = True
            known.show_field(field, shown=field.number == shown)
        left_out = sum(f.removed for f in fields)
        heading = f"CAPTURED FIELDS  {len(fields) - left_out}" if fields else "CAPTURED FIELDS"
        self.empty.setVisible(not fields)
        self.heading.setText(heading + (f"  ({left_out} left out)" if left_out else ""))

    def _to_end(self, low: int, high: int) -> None:  # noqa: ARG002 - Qt's signal
        bar = self._scroll.verticalScrollBar()
        if self._follow and bar is not None:
            self._follow = False
            bar.setValue(high)
