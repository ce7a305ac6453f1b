"""Google Cloud Storage, through gcsfs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regviz.storage.objects.adapter import EVERYTHING, Page, Range, StrangeListingError, microseconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_BEHIND = "\0"
"""What makes of a key the next one that there can be."""


class GCS:
    """A bucket.

    Parameters
    ----------
    filesystem : gcsfs.GCSFileSystem
    bucket : str
    """

    has_ranges = True

    def __init__(self, filesystem: Any, bucket: str) -> None:
        self.loop = filesystem.loop
        self._filesystem, self._bucket = filesystem, bucket

    async def pages(self, prefix: str, *, flat: bool = True, within: Range = EVERYTHING) -> AsyncIterator[Page]:
        """Pages of objects.list."""
        asked = {"prefix": prefix, "maxResults": 1000, "fields": "nextPageToken,prefixes,items(name,size,updated)"}
        asked |= {} if flat else {"delimiter": "/"}
        asked |= {"startOffset": within.after + _BEHIND} if within.after else {}
        asked |= {"endOffset": within.until + _BEHIND} if within.until else {}
        token = ""
        while True:
            call = self._filesystem._call  # noqa: SLF001  # its way to a page
            said = await call("GET", "b/{}/o", self._bucket, json_out=True, **asked)
            found = said.get("items", ())
            before, token = token, said.get("nextPageToken", "")
            if token and token == before:
                raise StrangeListingError
            yield Page(
                [each["name"] for each in found],
                [int(each.get("size", 0)) for each in found],
                microseconds([each.get("updated") for each in found]),
                said.get("prefixes", ()),
                more=bool(token),
            )
            if not token:
                return
            asked["pageToken"] = token

    async def read(self, key: str, count: int) -> bytes:
        """The beginning of an object; an empty one has no range that could be asked for."""
        url = "b/{}/o/{}"
        headers = {"Range": f"bytes=0-{count - 1}"}
        call = self._filesystem._call  # noqa: SLF001
        try:
            _, data = await call("GET", url, self._bucket, key, headers=headers, alt="media")
        except Exception as error:
            if getattr(error, "code", None) == 416 or "range" in str(error).lower():
                return b""
            raise
        return bytes(data[:count])
