"""How far two readers of the same cells agree."""

from __future__ import annotations

import numpy as np

from armicro.contracts.arrays import F64, I64, U8
from armicro.contracts.cells import Category


def confusion(truth: U8, answer: U8) -> I64:
    """Return the confusion matrix (6, 6), rows truth, columns answer, none first."""
    matrix = np.zeros((len(Category), len(Category)), np.int64)
    np.add.at(matrix, (truth, answer), 1)
    return matrix


def quadratic_kappa(matrix: I64) -> float:
    """Return Cohen's kappa with quadratic weights (Cohen 1968) of a confusion matrix."""
    n = len(matrix)
    step = np.subtract.outer(np.arange(n), np.arange(n)).astype(np.float64)
    weight: F64 = (step / (n - 1)) ** 2
    expected = np.outer(matrix.sum(axis=1), matrix.sum(axis=0)) / max(1, matrix.sum())
    by_chance = float((weight * expected).sum())
    return 1.0 - float((weight * matrix).sum()) / by_chance if by_chance else 1.0


def within_one(matrix: I64) -> float:
    """Share of cells read at most one class off."""
    near = np.abs(np.subtract.outer(np.arange(len(matrix)), np.arange(len(matrix)))) <= 1
    return float(matrix[near].sum() / max(1, matrix.sum()))
