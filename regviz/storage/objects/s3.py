"""S3 and what speaks like it, through s3fs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from regviz.storage.objects.adapter import EVERYTHING, Page, Range, StrangeListingError, microseconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class S3:
    """A bucket.

    Parameters
    ----------
    filesystem : s3fs.S3FileSystem
    bucket : str
    """

    has_ranges = True

    def __init__(self, filesystem: Any, bucket: str) -> None:
        self.loop = filesystem.loop
        self._filesystem, self._bucket = filesystem, bucket

    async def pages(self, prefix: str, *, flat: bool = True, within: Range = EVERYTHING) -> AsyncIterator[Page]:
        """Pages of ListObjectsV2."""
        asked = {"Bucket": self._bucket, "Prefix": prefix}
        asked |= {} if flat else {"Delimiter": "/"}
        asked |= {"StartAfter": within.after} if within.after else {}
        while True:
            said = await self._filesystem._call_s3("list_objects_v2", **asked)  # noqa: SLF001  # its way to a page
            found = said.get("Contents", ())
            beyond = bool(within.until and found and found[-1]["Key"] > within.until)
            if beyond:
                found = [each for each in found if each["Key"] <= within.until]
            token = said.get("NextContinuationToken", "") if said.get("IsTruncated") else ""
            if said.get("IsTruncated") and token in ("", asked.get("ContinuationToken")):
                raise StrangeListingError
            yield Page(
                [each["Key"] for each in found],
                [each["Size"] for each in found],
                microseconds([each["LastModified"] for each in found]),
                [each["Prefix"] for each in said.get("CommonPrefixes", ())],
                more=bool(token) and not beyond,
            )
            if beyond or not token:
                return
            asked["ContinuationToken"] = token

    async def read(self, key: str, count: int) -> bytes:
        """GetObject, of a range; an empty object has none that could be asked for."""
        wanted = {"Bucket": self._bucket, "Key": key, "Range": f"bytes=0-{count - 1}"}
        try:
            said = await self._filesystem._call_s3("get_object", **wanted)  # noqa: SLF001
        except OSError as error:
            if "InvalidRange" in str(_response(error)) or "416" in str(_response(error)):
                return b""
            raise
        try:
            data: bytes = await said["Body"].read(count)
            while len(data) < count and (more := await said["Body"].read(count - len(data))):
                data += more
            return data
        finally:
            said["Body"].close()


def with_quick_times(filesystem: Any) -> Any:
    """The same file system, with a session that reads the times of a listing a hundred times as fast.

    botocore takes any form of time that ever was; nearly all that there is to do for a page would be that.
    """
    from aiobotocore.session import AioSession
    from botocore.utils import parse_timestamp

    def parse(value: Any) -> datetime:
        try:
            return datetime.fromisoformat(value)
        except (TypeError, ValueError):
            parsed: datetime = parse_timestamp(value)
            return parsed

    if filesystem.session is None:
        session = AioSession(**filesystem.kwargs)
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parse)
        filesystem.session = session
    return filesystem


def _response(error: BaseException) -> Any:
    """What the server said: s3fs keeps it as the cause."""
    return getattr(error.__cause__, "response", {}).get("Error", {}).get("Code", "")
