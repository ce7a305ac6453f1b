"""What counts mean in seconds and bytes. The coefficients are those of ``benchmarks/RESULTS.md``, size M."""

from __future__ import annotations

from typing import NamedTuple

BASE_BYTES = 120_000_000
"""Of a process that has imported pandas and pyarrow."""
BASE_SECONDS = 1.5
"""Until it has."""


class Cost(NamedTuple):
    """Of one of what is counted: seconds, and bytes of memory above `BASE_BYTES`."""

    seconds: float
    memory: float


FOLDER = Cost(8.2 / 200_000, 106e6 / 200_000)
"""A blob of a Distribution folder, with its part of links and manifests: work `folder`."""
MEMBER = Cost(6.3 / 1_175_000, 117e6 / 1_175_000)
"""A member of an archive: work `tar`."""
RECORD = Cost(2.0 / 1_175_000, 80e6 / 1_175_000)
"""A record of a listing: work `listing`."""
IMAGE = Cost(3.3 / 100_000, 57e6 / 100_000)
"""An image of a v1 folder: work `v1`."""
REQUEST = Cost(10.4 / 8_300, 26e6 / 8_300)
"""A request to a registry on the same machine, 16 at a time: work `live`, 4,000 tags and 300 lists."""


class Count(NamedTuple):
    """How many of something there are.

    Examples
    --------
    >>> Count("blobs", 1234, True, "").text(), Count("blobs", 123456, False, "").text()
    ('1,234', 'about 123,000')
    >>> Count("tags", 12, False, "at least: so far").text(), Count("tags", None, False, "").text()
    ('12 or more', 'not counted')
    """

    noun: str
    number: int | None
    exact: bool
    how: str

    def text(self) -> str:
        """The number; of an estimate three digits."""
        if self.number is None:
            return "not counted"
        if self.exact:
            return f"{self.number:,}"
        if self.how.startswith("at least"):
            return f"{self.number:,} or more"
        return f"about {round(self.number, 3 - len(str(self.number))):,}"


def work(count: int | None, cost: Cost) -> tuple[int | None, int | None]:
    """Seconds, at least one, and bytes of memory.

    Examples
    --------
    >>> work(200_000, FOLDER), work(None, FOLDER)
    ((10, 226000000), (None, None))
    """
    if count is None:
        return None, None
    return max(1, round(BASE_SECONDS + count * cost.seconds)), round(BASE_BYTES + count * cost.memory)


def duration(seconds: int) -> str:
    """Seconds as a person says them.

    Examples
    --------
    >>> duration(1), duration(90), duration(4000), duration(200_000)
    ('1 second', '90 seconds', '67 minutes', '56 hours')
    """
    for unit, size in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {unit}s"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
