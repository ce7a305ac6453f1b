"""What a storage keeps besides the files that it lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeGuard

from regviz.storage.base import Storage

if TYPE_CHECKING:
    from collections.abc import Sequence


class Kept(NamedTuple):
    """How many there are of something, and their bytes; None where that may not be known."""

    number: int | None
    length: int | None


UNKNOWN = Kept(None, None)


class Hoarding(Storage, Protocol):
    """A storage that keeps more than it lists: object storage."""

    def kept_besides(self) -> Sequence[Kept]:
        """Unfinished multipart uploads, and versions of objects that are not the current ones; or nothing."""


def keeps_more(storage: Storage) -> TypeGuard[Hoarding]:
    """Whether a storage may keep what it does not list."""
    return hasattr(storage, "kept_besides")
