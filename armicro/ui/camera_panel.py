"""The camera's knobs."""

from __future__ import annotations

from PyQt6.QtCore import QSignalBlocker, pyqtSignal
from PyQt6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QGridLayout, QLabel, QPushButton, QWidget

from armicro.contracts.devices import CameraControls, CameraSettings
from armicro.contracts.errors import DeviceError
from armicro.ui.hooks import Hooks

_FACTOR_LIMITS = (0.1, 8.0)


class CameraPanel(QWidget):
    """Exposure, gain, white balance and the flat field; what a camera lacks is not shown."""

    failed = pyqtSignal(str)
    flat_wanted = pyqtSignal()

    def __init__(self, hooks: Hooks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controls: CameraControls | None = None
        self._settings = CameraSettings()
        self.exposure = self._spin("Exposure time, milliseconds", " ms", 2)
        self.gain = self._spin("Gain, decibel", " dB", 1)
        self.balance = tuple(
            self._spin(f"White balance, factor of {colour}", "", 2) for colour in ("red", "green", "blue")
        )
        self.exposure.valueChanged.connect(lambda ms: self._apply(CameraSettings(exposure_us=ms * 1000)))
        self.gain.valueChanged.connect(lambda db: self._apply(CameraSettings(gain_db=db)))
        for spin in self.balance:
            spin.valueChanged.connect(self._apply_balance)
        self.flat = QPushButton("Take &flat field…")
        self.flat.setToolTip(
            "White point and evenness of the light, from empty glass (menu Instrument, Calibrate)"
        )
        self.flat.setVisible(hooks.calibration is not None)
        self.flat.clicked.connect(self.flat_wanted)
        self.read_again = QPushButton("Read &again")
        self.read_again.setToolTip("Ask the camera what is set now")
        self.read_again.clicked.connect(self.refresh)
        self.note = QLabel("Changing these changes every colour: thresholds were tuned with other settings.")
        self.note.setObjectName("quiet")
        self.note.setWordWrap(True)
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 6, 8, 6)
        grid.setHorizontalSpacing(10)
        self._labels = {}
        for column, (text, widget) in enumerate((("exposure", self.exposure), ("gain", self.gain))):
            self._labels[text] = label = QLabel(text)
            label.setObjectName("quiet")
            grid.addWidget(label, 0, column)
            grid.addWidget(widget, 1, column)
        self._labels["balance"] = label = QLabel("white balance  R · G · B")
        label.setObjectName("quiet")
        grid.addWidget(label, 0, 2, 1, 3)
        for i, spin in enumerate(self.balance):
            grid.addWidget(spin, 1, 2 + i)
        grid.addWidget(self.flat, 1, 5)
        grid.addWidget(self.read_again, 1, 6)
        grid.addWidget(self.note, 2, 0, 1, 7)
        grid.setColumnStretch(7, 1)
        grid.setRowStretch(3, 1)

    def _spin(self, what: str, unit: str, decimals: int) -> QDoubleSpinBox:
        spin = QDoubleSpinBox()
        spin.setKeyboardTracking(False)
        spin.setDecimals(decimals)
        spin.setSuffix(unit)
        spin.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        spin.setAccessibleName(what)
        spin.setToolTip(what)
        return spin

    def set_controls(self, controls: CameraControls | None) -> None:
        """Show another camera's knobs; None where there are none."""
        if controls is not self._controls:
            self._controls = controls
            self.setEnabled(controls is not None)
            if controls is not None:
                self.refresh()

    def refresh(self) -> None:
        """Read what is set and what can be set."""
        if self._controls is None:
            return
        try:
            settings, limits = self._controls.read(), self._controls.limits()
        except DeviceError as error:
            self.failed.emit(str(error))
            return
        low, high = limits.get("exposure_us", (1.0, 1e6))
        self._limit(self.exposure, low / 1000, high / 1000)
        self._limit(self.gain, *limits.get("gain_db", (0.0, 48.0)))
        for spin in self.balance:
            self._limit(spin, *limits.get("white_balance", _FACTOR_LIMITS))
        self._show(settings)

    @staticmethod
    def _limit(spin: QDoubleSpinBox, low: float, high: float) -> None:
        with QSignalBlocker(spin):
            spin.setRange(low, high)
        about = spin.accessibleName()
        spin.setToolTip(f"{about}: {low:g} to {high:g}{spin.suffix()}")

    def _show(self, settings: CameraSettings) -> None:
        self._settings = settings
        exposure_ms = None if settings.exposure_us is None else settings.exposure_us / 1000
        known = [(self.exposure, exposure_ms), (self.gain, settings.gain_db)]
        known += list(zip(self.balance, settings.white_balance or (None,) * 3, strict=True))
        for spin, value in known:
            spin.setVisible(value is not None)
            if value is not None:
                with QSignalBlocker(spin):
                    spin.setValue(value)
        self._labels["exposure"].setVisible(exposure_ms is not None)
        self._labels["gain"].setVisible(settings.gain_db is not None)
        self._labels["balance"].setVisible(settings.white_balance is not None)

    def _apply(self, wanted: CameraSettings) -> None:
        if self._controls is None:
            return
        try:
            self._show(self._controls.apply(wanted))
        except DeviceError as error:
            self.failed.emit(str(error))
            self.refresh()

    def _apply_balance(self) -> None:
        red, green, blue = (spin.value() for spin in self.balance)
        self._apply(CameraSettings(white_balance=(red, green, blue)))
