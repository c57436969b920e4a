"""Random streams by name, so that drawing more of one thing changes nothing of another."""

from __future__ import annotations

import zlib

import numpy as np

from armicro.contracts.errors import InputError


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the random stream of a seed and a path of names.

    Parameters
    ----------
    seed : int
        Of the case, 0 or greater.
    *names : str or int
        What the numbers are for: field index, purpose.

    Returns
    -------
    numpy.random.Generator
        PCG64, equal for equal arguments, independent for different ones.

    Raises
    ------
    InputError
        If the seed is negative.
    """
    if seed < 0:
        raise InputError(f"a seed must be 0 or greater, got {seed}")
    # One word of the key says which kind the next is: the name "a" and the number crc32("a") must differ.
    words = [seed]
    for name in names:
        words += [0, name] if isinstance(name, int) else [1, zlib.crc32(name.encode())]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))
