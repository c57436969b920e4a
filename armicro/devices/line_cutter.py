"""Lines of text out of the bytes of a serial port."""

from __future__ import annotations

LONGEST_LINE = 256
"""Bytes. What is longer is no line of a pedal's or a nosepiece's."""
_STALE_S = 1.0
"""The beginning of a line is forgotten after so much silence: it was noise of a plug, not half a line."""
_LINE_TAKES_S = 0.1
"""A line is not dated back by more than this."""
_S = 1_000_000_000


class LineCutter:
    """Cuts bytes into lines, wherever they are divided; holds no more than one line.

    What is longer than a line can be is passed over up to its end. Bytes that are no text become U+FFFD.
    """

    def __init__(self) -> None:
        self._part = b""
        self._part_ns = 0
        self._last_ns = 0
        self._skipping = False

    def feed(self, data: bytes, t_ns: int) -> list[tuple[str, int]]:
        """Return the lines that are complete now.

        Parameters
        ----------
        data : bytes
            What came.
        t_ns : int
            When its first byte came, ns.

        Returns
        -------
        list of (str, int)
            Each without blanks around it, and when its first byte came, ns; empty lines are passed over.
        """
        if t_ns - self._last_ns > _STALE_S * _S:
            self._part, self._skipping = b"", False
        self._last_ns = t_ns
        began_ns = self._part_ns if self._part else t_ns
        lines = []
        *whole, rest = (self._part + data).replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            text = line.decode("utf-8", "replace").strip()
            if text and len(line) <= LONGEST_LINE and not self._skipping:
                lines.append((text, max(began_ns, t_ns - round(_LINE_TAKES_S * _S))))
            self._skipping = False
            began_ns = t_ns
        self._part, self._part_ns = rest, began_ns
        if len(rest) > LONGEST_LINE:
            self._part, self._skipping = b"", True
        return lines
