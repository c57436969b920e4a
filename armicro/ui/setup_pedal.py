"""The pedal's page of the guided set-up."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QLabel, QLineEdit, QListWidget, QListWidgetItem

from armicro.contracts.devices import LinkEvent, LinkState, PedalPress
from armicro.contracts.errors import ArmicroError
from armicro.devices.key_pedal import KeyPedal
from armicro.session.instrument_choice import KEYBOARD, InstrumentChoice
from armicro.session.pedal_trial import MEANING, WANTED, PedalTrial
from armicro.ui.keys import SpaceBar
from armicro.ui.setup_desk import SetupDesk
from armicro.ui.setup_page import PLACE, SetupPage, listed, listed_item
from armicro.ui.steps import said, words_label
from armicro.ui.theme import rename


class PedalPage(SetupPage):
    """Which pedal, and whether its presses arrive."""

    _heard = pyqtSignal(object)
    _linked = pyqtSignal(object)

    def __init__(self, desk: SetupDesk, choice: Callable[[], InstrumentChoice]) -> None:
        super().__init__(
            "Pedal",
            "Choose the pedal, then press it: short, held, and twice. The space bar is always there as well; "
            "a USB pedal that sends a key is set to send Space.",
            desk,
            choice,
        )
        self.trial = PedalTrial()
        self._stop: Callable[[], None] | None = None
        self._space: SpaceBar | None = None
        self.list = QListWidget()
        self.list.setAccessibleName("Pedals that can be chosen")
        self.list.currentItemChanged.connect(self._pick)
        self.other = QLineEdit()
        self.other.setPlaceholderText("or: contact:/dev/ttyUSB0, socket://host:port")
        self.other.setToolTip("A pedal's address as --pedal takes it; Enter chooses it")
        self.other.returnPressed.connect(self._name)
        self.words = words_label()
        self.words.setObjectName("title")
        self.line = words_label()
        self.marks = {gesture: QLabel() for gesture in WANTED}
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        for row, gesture in enumerate(WANTED):
            name, does = MEANING[gesture]
            meaning = QLabel(does)
            meaning.setObjectName("quiet")
            grid.addWidget(self.marks[gesture], row, 0)
            grid.addWidget(QLabel(name), row, 1)
            grid.addWidget(meaning, row, 2)
        grid.setColumnStretch(3, 1)
        self.list.setFixedHeight(9 * self.fontMetrics().height() * 2)
        self.body.addWidget(self.list)
        self.body.addWidget(self.other)
        self.body.addSpacing(14)
        self.body.addWidget(self.words)
        self.body.addSpacing(4)
        self.body.addLayout(grid)
        self.body.addSpacing(4)
        self.body.addWidget(self.line)
        self.body.addStretch(1)
        self._heard.connect(self._take)
        self._linked.connect(self._tell_line)

    def enter(self) -> None:
        """List the ports and listen to the pedal that is chosen."""
        self.list.blockSignals(True)
        self.list.clear()
        choices = [(KEYBOARD, "Keyboard: the space bar"), ("", "No pedal on a port, no test")]
        choices[1:1] = [(p.address, f"{p.address}   {p.words}") for p in self.desk.ports()]
        now = self.choice.pedal or ""
        if now not in dict(choices):
            choices.append((now, f"{now}   as chosen before"))
        for address, words in choices:
            self.list.addItem(listed_item(address, words))
        self.list.setCurrentItem(listed(self.list, now))
        self.list.blockSignals(False)
        self._listen()

    def leave(self) -> None:
        """Listen no more."""
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()
        if self._space is not None:
            self._space.end()
            self._space = None

    def _pick(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.choose(pedal=item.data(PLACE) or None, pedal_profile=None)
            self._listen()

    def _name(self) -> None:
        address = self.other.text().strip()
        if address and listed(self.list, address) is None:
            self.list.addItem(listed_item(address, address))
        self.list.setCurrentItem(listed(self.list, address))

    def _listen(self) -> None:
        self.leave()
        self.trial = PedalTrial()
        said(self.line, "")
        choice = self.choice
        if choice.pedal == KEYBOARD:
            window = self.window()
            assert window is not None
            self._space = SpaceBar(window, KeyPedal(self._heard.emit, "space bar"))
        try:
            self._stop = self.desk.listen(choice, self._heard.emit, self._linked.emit)
        except ArmicroError as error:
            said(self.line, str(error), warn=True)
        self._show()

    def _take(self, press: PedalPress) -> None:
        self.trial.heard(press)
        self._show()

    def _tell_line(self, event: LinkEvent) -> None:
        said(self.line, event.words, warn=event.state is LinkState.LOST)

    def _show(self) -> None:
        self.words.setText("" if self.choice.pedal is None else self.trial.words)
        for gesture, mark in self.marks.items():
            n = self.trial.count(gesture)
            # Told by shape before colour.
            mark.setText(f"✓  {n}" if n else "○")
            rename(mark, "title" if n else "quiet")
        self.changed.emit()
