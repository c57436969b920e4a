"""Array types by name, and the check that puts expected and actual shape into one message."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


def require(
    name: str, array: npt.NDArray[Any], *, shape: tuple[int | None, ...], dtype: npt.DTypeLike
) -> None:
    """Check an array's shape and dtype.

    Parameters
    ----------
    name : str
        What the array is called in the message.
    array : ndarray
        The array.
    shape : tuple of int or None
        The expected shape; None stands for any length.
    dtype : dtype
        The expected dtype.

    Raises
    ------
    ValueError
        If shape or dtype differ; the message tells both the expected and the actual.
    """
    fits = array.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype != np.dtype(dtype):
        want_shape = ", ".join("*" if n is None else str(n) for n in shape)
        raise ValueError(
            f"{name}: expected {np.dtype(dtype)} ({want_shape}), got {array.dtype} {array.shape}"
        )


_A = TypeVar("_A", bound=npt.NDArray[Any])


def frozen(array: _A) -> _A:
    """Return a view of an array that cannot be written to.

    Parameters
    ----------
    array : ndarray
        Any array; it stays writeable for whoever holds it.

    Returns
    -------
    ndarray
        The same memory, read-only.
    """
    view = array.view()
    view.flags.writeable = False
    return view
