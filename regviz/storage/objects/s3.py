"""S3 and what speaks like it, through s3fs."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from regviz.storage.objects.adapter import EVERYTHING, Page, Range, StrangeListingError, microseconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from regviz.storage.besides import Kept

    _Objects = tuple[list[str], list[int], list[Any]]

_OBJECTS = "Objects"


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
            keys, sizes, times = said.get(_OBJECTS) or _objects(said.get("Contents", ()))
            beyond = bool(within.until and keys and keys[-1] > within.until)
            if beyond:
                count = bisect_right(keys, within.until)
                keys, sizes, times = keys[:count], sizes[:count], times[:count]
            token = said.get("NextContinuationToken", "") if said.get("IsTruncated") else ""
            if said.get("IsTruncated") and token in ("", asked.get("ContinuationToken")):
                raise StrangeListingError
            yield Page(
                keys,
                sizes,
                microseconds(times),
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

    async def multipart_uploads(self, prefix: str) -> Kept:
        """ListMultipartUploads, and ListParts of each."""
        from regviz.storage.objects import kept

        return await kept.multipart_uploads(self._filesystem._call_s3, self._bucket, prefix)  # noqa: SLF001

    async def noncurrent_versions(self, prefix: str) -> Kept:
        """ListObjectVersions."""
        from regviz.storage.objects import kept

        return await kept.noncurrent_versions(self._filesystem._call_s3, self._bucket, prefix)  # noqa: SLF001


def _objects(contents: Sequence[Any]) -> _Objects:
    """Keys, sizes and times of a page as botocore tells them."""
    return (
        [each["Key"] for each in contents],
        [each["Size"] for each in contents],
        [each["LastModified"] for each in contents],
    )


def take_objects(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    r"""Take keys, sizes and times out of a page before botocore makes a dictionary of each object.

    Whatever is not as it should be is left to botocore.

    Examples
    --------
    >>> page, taken = {"status_code": 200, "body": b"<P><Contents><Key>a%20b</Key><Size>1</Size>" +
    ...     b"<LastModified>T</LastModified></Contents><EncodingType>url</EncodingType></P>"}, {}
    >>> take_objects(page, taken)
    >>> taken, page["body"]
    ({'Objects': (['a b'], [1], ['T'])}, b'<P><EncodingType>url</EncodingType></P>')
    """
    if response_dict.get("status_code") != 200:
        return
    try:
        tree = ET.fromstring(response_dict["body"])  # noqa: S314  # as botocore does
        space = tree.tag[: tree.tag.find("}") + 1]
        contents = tree.findall(f"{space}Contents")
        keys = [each.findtext(f"{space}Key") or "" for each in contents]
        sizes = [int(each.findtext(f"{space}Size") or "") for each in contents]
        times = [each.findtext(f"{space}LastModified") for each in contents]
    except (ET.ParseError, ValueError):
        return
    if tree.findtext(f"{space}EncodingType") == "url":
        keys = [unquote(key) if "%" in key else key for key in keys]
    for each in contents:
        tree.remove(each)
    customized_response_dict[_OBJECTS] = keys, sizes, times
    response_dict["body"] = ET.tostring(tree)


def with_quick_pages(filesystem: Any) -> Any:
    """The same file system, with a session that takes a tenth of the time for a page of a listing.

    botocore makes a dictionary of each object, and takes any form of time that ever was.
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
        session.register("before-parse.s3.ListObjectsV2", take_objects)
        filesystem.session = session
    return filesystem


def _response(error: BaseException) -> Any:
    """What the server said: s3fs keeps it as the cause."""
    return getattr(error.__cause__, "response", {}).get("Error", {}).get("Code", "")
