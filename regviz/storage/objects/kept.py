"""What S3 keeps and does not list as objects: parts of unfinished multipart uploads, and noncurrent versions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from regviz.storage.besides import UNKNOWN, Kept
from regviz.storage.objects.adapter import StrangeListingError
from regviz.storage.objects.errors import is_absent, is_denied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    Call = Callable[..., Awaitable[Mapping[str, Any]]]

_AT_A_TIME = 32


async def multipart_uploads(call: Call, bucket: str, prefix: str) -> Kept:
    """Uploads that were begun and neither completed nor aborted, and the bytes of their parts.

    Where they may be listed and their parts may not, their bytes are not known.
    """
    uploads: list[tuple[str, str]] = []
    markers = {"KeyMarker": "NextKeyMarker", "UploadIdMarker": "NextUploadIdMarker"}
    try:
        async for page in _pages(call, "list_multipart_uploads", markers, Bucket=bucket, Prefix=prefix):
            uploads += [(each["Key"], each["UploadId"]) for each in page.get("Uploads", ())]
    except OSError as error:
        if is_denied(error):
            return UNKNOWN
        raise
    length: int | None = 0
    for at in range(0, len(uploads), _AT_A_TIME):
        some = [_parts(call, bucket, *upload) for upload in uploads[at : at + _AT_A_TIME]]
        for part in await asyncio.gather(*some):
            length = None if part is None or length is None else length + part
    return Kept(len(uploads), length)


async def noncurrent_versions(call: Call, bucket: str, prefix: str) -> Kept:
    """Versions that were overwritten or deleted; markers of deletions have no bytes and do not count."""
    count = length = 0
    markers = {"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"}
    try:
        async for page in _pages(call, "list_object_versions", markers, Bucket=bucket, Prefix=prefix):
            old = [each["Size"] for each in page.get("Versions", ()) if not each["IsLatest"]]
            count, length = count + len(old), length + sum(old)
    except OSError as error:
        if is_denied(error):
            return UNKNOWN
        raise
    return Kept(count, length)


async def _parts(call: Call, bucket: str, key: str, upload: str) -> int | None:
    """Bytes of the parts that arrived; 0 where the upload has ended since, None where they may not be listed."""
    markers, length = {"PartNumberMarker": "NextPartNumberMarker"}, 0
    try:
        async for page in _pages(call, "list_parts", markers, Bucket=bucket, Key=key, UploadId=upload):
            length += sum(each["Size"] for each in page.get("Parts", ()))
    except OSError as error:
        if is_absent(error):
            return 0
        if is_denied(error):
            return None
        raise
    return length


async def _pages(call: Call, method: str, markers: Mapping[str, str], **asked: Any) -> AsyncIterator[Mapping[str, Any]]:
    """Pages of a listing that goes on behind markers."""
    before: Sequence[Any] = ()
    while True:
        page = await call(method, **asked)
        yield page
        if not page.get("IsTruncated"):
            return
        after = [page.get(name) for name in markers.values()]
        if after == before or not after[0]:
            raise StrangeListingError
        before = after
        asked |= {name: value for name, value in zip(markers, after, strict=True) if value}
