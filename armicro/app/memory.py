"""Memory that fields are read in is kept by the process, not given back after every field."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""glibc's `mallopt` by number, from its `malloc.h`."""
_KEPT_BYTES = 512 * 2**20
"""Free memory that is kept at the end of the heap; what lies below something in use is kept anyway. A 3008²
field at work needs some 300 MB."""
_LARGE_BYTES = 256 * 2**20
"""Single blocks from here on (a whole slide) go back at once."""


def keep_memory() -> bool:
    """Have the C library reuse the memory of a field's maps for the next field's.

    glibc asks the system for each larger map anew and gives it back when the map is no longer needed, and
    threads other than the first do so even for small ones. The system then clears every page again:
    thousands of page faults per field, a tenth of its time and most of what makes some fields take longer.

    To be called before any thread is started. Elsewhere than under glibc nothing is changed.

    Returns
    -------
    bool
        Whether the C library took it.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt: Any = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False  # musl has none, and needs none
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    wanted = ((_MMAP_THRESHOLD, _LARGE_BYTES), (_TRIM_THRESHOLD, _KEPT_BYTES), (_ARENA_MAX, 1))
    taken = [mallopt(which, value) == 1 for which, value in wanted]
    return all(taken)
