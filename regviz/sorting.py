"""Orders of rows by numbers: a radix sort, several times as fast as a comparing one where numbers are short or many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_DIGIT = 16  # bits: the widest integers for which NumPy has a stable radix sort


def stable_order(keys: Sequence[NDArray[Any]]) -> NDArray[np.intp]:
    """The order of rows by columns of integers, of which the first counts most; equal rows stay as they are.

    Examples
    --------
    >>> stable_order([np.array([7, -1, 7, 7]), np.array([3, 2, 1, 3])]).tolist()
    [1, 2, 0, 3]
    """
    order = np.arange(len(keys[0]))
    for values in keys[::-1] if len(order) else ():
        least = int(values.min())
        numbers = values.astype(np.uint64)  # modulo 2 to the 64th, where differences are what they are
        numbers -= np.uint64(least % (1 << 64))
        for digit in range(0, (int(values.max()) - least).bit_length(), _DIGIT):
            order = order[np.argsort((numbers >> np.uint64(digit)).astype(np.uint16)[order], kind="stable")]
    return order


def unlike_last(keys: Sequence[NDArray[Any]]) -> NDArray[np.bool_]:
    """For each row whether any of its columns differs from the row before it; the first one differs.

    Examples
    --------
    >>> unlike_last([np.array([7, 7, 7, 8]), np.array([1, 2, 2, 2])]).tolist()
    [True, True, False, True]
    """
    differ = np.zeros(len(keys[0]), np.bool_)
    differ[:1] = True
    for values in keys:
        differ[1:] |= values[1:] != values[:-1]
    return differ
