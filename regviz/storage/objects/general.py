"""Any other implementation of fsspec: directories one by one, and objects by their paths."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from regviz.storage.objects.adapter import A_LINK, EVERYTHING, NO_FILE, Page, Range, microseconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_IN_A_PAGE = 1000
_TIMES = ("LastModified", "last_modified", "mtime", "modified", "updated", "created")


class General:
    """Whatever fsspec reads.

    Parameters
    ----------
    filesystem : fsspec.AbstractFileSystem
    protocol : str
        What its URLs begin with.
    loop : event loop
    """

    has_ranges = False

    def __init__(self, filesystem: Any, protocol: str, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._filesystem, self._protocol = filesystem, protocol

    async def pages(self, prefix: str, *, flat: bool = True, within: Range = EVERYTHING) -> AsyncIterator[Page]:
        """What lies below a directory, in pages of this adapter's own making."""
        del within
        found = self._below(prefix, flat=flat)
        page = await asyncio.to_thread(next, found, None)
        while page is not None:
            following = await asyncio.to_thread(next, found, None)
            yield page._replace(more=following is not None)
            page = following

    def _below(self, prefix: str, *, flat: bool) -> Iterator[Page]:
        pending = [prefix]
        top = True
        while pending:
            directory, _, head = pending.pop().rpartition("/")
            entries = self._listed(directory)
            directories, files = [], []
            for entry in entries:
                name = entry["name"].strip("/").rpartition("/")[2]
                key = f"{directory}/{name}" if directory else name
                if not name.startswith(head) or not name:
                    continue
                if entry.get("islink") or entry["type"] == "link":
                    files.append((key, A_LINK, _time(entry)))  # of folders; what it leads to is nobody's business
                elif entry["type"] == "directory":
                    directories.append(key + "/")
                else:
                    size = int(entry.get("size") or 0) if entry["type"] == "file" else NO_FILE
                    files.append((key, size, _time(entry)))
            for start in range(0, len(files) or int(top), _IN_A_PAGE):
                keys, sizes, times = zip(*files[start : start + _IN_A_PAGE], strict=True) if files else ((), (), ())
                yield Page(keys, sizes, microseconds(times), () if flat or start else directories, more=True)
            if not flat:
                return
            pending += sorted(directories, reverse=True)
            top = False

    def _listed(self, directory: str) -> list[dict[str, Any]]:
        try:
            return sorted(self._filesystem.ls(self._path(directory), detail=True), key=lambda entry: str(entry["name"]))
        except (FileNotFoundError, NotADirectoryError):
            return []

    async def read(self, key: str, count: int) -> bytes:
        """The beginning of a file."""
        return await asyncio.to_thread(self._read, key, count)

    def _read(self, key: str, count: int) -> bytes:
        return bytes(self._filesystem.cat_file(self._path(key), start=0, end=count))

    def _path(self, key: str) -> str:
        """A key as this implementation writes paths."""
        return str(self._filesystem._strip_protocol(f"{self._protocol}://{key}"))  # noqa: SLF001


def _time(entry: dict[str, Any]) -> Any:
    return next((entry[name] for name in _TIMES if entry.get(name) is not None), None)
