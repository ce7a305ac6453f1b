"""Which layer of one stack goes with which of another, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

SAME_BYTES, SAME_CONTENT, SAME_INSTRUCTION, SAME_EMPTY = 6, 5, 2, 1
"""What two layers of one digest, one diff ID, one instruction weigh; and such as change nothing."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of layers to be matched: one column an image, codes that are equal where texts are; -1 for NA.

    Attributes
    ----------
    digest, diff_id, instruction : array of int
        Rows × images.
    empty : array of bool
        Of each row whether it changes nothing.
    """

    digest: Numbers
    diff_id: Numbers
    instruction: Numbers
    empty: NDArray[np.bool_]

    def part(self, rows: slice) -> Rows:
        """Some of the rows."""
        return Rows(self.digest[rows], self.diff_id[rows], self.instruction[rows], self.empty[rows])

    def __len__(self) -> int:
        return len(self.empty)


def align(grid: Rows, stack: Rows) -> list[tuple[int, int]]:
    """Pairs of rows that go together, rising in both, whose weights add up to the most.

    Parameters
    ----------
    grid : Rows
        What is there: many images.
    stack : Rows
        One image.

    Notes
    -----
    Two layers of one digest weigh 6, of one diff ID 5, and 2 more where the instruction is the same, which alone
    weighs 2. Layers that change nothing are all alike: of these one digest or instruction weighs 1, and 2 more for
    the instruction.

    Hirschberg's algorithm [1]_: the stack is halved, and each half is aligned where both together weigh most, so that
    memory grows with the length of a stack, which a forged manifest can make some ten thousands.

    References
    ----------
    .. [1] D. S. Hirschberg, "A linear space algorithm for computing maximal common subsequences", CACM 18 (6), 1975.

    Examples
    --------
    >>> def rows(*digests):
    ...     codes = np.array([digests]).T
    ...     return Rows(codes, codes, np.full_like(codes, -1), np.zeros(len(codes), bool))
    >>> align(rows(1, 2, 3), rows(1, 4, 3))
    [(0, 0), (2, 2)]
    """
    pairs: list[tuple[int, int]] = []
    _align(grid, stack, (0, 0), pairs)
    return pairs


def _align(grid: Rows, stack: Rows, start: tuple[int, int], pairs: list[tuple[int, int]]) -> None:
    if not len(grid) or not len(stack):
        return
    if len(stack) == 1:
        weights = _weights(grid, stack, 0)
        best = int(weights.argmax())
        if weights[best] > 0:
            pairs.append((start[0] + best, start[1]))
        return
    half = len(stack) // 2
    lower, upper = stack.part(slice(None, half)), stack.part(slice(half, None))
    back = slice(None, None, -1)
    together = _scores(grid, lower) + _scores(grid.part(back), upper.part(back))[::-1]
    cut = int(together.argmax())
    _align(grid.part(slice(None, cut)), lower, start, pairs)
    _align(grid.part(slice(cut, None)), upper, (start[0] + cut, start[1] + half), pairs)


def _scores(grid: Rows, stack: Rows) -> Numbers:
    """The most that a whole stack weighs against the first 0, 1, 2 … rows of the grid."""
    scores = np.zeros(len(grid) + 1, np.int64)
    for row in range(len(stack)):
        joined = scores[:-1] + _weights(grid, stack, row)
        scores[1:] = np.maximum(scores[1:], joined)
        np.maximum.accumulate(scores, out=scores)
    return scores


def _weights(grid: Rows, stack: Rows, row: int) -> Numbers:
    """What each row of the grid weighs against one of a stack."""

    def equal(values: Numbers, own: Numbers) -> NDArray[np.bool_]:
        wanted = own[row, 0]
        found: NDArray[np.bool_] = (values == wanted).any(axis=1) & (wanted >= 0)
        return found

    same_bytes, alike = equal(grid.digest, stack.digest), equal(grid.instruction, stack.instruction)
    content = np.where(equal(grid.diff_id, stack.diff_id), SAME_CONTENT, 0)
    content[same_bytes] = SAME_BYTES
    content[grid.empty] = 0
    if stack.empty[row]:
        content = np.where(grid.empty & (same_bytes | alike), SAME_EMPTY, 0)
    weights: Numbers = content + np.where(alike, SAME_INSTRUCTION, 0)
    return weights
