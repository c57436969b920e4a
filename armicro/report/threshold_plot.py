
    ) + _text(x + _CELL / 2, y + _CELL / 2 + 5, f"{value:.3f}")
