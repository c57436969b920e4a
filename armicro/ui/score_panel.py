"""The score of the case so far, on what it rests, and what would change it."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from armicro.contracts.score import CaseSummary
from armicro.ui.gauges import CategoryTable, CutoffGauge

_TICKED = "complete and intense"
_EMPTY = "No field captured yet. Press the pedal or Space on a field of invasive tumour."


class ScorePanel(QWidget):
    """Score, decisive share, distance to the cut-off, proportions."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.score = QLabel("–")
        self.score.setObjectName("score")
        self.score.setAccessibleName("HER2 score")
        self.status = QLabel()
        self.status.setObjectName("title")
        self.basis = _quiet()
        self.reason = _wrapped()
        self.gauge = CutoffGauge()
        self.quantity = QLabel()
        self.quantity.setObjectName("heading")
        self.distance = _wrapped()
        self.distance.setObjectName("strong")
        self.settles = _wrapped()
        self.settles.setObjectName("quiet")
        self.comments = _wrapped()
        self.comments.setObjectName("warn")
        self.table = CategoryTable()
        beside = QVBoxLayout()
        beside.setSpacing(0)
        beside.addStretch()
        beside.addWidget(self.status)
        beside.addWidget(self.basis)
        beside.addStretch()
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.score)
        head.addLayout(beside, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 8)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.reason)
        column.addSpacing(4)
        column.addWidget(self.quantity)
        column.addWidget(self.gauge)
        column.addWidget(self.distance)
        column.addWidget(self.settles)
        column.addWidget(self.comments)
        column.addSpacing(6)
        column.addWidget(self.table)
        self._shown: CaseSummary | None = None
        self._compact = False
        self._show(None)

    def set_compact(self, *, on: bool) -> None:
        """Leave out all but the score and its distance from the next, where room is needed for a cell."""
        if on is not self._compact:
            self._compact = on
            self._show(self._shown)

    def show_summary(self, summary: CaseSummary | None, *, preview: bool = False) -> None:
        """Show a case.

        Parameters
        ----------
        summary : CaseSummary or None
            The case; None before the first field is read.
        preview : bool
            Whether it is what a handle on its way would make of it.
        """
        if summary is not self._shown:
            self._shown = summary
            self._show(summary)
        if summary is not None:
            self.basis.setText(self._basis(summary) + (" · preview" if preview else ""))

    @staticmethod
    def _basis(summary: CaseSummary) -> str:
        fields = f"{summary.n_fields} field{'' if summary.n_fields == 1 else 's'}"
        return f"{fields} · {summary.n_cells:,} tumour cells"

    def _show(self, summary: CaseSummary | None) -> None:
        cutoff = None if summary is None else summary.cutoff
        score = None if summary is None else summary.score
        self.score.setText((score.score if score is not None else None) or "–")
        self.reason.setText(_EMPTY if score is None else _sentence(score.reason))
        status = "no score yet" if score is None else score.status.value.replace("_", " ")
        if score is not None and score.annotation:
            status += f" · {score.annotation}"
        self.status.setText(status)
        self.basis.setText("" if summary is None else self._basis(summary))
        comments = () if score is None else score.comments
        self.comments.setText("\n".join(comments))
        self.gauge.show_cutoff(cutoff)
        if cutoff is not None:
            self.quantity.setText(cutoff.quantity)
            self.distance.setText(_sentence(cutoff.text))
            self.settles.setText(_sentence(cutoff.settles))
        whole = not self._compact
        # Each is set once: what hides and comes back makes the whole column lay itself out twice.
        shown: tuple[tuple[QWidget, bool], ...] = (
            (self.score, score is not None),
            (self.reason, whole),
            (self.gauge, cutoff is not None),
            (self.quantity, cutoff is not None),
            (self.distance, cutoff is not None),
            (self.settles, whole and cutoff is not None and bool(cutoff.settles)),
            (self.comments, whole and bool(comments)),
            (self.table, whole and summary is not None),
        )
        for widget, visible in shown:
            if widget.isHidden() is visible:
                widget.setVisible(visible)
        if summary is not None:
            # Other quantities are sums of categories: their cut-off belongs to none of the bars.
            ticked = cutoff is not None and cutoff.quantity == _TICKED
            self.table.show_counts(
                summary.counts, cutoff.threshold if cutoff is not None and ticked else None
            )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _wrapped() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _quiet() -> QLabel:
    label = QLabel()
    label.setObjectName("quiet")
    return label
