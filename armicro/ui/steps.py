"""A dialog of pages with their names at the side: the frame of the guided set-up and of the calibrations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from armicro.ui.theme import rename

_SIDE_LETTERS = 13


class Page(QWidget):
    """One page: a title, what to do, and below it what the page itself puts there.

    Parameters
    ----------
    title : str
        Its name at the side and at its head.
    hint : str
        What to do here, in a sentence or two.
    """

    changed = pyqtSignal()
    """Whether it is complete may have changed."""

    def __init__(self, title: str, hint: str) -> None:
        super().__init__()
        self.title = title
        head, self.hint = QLabel(title), QLabel(hint)
        head.setObjectName("title")
        self.hint.setObjectName("quiet")
        self.hint.setWordWrap(True)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(18, 14, 18, 10)
        self.body.setSpacing(8)
        self.body.addWidget(head)
        self.body.addWidget(self.hint)

    def enter(self) -> None:
        """Begin: the page is shown now."""

    def leave(self) -> None:
        """End what runs only while the page is shown. May be called twice."""

    def complete(self) -> bool:
        """Whether one can go on from here."""
        return True


class StepDialog(QDialog):
    """Pages in an order, one shown at a time.

    Parameters
    ----------
    title : str
        Of the window.
    pages : sequence of Page
        In order.
    parent : QWidget or None
        The window it belongs to.
    free : bool
        Whether any page can be gone to at once; else only those that were seen.
    """

    def __init__(
        self, title: str, pages: Sequence[Page], parent: QWidget | None = None, *, free: bool = False
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.pages, self._free, self._seen = tuple(pages), free, 0
        self.stack = QStackedWidget()
        self.names: list[QPushButton] = []
        side = QVBoxLayout()
        side.setContentsMargins(10, 16, 6, 10)
        side.setSpacing(2)
        for place, page in enumerate(self.pages):
            scrolled = QScrollArea()
            scrolled.setWidgetResizable(True)
            page.setObjectName("scrolled")
            scrolled.setWidget(page)
            self.stack.addWidget(scrolled)
            name = QPushButton(page.title if free else f"{place + 1}  {page.title}")
            name.setObjectName("step")
            name.setCheckable(True)
            name.setAutoDefault(False)
            name.clicked.connect(lambda _, at=place: self.go_to(at))
            side.addWidget(name)
            self.names.append(name)
            page.changed.connect(self.refresh)
        side.addStretch()
        research = QLabel("Research use only")
        research.setObjectName("quiet")
        side.addWidget(research)
        left = QWidget()
        left.setLayout(side)
        left.setFixedWidth(_SIDE_LETTERS * self.fontMetrics().height())
        self.foot = QHBoxLayout()
        self.foot.setContentsMargins(18, 6, 18, 12)
        self.back = self._button("&Back", lambda: self.go_to(self.place - 1))
        self.next = self._button("&Next", self.go_on)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(left)
        middle.addWidget(self.stack, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(middle, 1)
        whole.addLayout(self.foot)
        self._ended = False

    @staticmethod
    def _button(text: str, act: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _: act())
        return button

    @property
    def place(self) -> int:
        """Which page is shown."""
        return self.stack.currentIndex()

    @property
    def page(self) -> Page:
        """The page that is shown."""
        return self.pages[self.place]

    def begin(self) -> None:
        """Enter the first page."""
        self.page.enter()
        self.refresh()

    def go_to(self, place: int) -> None:
        """Show another page."""
        if 0 <= place < len(self.pages) and place != self.place and (self._free or place <= self._seen + 1):
            self.page.leave()
            self.stack.setCurrentIndex(place)
            self._seen = max(self._seen, place)
            self.page.enter()
        self.refresh()

    def go_on(self) -> None:
        """Go to the next page, or end after the last."""
        if self.place == len(self.pages) - 1:
            self.accept()
        elif self.page.complete():
            self.go_to(self.place + 1)

    def refresh(self) -> None:
        """Offer what can be done now."""
        last = self.place == len(self.pages) - 1
        for at, name in enumerate(self.names):
            name.setChecked(at == self.place)
            name.setEnabled(self._free or at <= self._seen)
        self.back.setEnabled(self.place > 0)
        self.next.setEnabled(self.page.complete())
        self.next.setText("&Keep and start" if last else "&Next")
        rename_button(self.next, "capture")

    def end(self) -> None:
        """Leave the page that is shown; called once, however the dialog is closed."""
        if not self._ended:
            self._ended = True
            self.page.leave()

    def done(self, result: int) -> None:
        """Close."""
        self.end()
        super().done(result)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Close by the window's own button."""
        self.end()
        super().closeEvent(event)


def rename_button(button: QPushButton, name: str) -> None:
    """Give a button another role of the style sheet."""
    if button.objectName() != name:
        button.setObjectName(name)
        style = button.style()
        if style is not None:
            style.unpolish(button)
            style.polish(button)


def said(label: QLabel, words: str, *, warn: bool = False) -> None:
    """Let a label say something, and look like it."""
    label.setText(words)
    label.setVisible(bool(words))
    rename(label, "warn" if warn else "quiet")


def words_label() -> QLabel:
    """Make a label for sentences."""
    label = QLabel()
    label.setObjectName("quiet")
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
