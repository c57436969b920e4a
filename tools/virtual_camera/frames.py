"""Files of raw RGB pictures that a virtual camera shows, one after the other and from the first again."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from armicro.contracts.arrays import U8
from armicro.contracts.errors import InputError

LARGEST_PX = 3008
_HEADER = struct.Struct("<4sIII48x")


def write_frames(path: Path, pictures: Iterable[U8]) -> int:
    """Write pictures for `ARMICRO_VIRTUAL_FRAMES`.

    Parameters
    ----------
    path : Path
        The file; replaced where it is there.
    pictures : iterable of ndarray of uint8, (H, W, 3)
        RGB, all of one shape, even and 16 to 3008 px.

    Returns
    -------
    int
        How many.

    Raises
    ------
    InputError
        If there is none, or one does not fit.
    """
    n, shape = 0, (0, 0)
    with path.open("wb") as file:
        file.write(bytes(_HEADER.size))
        for picture in pictures:
            size = picture.shape[0], picture.shape[1]
            if n == 0:
                shape = size
            even = all(16 <= side <= LARGEST_PX and side % 2 == 0 for side in size)
            if size != shape or not even:
                raise InputError(
                    f"picture {n + 1} is {size[1]} × {size[0]} px: all must have one size, with even sides "
                    f"of 16 to {LARGEST_PX} px"
                )
            file.write(picture.tobytes())
            n += 1
        if n == 0:
            raise InputError("there are no pictures to write")
        file.seek(0)
        file.write(_HEADER.pack(b"AVF1", n, *shape))
    return n
