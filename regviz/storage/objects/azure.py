"""Azure's blob storage, through adlfs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regviz.storage.objects.adapter import EVERYTHING, Page, Range, StrangeListingError, microseconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_IN_A_PAGE = 5000


class Azure:
    """A container.

    Parameters
    ----------
    filesystem : adlfs.AzureBlobFileSystem
    container : str
    """

    has_ranges = False

    def __init__(self, filesystem: Any, container: str) -> None:
        self.loop = filesystem.loop
        self._filesystem, self._container = filesystem, container

    async def pages(self, prefix: str, *, flat: bool = True, within: Range = EVERYTHING) -> AsyncIterator[Page]:
        """Pages of List Blobs; it knows no ranges."""
        del within
        async with self._filesystem.service_client.get_container_client(self._container) as client:
            listed = client.list_blobs if flat else client.walk_blobs
            pages = listed(name_starts_with=prefix or None, results_per_page=_IN_A_PAGE).by_page()
            token = ""
            async for page in pages:
                found = [each async for each in page]
                before, token = token, pages.continuation_token or ""
                if token and token == before:
                    raise StrangeListingError
                blobs = [each for each in found if getattr(each, "last_modified", None) is not None]
                yield Page(
                    [each.name for each in blobs],
                    [int(each.size or 0) for each in blobs],
                    microseconds([each.last_modified for each in blobs]),
                    [each.name for each in found if getattr(each, "last_modified", None) is None],
                    more=bool(token),
                )

    async def read(self, key: str, count: int) -> bytes:
        """The beginning of a blob."""
        async with self._filesystem.service_client.get_blob_client(self._container, key) as client:
            stream = await client.download_blob(offset=0, length=count, max_concurrency=1)
            data: bytes = await stream.readall()
            return data
