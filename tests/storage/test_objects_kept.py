"""Pages of what S3 keeps and does not list, as its API reference describes them; tests/real has a server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from regviz.storage.besides import UNKNOWN, Kept
from regviz.storage.objects import kept
from regviz.storage.objects.adapter import StrangeListingError

UPLOADS = [("k/a", "1"), ("k/a", "2"), ("k/b", "3"), ("k/c", "4"), ("k/c", "5")]
"""Key and identifier: a key may have several, over the end of a page."""
PARTS = {"1": [5, 6, 7], "2": [], "3": [100], "4": [1], "5": [2, 3]}


class RefusedError(OSError):
    """What s3fs raises: the server's answer is its cause."""


def refusal(code: str) -> RefusedError:
    cause = RuntimeError()
    cause.response = {"Error": {"Code": code}}  # type: ignore[attr-defined]
    error = RefusedError(code)
    error.__cause__ = cause
    return error


class Bucket:
    """Answers in pages of two."""

    def __init__(self, refused: dict[str, str] | None = None) -> None:
        self.refused = refused or {}
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, method: str, **asked: Any) -> dict[str, Any]:
        self.asked.append({"method": method, **asked})
        if method in self.refused:
            raise refusal(self.refused[method])
        assert asked["Bucket"] == "b"
        if method == "list_multipart_uploads":
            return self._uploads(asked)
        return self._parts(asked)

    def _uploads(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert asked["Prefix"] == "k/"
        start = 0
        if "KeyMarker" in asked:
            start = UPLOADS.index((asked["KeyMarker"], asked["UploadIdMarker"])) + 1
        page = UPLOADS[start : start + 2]
        more = start + 2 < len(UPLOADS)
        markers = {"NextKeyMarker": page[-1][0], "NextUploadIdMarker": page[-1][1]} if more else {}
        return {"Uploads": [{"Key": key, "UploadId": name} for key, name in page], "IsTruncated": more, **markers}

    def _parts(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert (asked["Key"], asked["UploadId"]) in UPLOADS
        sizes, start = PARTS[asked["UploadId"]], asked.get("PartNumberMarker", 0)
        page = [{"Size": size} for size in sizes[start : start + 2]]
        return {"Parts": page, "IsTruncated": start + 2 < len(sizes), "NextPartNumberMarker": start + 2}


def test_uploads_and_parts_over_pages() -> None:
    bucket = Bucket()
    assert asyncio.run(kept.multipart_uploads(bucket, "b", "k/")) == Kept(5, 5 + 6 + 7 + 100 + 1 + 2 + 3)
    assert [each["method"] for each in bucket.asked].count("list_multipart_uploads") == 3


@pytest.mark.parametrize("code", ["AccessDenied", "403", "NotImplemented", "MethodNotAllowed"])
def test_what_a_server_refuses_is_not_known(code: str) -> None:
    assert asyncio.run(kept.multipart_uploads(Bucket({"list_multipart_uploads": code}), "b", "k/")) == UNKNOWN
    assert asyncio.run(kept.multipart_uploads(Bucket({"list_parts": code}), "b", "k/")) == Kept(5, None)
    assert asyncio.run(kept.noncurrent_versions(Bucket({"list_object_versions": code}), "b", "k/")) == UNKNOWN


def test_an_upload_that_ended_meanwhile_has_no_parts() -> None:
    assert asyncio.run(kept.multipart_uploads(Bucket({"list_parts": "NoSuchUpload"}), "b", "k/")) == Kept(5, 0)


@pytest.mark.parametrize("method", ["list_multipart_uploads", "list_parts", "list_object_versions"])
def test_anything_else_is_an_error(method: str) -> None:
    ask = kept.noncurrent_versions if method == "list_object_versions" else kept.multipart_uploads
    with pytest.raises(RefusedError):
        asyncio.run(ask(Bucket({method: "SlowDown"}), "b", "k/"))


@pytest.mark.parametrize("marker", ["", "k/a"])
def test_a_server_that_repeats_itself(marker: str) -> None:
    async def repeating(method: str, **asked: Any) -> dict[str, Any]:
        del method, asked
        return {"Versions": [], "IsTruncated": True, "NextKeyMarker": marker}

    with pytest.raises(StrangeListingError):
        asyncio.run(kept.noncurrent_versions(repeating, "b", "k/"))
