"""The camera's page of the guided set-up."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QWidget,
)

from armicro.contracts.errors import ArmicroError
from armicro.devices.found import CamerasFound
from armicro.session.instrument_choice import InstrumentChoice
from armicro.ui.setup_desk import Preview, SetupDesk
from armicro.ui.setup_page import PLACE, SetupPage, listed, listed_item
from armicro.ui.steps import said, words_label
from armicro.ui.still_view import StillView
from armicro.ui.worker import Worker

_LOOK_MS = 100


class Held:
    """The one camera that is open; `show` is called by the worker's thread alone.

    Parameters
    ----------
    desk : SetupDesk
        Opens cameras.
    """

    def __init__(self, desk: SetupDesk) -> None:
        self._desk = desk
        self.now: tuple[str, Preview | None, str] = ("", None, "")
        """Of which camera, its preview, and why there is none."""

    def show(self, choice: InstrumentChoice | None) -> None:
        """Let go of the camera that is open, and open another one."""
        _, before, _ = self.now
        self.now = ("", None, "")
        if before is not None:
            before.close()
        if choice is not None:
            try:
                self.now = (choice.camera, self._desk.preview(choice), "")
            except (ArmicroError, OSError) as error:
                self.now = (choice.camera, None, str(error))


class CameraPage(SetupPage):
    """Which camera: found by itself, or named; its picture stands beside the list."""

    def __init__(self, desk: SetupDesk, choice: Callable[[], InstrumentChoice], worker: Worker) -> None:
        super().__init__(
            "Camera",
            "Choose the camera of the microscope; its picture appears. Without one take the simulated slide.",
            desk,
            choice,
        )
        self._worker = worker
        self._held = Held(desk)
        self._opened = ""
        self.list = QListWidget()
        self.list.setAccessibleName("Cameras that were found")
        self.list.setWordWrap(True)
        self.list.currentItemChanged.connect(self._pick)
        self.other = QLineEdit()
        self.other.setPlaceholderText("or: genicam:SERIAL, webcam:1, replay:FILE")
        self.other.setToolTip("A camera that was not found, as --camera takes it; Enter chooses it")
        self.other.returnPressed.connect(self._name)
        self.again = QPushButton("Look &again")
        self.again.setAutoDefault(False)
        self.again.setToolTip("Look for cameras once more: plug the camera in first")
        self.again.clicked.connect(self._look)
        self.cti = QLineEdit(", ".join(desk.present.cti))
        self.cti.setPlaceholderText("GenTL producer (.cti), if the camera's is not registered")
        self.cti.setToolTip("File of the camera maker's software; it sets GENICAM_GENTL64_PATH by itself")
        self.cti.editingFinished.connect(self._set_cti)
        self.picture = StillView("Picture of the camera")
        self.words, self.notes = words_label(), words_label()
        left = QWidget()
        grid = QGridLayout(left)
        grid.setContentsMargins(0, 0, 0, 0)
        for row, widget in enumerate((self.list, self.again, self.other, self.cti, self.notes)):
            grid.addWidget(widget, row, 0)
        left.setFixedWidth(21 * self.fontMetrics().height())
        across = QHBoxLayout()
        across.addWidget(left)
        across.addWidget(self.picture, 1)
        self.body.addLayout(across, 1)
        self.body.addWidget(self.words)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._show)
        self._looked = False

    def enter(self) -> None:
        """Look for cameras, and at the one that is chosen."""
        self._timer.start(_LOOK_MS)
        if not self._looked:
            self._look()
        else:
            self._open()

    def leave(self) -> None:
        """Let go of the camera."""
        self._timer.stop()
        self._close()

    def _look(self) -> None:
        self._looked = True
        self.again.setEnabled(False)
        said(self.notes, "Looking for cameras…")
        cti = self.choice.cti
        self._worker.submit(lambda: self.desk.cameras(cti), self._take)

    def _take(self, found: object) -> None:
        self.again.setEnabled(True)
        if not isinstance(found, CamerasFound):
            return
        self.list.blockSignals(True)
        self.list.clear()
        for camera in found.cameras:
            self.list.addItem(listed_item(camera.address, f"{camera.words}\n{camera.address}"))
        if listed(self.list, self.choice.camera) is None:
            before = self.choice.camera
            self.list.addItem(listed_item(before, f"as chosen before\n{before}"))
        self.list.setCurrentItem(listed(self.list, self.choice.camera))
        self.list.blockSignals(False)
        said(self.notes, "\n".join(found.notes))
        self._open()

    def _pick(self, item: QListWidgetItem | None) -> None:
        if item is not None and item.data(PLACE) != self.choice.camera:
            self.choose(camera=str(item.data(PLACE)))
            self._open()

    def _name(self) -> None:
        address = self.other.text().strip()
        if address:
            if listed(self.list, address) is None:
                self.list.addItem(listed_item(address, f"named by hand\n{address}"))
            self.list.setCurrentItem(listed(self.list, address))

    def _set_cti(self) -> None:
        cti = tuple(p.strip() for p in self.cti.text().split(",") if p.strip())
        if cti != self.choice.cti:
            self.choose(cti=cti)
            self._look()

    def _open(self) -> None:
        """Open the chosen camera in the worker's thread, once the one before was let go."""
        choice = self.choice
        if self._opened != choice.camera:
            self._opened = choice.camera
            self.picture.set_picture(None, "Opening…")
            self._worker.submit(lambda: self._held.show(choice), lambda _: None)

    def _close(self) -> None:
        if self._opened:
            self._opened = ""
            self._worker.submit(lambda: self._held.show(None), lambda _: None)

    def _show(self) -> None:
        """Show the newest picture of the camera that was opened last."""
        camera, preview, problem = self._held.now
        if camera != self._opened:
            return
        rgb, words, failed = (None, problem, True) if preview is None else preview.newest()
        self.picture.set_picture(rgb, words)
        said(self.words, words, warn=failed)
