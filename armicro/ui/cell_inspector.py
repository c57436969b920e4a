"""Why a cell has its category, and the buttons to overrule it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from armicro.contracts.arrays import F32
from armicro.contracts.cells import CATEGORIES, RULES, Category, CellTable
from armicro.session.commands import AddCell, ReclassifyCell, RemoveCell
from armicro.ui.marks import RULE_WORDS, mark_icon, name
from armicro.ui.polar import PolarPlot

REACH_UM = 9.0
"""A click this near to a nucleus means its cell."""


@dataclass(frozen=True, slots=True)
class Picked:
    """The cell that is looked at.

    Parameters
    ----------
    number : int or None
        The captured field it is in; None in the live picture, where nothing can be overruled.
    index : int or None
        Its row in the field's table; None for a cell that is to be added.
    yx_px : tuple of float
        Its centre.
    """

    number: int | None
    index: int | None
    yx_px: tuple[float, float]


def nearest(cells: CellTable, yx_px: tuple[float, float], um_per_px: float) -> int | None:
    """Return the row of the cell that a click at y, x in px means; None where none is near."""
    if not len(cells):
        return None
    away = np.hypot(*(cells.yx_px - np.asarray(yx_px, np.float32)).T)
    best = int(away.argmin())
    return best if away[best] * um_per_px <= REACH_UM else None


def contour_px(cells: CellTable, index: int, um_per_px: float) -> F32 | None:
    """Return a cell's contour (K, 2) y, x in px of the field; None where none was followed."""
    radius = cells.contour_um[index] / um_per_px
    if not len(radius) or not radius.any():
        return None
    angle = 2 * np.pi * np.arange(len(radius)) / len(radius)
    y, x = cells.yx_px[index]
    return np.stack([y + radius * np.sin(angle), x + radius * np.cos(angle)], axis=1).astype(np.float32)


class CellInspector(QWidget):
    """Evidence of one cell; sends `ReclassifyCell`, `RemoveCell` and `AddCell`."""

    command_wanted = pyqtSignal(object)
    closed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picked: Picked | None = None
        self.title = QLabel()
        self.title.setObjectName("title")
        self.rule = QLabel()
        self.rule.setWordWrap(True)
        self.polar = PolarPlot()
        self.evidence = {
            key: QLabel()
            for key in ("complete", "faint", "asked", "weak", "intense", "mean", "p90", "width", "counted")
        }
        self.evidence["asked"].setToolTip(
            "Contrast to its surroundings from which membrane counts as faint at this cell: more is asked in "
            "granular brown, a little less where nothing else stands out"
        )
        self.hint = QLabel("To overrule a cell, capture the field first.")
        self.hint.setObjectName("quiet")
        self.hint.setWordWrap(True)
        self.why = QLineEdit()
        self.why.setPlaceholderText("why (kept with the case)")
        self.why.setAccessibleName("Why this cell is overruled")
        self.buttons = {category: self._category_button(category) for category in CATEGORIES}
        self.remove = QPushButton("Not a tumour cell")
        self.remove.setToolTip("Leave this cell out of the score (Delete)")
        self.remove.clicked.connect(self.remove_cell)
        self.close_button = QPushButton("Close")
        self.close_button.setToolTip("Back to the fields (Esc)")
        self.close_button.clicked.connect(self.closed)
        self._lay_out()

    def _category_button(self, category: Category) -> QPushButton:
        button = QPushButton(mark_icon(category, 18), name(category))
        button.setObjectName("category")
        button.setIconSize(QSize(18, 18))
        button.setCheckable(True)
        key = CATEGORIES.index(category) + 1
        button.setToolTip(f"This cell is {name(category)} (Ctrl+{key})")
        button.clicked.connect(lambda: self.choose(category))
        return button

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        form = QFormLayout()
        form.setVerticalSpacing(2)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        for key, text in (
            ("complete", "complete"), ("faint", "≥ faint"), ("asked", "faint from"), ("weak", "≥ weak"),
            ("intense", "≥ intense"),
            ("mean", "DAB mean"), ("p90", "DAB 90 %"), ("width", "width"), ("counted", "counted"),
        ):  # fmt: skip
            label = QLabel(text)
            label.setObjectName("quiet")
            form.addRow(label, self.evidence[key])
        self._evidence = QWidget()
        facts = QHBoxLayout(self._evidence)
        facts.setContentsMargins(0, 0, 0, 0)
        facts.addWidget(self.polar, 0, Qt.AlignmentFlag.AlignTop)
        facts.addLayout(form, 1)
        grid = QGridLayout()
        grid.setSpacing(4)
        for i, button in enumerate(self.buttons.values()):
            grid.addWidget(button, i // 2, i % 2)
        self._hands = QWidget()
        hands = QVBoxLayout(self._hands)
        hands.setContentsMargins(0, 0, 0, 0)
        hands.setSpacing(4)
        self.ask = QLabel("Overrule")
        self.ask.setObjectName("heading")
        hands.addWidget(self.ask)
        hands.addLayout(grid)
        hands.addWidget(self.why)
        hands.addWidget(self.remove)
        inner = QWidget()
        inner.setObjectName("scrolled")
        column = QVBoxLayout(inner)
        column.setContentsMargins(12, 6, 12, 6)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.rule)
        column.addWidget(self._evidence)
        column.addWidget(self._hands)
        column.addWidget(self.hint)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for enough to read the rule; the rest scrolls."""
        return QSize(240, 7 * self.fontMetrics().height())

    def show_cell(self, cells: CellTable, index: int, number: int | None) -> None:
        """Show a cell of a table; `number` is its captured field, None in the live picture."""
        y, x = (float(v) for v in cells.yx_px[index])
        new = self.picked is None or self.picked.number != number or self.picked.index != index
        self.picked = Picked(number, index, (y, x))
        category = Category(int(cells.category[index]))
        rule = RULES[int(cells.rule[index])]
        where = "live" if number is None else f"field {number}"
        self.title.setText(name(category).capitalize())
        self.rule.setText(f"{RULE_WORDS[rule]} ({where}, rule {rule})")
        share = cells.stained_share[index]
        e = self.evidence
        e["complete"].setText(f"{100 * cells.completeness[index]:.0f} %")
        for level, key in enumerate(("faint", "weak", "intense")):
            e[key].setText(f"{100 * share[level]:.0f} % of contour")
        asked_od = float(cells.faint_asked_od[index])
        e["asked"].setText(f"contrast {asked_od:.3f} OD" if asked_od else "not asked")
        e["mean"].setText(f"{cells.membrane_dab_od[index]:.2f} OD")
        e["p90"].setText(f"{cells.membrane_dab_p90_od[index]:.2f} OD")
        e["width"].setText(f"{cells.membrane_width_um[index]:.1f} µm")
        e["counted"].setText("yes" if cells.counted[index] else "no, outside the regions")
        self.polar.show_cell(cells.contour_um[index], cells.contour_level[index])
        self._evidence.show()
        self._offer(category, live=number is None)
        if new:
            self.why.clear()

    def show_missing(self, number: int, yx_px: tuple[float, float]) -> None:
        """Ask what a cell is that was missed, at y, x in px of a captured field."""
        self.picked = Picked(number, None, yx_px)
        self.title.setText("Add a cell")
        self.rule.setText(
            f"At y {yx_px[0]:.0f}, x {yx_px[1]:.0f} px of field {number}. What is its membrane?"
        )
        self._evidence.hide()
        self._offer(None, live=False)
        self.why.clear()

    def _offer(self, category: Category | None, *, live: bool) -> None:
        for each, button in self.buttons.items():
            button.setChecked(each is category)
        self._hands.setVisible(not live)
        self.hint.setVisible(live)
        self.ask.setText("It is" if category is None else "Overrule")
        self.remove.setVisible(category is not None)

    def choose(self, category: Category) -> None:
        """Overrule the cell, or add it."""
        picked, why = self.picked, self.why.text().strip()
        if picked is None or picked.number is None:
            return
        if picked.index is None:
            self.command_wanted.emit(AddCell(picked.number, *picked.yx_px, category, why))
            self.closed.emit()
        else:
            self.command_wanted.emit(ReclassifyCell(picked.number, picked.index, category, why))

    def remove_cell(self) -> None:
        """Say that the cell is none."""
        picked = self.picked
        if picked is not None and picked.number is not None and picked.index is not None:
            why = self.why.text().strip()
            self.command_wanted.emit(RemoveCell(picked.number, picked.index, why))
            self.closed.emit()
