"""The map of agreement shows every pair, frames the chosen one and reads as SVG."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np

from armicro.report.threshold_plot import threshold_svg


def test_the_map_is_well_formed_and_complete() -> None:
    kappa = np.array([[0.5, 0.75], [np.nan, 0.25], [0.125, 1.0]])
    text = threshold_svg([0.1, 0.2, 0.3], [0.4, 0.6], kappa, (2, 1), "a <lab> & its slides")
    root = ET.fromstring(text)
    words = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "a <lab> & its slides" in words
    assert {"0.500", "0.750", "0.250", "0.125", "1.000", "0.1", "0.2", "0.3", "0.4", "0.6"} <= set(words)
    assert "nan" not in text
    squares = list(root.iter("{http://www.w3.org/2000/svg}rect"))
    frame = [s for s in squares if s.get("stroke")]
    assert len(squares) == 1 + 6 + 1
    assert len(frame) == 1
    # The frame stands on the square of row 2, column 1.
    assert (frame[0].get("x"), frame[0].get("y")) == (str(90 + 56 + 1), str(70 + 2 * 56 + 1))


def test_one_value_everywhere_is_drawn() -> None:
    assert "0.700" in threshold_svg([0.1], [0.4], np.array([[0.7]]), (0, 0), "t")
