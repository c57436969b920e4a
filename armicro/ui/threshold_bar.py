"""The stain: histogram, thresholds in figures, what moving one does, and the profile they belong to."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from PyQt6.QtCore import QSignalBlocker, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from armicro.contracts.errors import ProfileError
from armicro.contracts.score import CaseSummary
from armicro.contracts.stain import DabThresholds
from armicro.session.view import HISTOGRAM_OD, LiveView, ScoreChange, SessionSnapshot
from armicro.ui.histogram import Handle, Histogram, moved
from armicro.ui.hooks import Hooks
from armicro.ui.stain_pick import StainPick
from armicro.ui.theme import rename

_DEFAULT_FAINT_SHARE = 0.45
"""Where the faint level begins when it is switched on: this share of the weak threshold."""


def score_words(summary: CaseSummary | None) -> str:
    """Return a score in two characters, or a dash."""
    return (summary.score.score if summary is not None else None) or "–"


def _shares_words(before: CaseSummary, after: CaseSummary) -> str:
    """Say how the share that decides moves, where the same one decides before and after."""
    old, new = before.cutoff, after.cutoff
    if old is None or new is None or old.quantity != new.quantity:
        return ""
    return f" · {new.quantity} {100 * old.share:.1f} → {100 * new.share:.1f} %"


class ThresholdBar(QWidget):
    """Histogram with handles, spin boxes and the buttons of the profile."""

    thresholds_wanted = pyqtSignal(object, bool)
    """`DabThresholds`, and whether they are a preview."""
    profile_wanted = pyqtSignal(str)
    """What is wanted of the profile: "choose", "save" or "lock"."""
    pick_wanted = pyqtSignal(bool)
    vector_applied = pyqtSignal(str, object)

    def __init__(self, hooks: Hooks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.histogram = Histogram()
        self.histogram.previewed.connect(lambda t: self._want(t, preview=True))
        self.histogram.committed.connect(lambda t: self._want(t, preview=False))
        self.spins = {handle: self._spin(handle) for handle in Handle}
        self.faint_on = QCheckBox("faint")
        self.faint_on.setToolTip(
            "Tell faint from none. Off leaves the five categories of the published reading"
        )
        self.faint_on.toggled.connect(self._toggle_faint)
        self.change = QLabel()
        self.change.setWordWrap(True)
        self.change.setObjectName("strong")
        self.change.setAccessibleName("What moving a threshold does")
        self.lock_text = QLabel()
        self.lock_text.setObjectName("warn")
        self.lock_text.setWordWrap(True)
        self.stain_pick = StainPick()
        self.stain_pick.applied.connect(self._apply_vector)
        self.stain_pick.cancelled.connect(lambda: self.set_picking(on=False))
        self._thresholds: DabThresholds | None = None
        self._locked = False
        self._lay_out(hooks)

    def _lay_out(self, hooks: Hooks) -> None:
        numbers = QGridLayout()
        numbers.setHorizontalSpacing(6)
        numbers.setVerticalSpacing(3)
        for row, handle in enumerate(Handle):
            label = self.faint_on if handle is Handle.FAINT else QLabel(handle.word)
            numbers.addWidget(label, row, 0)
            numbers.addWidget(self.spins[handle], row, 1)
        self.choose = self._button("C&hoose profile…", "Use another stain profile (Ctrl+P)", "choose")
        self.save = self._button("Sa&ve as…", "Keep these thresholds as a profile of your own", "save")
        self.lock = self._button(
            "Loc&k…",
            "Lock the settings under a name: they can then not be changed, and results say so",
            "lock",
        )
        self.save.setVisible(hooks.save_profile is not None)
        self.lock.setVisible(hooks.lock_profile is not None)
        self.pick = QPushButton("&Pick stain…")
        self.pick.setCheckable(True)
        self.pick.setToolTip("Measure a stain's colour in the live picture (K)")
        self.pick.setVisible(hooks.apply_stain_vector is not None)
        self.pick.toggled.connect(lambda on: self.set_picking(on=on))
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for button in (self.choose, self.save, self.lock, self.pick):
            buttons.addWidget(button)
        buttons.addStretch()
        plain = QWidget()
        words = QVBoxLayout(plain)
        words.setContentsMargins(0, 0, 0, 0)
        words.setSpacing(2)
        words.addWidget(self.change)
        words.addWidget(self.lock_text)
        words.addStretch()
        self._pages = QStackedWidget()
        self._pages.addWidget(plain)
        self._pages.addWidget(self.stain_pick)
        side = QVBoxLayout()
        side.setSpacing(4)
        side.addLayout(buttons)
        side.addWidget(self._pages, 1)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(8, 4, 8, 6)
        whole.setSpacing(10)
        whole.addWidget(self.histogram, 5)
        whole.addLayout(numbers)
        whole.addLayout(side, 3)

    def _spin(self, handle: Handle) -> QDoubleSpinBox:
        spin = QDoubleSpinBox()
        spin.setDecimals(3)
        spin.setRange(0.001, HISTOGRAM_OD[1])
        spin.setSingleStep(0.005)
        spin.setKeyboardTracking(False)
        spin.setAccessibleName(f"Threshold {handle.word}, log10 optical density of DAB")
        spin.setToolTip(f"{handle.word} membrane begins here, log10 OD of DAB")
        spin.valueChanged.connect(lambda od, h=handle: self._typed(h, od))
        return spin

    def _button(self, text: str, tip: str, what: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda: self.profile_wanted.emit(what))
        return button

    # From the session --------------------------------------------------------------------------------

    def show_session(self, snap: SessionSnapshot, live: LiveView | None) -> None:
        """Show the thresholds in force and the newest histogram."""
        self._locked = snap.profile_locked_by is not None
        self._thresholds = snap.profile.thresholds
        self.histogram.show_counts(None if live is None else live.dab_histogram)
        self.histogram.show_thresholds(snap.profile.thresholds, locked=self._locked)
        self._show_numbers(self.histogram.thresholds if self.histogram.held else snap.profile.thresholds)
        self.lock.setEnabled(not self._locked)
        self.pick.setEnabled(not self._locked and live is not None)
        if self._locked and self.pick.isChecked():
            self.set_picking(on=False)
        self.lock_text.setVisible(self._locked)
        self.lock_text.setText(
            f"Locked as {snap.profile_locked_by}. To release: armicro lock release --reason …"
        )
        self.change.setText(self._change_words(snap.change))
        rename(self.change, "quiet" if snap.change is None else "strong")

    def _show_numbers(self, thresholds: DabThresholds | None) -> None:
        if thresholds is None:
            return
        for handle, spin in self.spins.items():
            od = getattr(thresholds, handle.value)
            spin.setEnabled(not self._locked and od is not None)
            if od is not None and not spin.hasFocus() and abs(spin.value() - od) > 1e-9:
                with QSignalBlocker(spin):
                    spin.setValue(od)
        with QSignalBlocker(self.faint_on):
            self.faint_on.setChecked(thresholds.faint_od is not None)
        self.faint_on.setEnabled(not self._locked)

    def _change_words(self, change: ScoreChange | None) -> str:
        if change is None:
            return "" if self._locked else "Move a threshold to see what it changes."
        n = change.cells_changed
        cells = f"{n:,} cell{'' if n == 1 else 's'} of the live field change{'s' if n == 1 else ''}"
        if change.before is None or change.after is None:
            return cells + "; the case is being read again…" if change.before is not None else cells
        before, after = score_words(change.before), score_words(change.after)
        case = f"Case {before}, stays {after}" if before == after else f"Case {before} → {after}"
        return f"{case}{_shares_words(change.before, change.after)}\n{cells}"

    # From the user -----------------------------------------------------------------------------------

    def _want(self, thresholds: DabThresholds, *, preview: bool) -> None:
        self._show_numbers(thresholds)
        self.thresholds_wanted.emit(thresholds, preview)

    def _typed(self, handle: Handle, od: float) -> None:
        if self._thresholds is None or self._locked:
            return
        wanted = moved(self._thresholds, handle, od)
        if wanted != self._thresholds:
            self._thresholds = wanted
            self.thresholds_wanted.emit(wanted, False)

    def _toggle_faint(self, on: bool) -> None:
        if self._thresholds is None or self._locked:
            return
        faint = round(self._thresholds.weak_od * _DEFAULT_FAINT_SHARE, 3) if on else None
        try:
            self._thresholds = replace(self._thresholds, faint_od=faint)
        except ProfileError:
            # The weak threshold is so low that no room is left below it.
            with QSignalBlocker(self.faint_on):
                self.faint_on.setChecked(False)
            return
        self.thresholds_wanted.emit(self._thresholds, False)

    def set_picking(self, *, on: bool) -> None:
        """Begin or end measuring a stain."""
        with QSignalBlocker(self.pick):
            self.pick.setChecked(on)
        self._pages.setCurrentIndex(1 if on else 0)
        if on:
            self.stain_pick.begin()
        self.pick_wanted.emit(on)

    def _apply_vector(self, stain: Literal["dab", "haematoxylin"], vector: object) -> None:
        self.set_picking(on=False)
        self.vector_applied.emit(stain, vector)
