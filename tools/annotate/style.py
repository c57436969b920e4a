"""Colours of the window and of the marks.

Marks differ by shape and by colour: circle, diamond, triangle in yellow, cyan and pink, which differ in
lightness and along blue and yellow, so that they stay apart without red and green; each has a dark casing
that carries it over pale glass. None of the three occurs in tissue stained blue and brown.
"""

from __future__ import annotations

from tools.annotate.model import Kind

BACKGROUND = "#17191c"
PANEL = "#1f2226"
RAISED = "#2a2e34"
LINE = "#3a3f47"
TEXT = "#e6e8eb"
QUIET = "#a2a9b3"
ACCENT = "#5aa9f8"
WARN = "#f2b84b"
DANGER = "#ff8a80"
GOOD = "#6fd3a0"

KIND_COLOURS = {Kind.TUMOUR: "#ffe14d", Kind.OTHER: "#3fe3ff", Kind.UNCERTAIN: "#ff9ad5"}
CASING = "#101214"

SHEET = f"""
* {{ font-size: 13px; color: {TEXT}; }}
QMainWindow, QWidget#panel {{ background: {PANEL}; }}
QWidget#view {{ background: {BACKGROUND}; }}
QLabel {{ background: transparent; }}
QLabel#quiet {{ color: {QUIET}; font-size: 12px; }}
QLabel#heading {{ color: {QUIET}; font-size: 11px; font-weight: 600; }}
QLabel#title {{ font-size: 20px; font-weight: 600; }}
QListWidget {{ background: {PANEL}; border: none; outline: none; }}
QListWidget::item {{ padding: 6px 8px; border-radius: 4px; margin: 1px 4px; }}
QListWidget::item:hover {{ background: {RAISED}; }}
QListWidget::item:selected {{ background: #2c4a68; color: {TEXT}; }}
QPushButton {{ background: {RAISED}; border: 1px solid {LINE}; border-radius: 4px; padding: 4px 8px; }}
QPushButton:hover {{ border-color: {ACCENT}; }}
QPushButton:checked {{ background: #2c4a68; border-color: {ACCENT}; }}
QPushButton:disabled {{ color: #6b727c; }}
QPushButton#row {{ text-align: left; }}
QPushButton#flat {{ background: transparent; border: none; color: {ACCENT}; padding: 2px 6px; }}
QProgressBar {{ background: {RAISED}; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: {GOOD}; border-radius: 3px; }}
QStatusBar {{ background: {PANEL}; border-top: 1px solid {LINE}; }}
QStatusBar::item {{ border: none; }}
QFrame#banner {{ background: #4a2323; border: 1px solid {DANGER}; border-radius: 6px; }}
QFrame#toast {{ background: {RAISED}; border: 1px solid {LINE}; border-radius: 6px; }}
QFrame#help {{ background: {PANEL}; border: 1px solid {LINE}; border-radius: 10px; }}
QLabel#key {{ background: {RAISED}; border: 1px solid {LINE}; border-bottom: 2px solid {LINE};
  border-radius: 4px; padding: 0px 5px; font-size: 12px; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QScrollBar:vertical {{ background: {PANEL}; width: 8px; }}
QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 4px; min-height: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0px; }}
QSplitter::handle {{ background: {LINE}; }}
"""
