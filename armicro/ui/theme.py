"""Colours, sizes and the style sheet of the windows: dark, for a dim room.

Surfaces are near black so that the screen does not spoil eyes adapted to the oculars; text is a soft white
at 12:1 or better against them. The colours that mean something (a fault, a warning, a lock) keep away from
the colours of the six categories, which belong to the tissue alone.
"""

from __future__ import annotations

from typing import Final

from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication, QLabel

BACKGROUND: Final = "#0d0f11"
PANEL: Final = "#15181b"
RAISED: Final = "#20252a"
HOVER: Final = "#2a3138"
LINE: Final = "#38414a"
TEXT: Final = "#dfe3e7"
QUIET: Final = "#a3adb7"
FADED: Final = "#6d7781"
ACCENT: Final = "#8cc2ee"
CHOSEN: Final = "#20435f"
WARN: Final = "#f0b64a"
DANGER: Final = "#ff9388"
DANGER_GROUND: Final = "#561f1b"
GOOD: Final = "#7fd6a4"

BROWNS: Final = ("#3a4148", "#6e5a45", "#a8763c", "#e08b32")
"""No, faint, weak and intense staining as densities: grey, then brown that grows in strength."""

LEAST_FONT_PX: Final = 10
GREATEST_FONT_PX: Final = 28


def rename(label: QLabel, name: str) -> None:
    """Give a label another role of the style sheet."""
    if label.objectName() != name:
        label.setObjectName(name)
        style = label.style()
        if style is not None:
            style.unpolish(label)
            style.polish(label)


def fitting_font_px(screen_height_px: int) -> int:
    """Return the letter size that suits a screen: 12 px up to 900 rows, 14 at 1080, 26 at 2160."""
    return min(max(round(screen_height_px / 78), 12), 26)


def apply_theme(app: QApplication, font_px: int) -> None:
    """Dress an application.

    Parameters
    ----------
    app : QApplication
        Dressed as a whole, so that dialogs and tooltips follow.
    font_px : int
        Height of ordinary letters, logical px; all else is derived from it.
    """
    app.setStyle("Fusion")
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, colour in (
        (roles.Window, PANEL),
        (roles.WindowText, TEXT),
        (roles.Base, BACKGROUND),
        (roles.AlternateBase, RAISED),
        (roles.Text, TEXT),
        (roles.Button, RAISED),
        (roles.ButtonText, TEXT),
        (roles.BrightText, DANGER),
        (roles.Highlight, CHOSEN),
        (roles.HighlightedText, TEXT),
        (roles.ToolTipBase, RAISED),
        (roles.ToolTipText, TEXT),
        (roles.PlaceholderText, FADED),
        (roles.Link, ACCENT),
    ):
        palette.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(FADED))
    app.setPalette(palette)
    app.setStyleSheet(sheet(font_px))


def sheet(font_px: int) -> str:
    """Return the style sheet for a letter size, px."""
    small, title, big = round(font_px * 0.88), round(font_px * 1.25), round(font_px * 3.1)
    pad, round_px = max(2, font_px // 4), max(3, font_px // 3)
    return f"""
* {{ font-size: {font_px}px; color: {TEXT}; }}
*:disabled {{ color: {FADED}; }}
QMainWindow, QDialog, QWidget#panel {{ background: {PANEL}; }}
QWidget#header, QWidget#statusline {{ background: {PANEL}; }}
QWidget#tools {{ background: {BACKGROUND}; }}
QLabel {{ background: transparent; }}
QLabel#waiting {{ color: {QUIET}; font-size: {title}px; }}
QLabel#quiet {{ color: {QUIET}; font-size: {small}px; }}
QLabel#heading {{ color: {QUIET}; font-size: {small}px; font-weight: 600; }}
QLabel#title {{ font-size: {title}px; font-weight: 600; }}
QLabel#strong {{ font-weight: 600; }}
QLabel#score {{ font-size: {big}px; font-weight: 700; }}
QLabel#warn {{ color: {WARN}; font-size: {small}px; }}
QLabel#badge {{ color: {BACKGROUND}; background: {WARN}; font-weight: 700; font-size: {small}px;
  border-radius: {round_px}px; padding: 1px {2 * pad}px; }}
QLabel#key {{ background: {RAISED}; border: 1px solid {LINE}; border-bottom: 2px solid {LINE};
  border-radius: {round_px}px; padding: 0px {2 * pad}px; }}
QPushButton, QToolButton, QLineEdit {{ background: {RAISED};
  border: 1px solid {LINE}; border-radius: {round_px}px; padding: {pad}px {2 * pad}px; }}
QLineEdit {{ background: {BACKGROUND}; }}
QPushButton:hover, QToolButton:hover {{ background: {HOVER}; }}
QPushButton:focus, QToolButton:focus, QLineEdit:focus
  {{ border-color: {ACCENT}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {CHOSEN}; }}
QPushButton:checked, QToolButton:checked {{ background: {CHOSEN}; border-color: {ACCENT}; }}
QPushButton:disabled, QToolButton:disabled
  {{ color: {FADED}; background: {PANEL}; border-color: {RAISED}; }}
QPushButton#category {{ text-align: left; padding: {pad}px {pad}px; }}
QPushButton#capture {{ font-weight: 600; background: {CHOSEN}; border-color: {ACCENT}; }}
QPushButton#capture:disabled {{ background: {PANEL}; border-color: {RAISED}; }}
QToolButton::menu-indicator {{ image: none; width: 0px; }}
QComboBox QAbstractItemView {{ background: {RAISED}; border: 1px solid {LINE};
  selection-background-color: {CHOSEN}; }}
QCheckBox {{ spacing: {pad + 2}px; }}
QCheckBox::indicator {{ width: {font_px - 3}px; height: {font_px - 3}px; border: 1px solid {FADED};
  border-radius: 3px; background: {BACKGROUND}; }}
QCheckBox::indicator:checked {{ background: {ACCENT}; border-color: {ACCENT}; }}
QCheckBox::indicator:disabled {{ border-color: {LINE}; }}
QCheckBox::indicator:checked:disabled {{ background: {FADED}; }}
QMenuBar {{ background: {PANEL}; padding: 0px; }}
QMenuBar::item {{ padding: {pad}px {2 * pad}px; background: transparent; }}
QMenuBar::item:selected, QMenu::item:selected {{ background: {CHOSEN}; }}
QMenu {{ background: {RAISED}; border: 1px solid {LINE}; }}
QMenu::item {{ padding: {pad}px {4 * pad}px; }}
QMenu::item:disabled {{ color: {FADED}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: {pad}px; }}
QPushButton#step {{ text-align: left; border-color: transparent; background: transparent;
  padding: {2 * pad}px {2 * pad}px; }}
QPushButton#step:hover {{ background: {RAISED}; }}
QPushButton#step:checked {{ background: {CHOSEN}; border-color: {ACCENT}; }}
QPushButton#step:disabled {{ background: transparent; border-color: transparent; }}
QListWidget {{ background: {BACKGROUND}; border: 1px solid {LINE}; border-radius: {round_px}px; }}
QListWidget:focus {{ border-color: {ACCENT}; }}
QListWidget::item {{ padding: {pad}px {2 * pad}px; }}
QListWidget::item:selected {{ background: {CHOSEN}; color: {TEXT}; }}
QTabBar::tab {{ background: transparent; color: {QUIET}; padding: {pad}px {3 * pad}px;
  border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {TEXT}; border-bottom: 2px solid {ACCENT}; }}
QTabBar::tab:focus {{ color: {ACCENT}; }}
QTabWidget::pane {{ border: none; }}
QScrollArea, QScrollArea > QWidget > QWidget#scrolled {{ background: {PANEL}; border: none; }}
QFrame#card {{ background: {RAISED}; border: 1px solid {RAISED}; border-radius: {round_px}px; }}
QFrame#card[shown="true"] {{ border: 1px solid {ACCENT}; }}
QFrame#card[removed="true"] {{ background: {PANEL}; border: 1px dashed {LINE}; }}
QFrame#banner {{ background: {DANGER_GROUND}; border: 1px solid {DANGER}; border-radius: {round_px}px; }}
QFrame#notice {{ background: {RAISED}; border: 1px solid {WARN}; border-radius: {round_px}px; }}
QFrame#rule {{ background: {LINE}; border: none; }}
QProgressBar {{ background: {RAISED}; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 2px; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: {pad}px; }}
QSplitter::handle {{ background: {BACKGROUND}; }}
QSplitter::handle:hover {{ background: {ACCENT}; }}
QScrollBar:vertical {{ background: {PANEL}; width: 10px; margin: 0px; }}
QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 4px; min-height: 24px; margin: 1px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0px; width: 0px; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: none; }}
"""
