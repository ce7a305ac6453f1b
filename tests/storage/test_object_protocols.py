"""Google Cloud Storage and Azure through their own clients, against small servers that speak as theirs do.

What they answer was written from the references of both APIs (Objects: list, get; List Blobs, Get Blob).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import pytest

import regviz as rv
from regviz.errors import AccessDeniedError, RegvizError, SourceNotFoundError
from tests.helpers import Store, assert_same_tables, rows
from tests.live.servers import Asked, Reply, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUCKET = "registry"
RANGE = re.compile(r"bytes=(\d+)-(\d+)")
AZURE_KEY = "a2V5IG9mIGEgdGVzdA=="
IN_A_PAGE = 7


def listed(objects: dict[str, bytes], prefix: str, delimiter: str, start: str, end: str) -> list[tuple[str, bool]]:
    """Names in order, and whether each stands for those that go on behind the delimiter."""
    names: dict[str, bool] = {}
    for key in sorted(objects):
        if key.startswith(prefix) and key >= start and (not end or key < end):
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key[len(prefix) :], "", "")
            names[prefix + head + found] = bool(found)
    return [*names.items()]


def content(data: bytes, asked: Asked, header: str = "Range") -> Reply:
    found = RANGE.fullmatch(asked.headers.get(header, asked.headers.get("Range", "")))
    if not found:
        return Reply(200, data)
    start, stop = int(found[1]), min(int(found[2]) + 1, len(data))
    if start >= len(data):
        return Reply(416, headers={"Content-Range": f"bytes */{len(data)}"})
    return Reply(206, data[start:stop], {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"})


def gcs(objects: dict[str, bytes]) -> Callable[[Asked], Reply]:
    """The JSON API of Google Cloud Storage: Objects: list, and Objects: get with alt=media."""

    def answer(asked: Asked) -> Reply:
        if not asked.path.startswith(f"/storage/v1/b/{BUCKET}/o"):
            return Reply(404, b'{"error": {"code": 404}}')
        key = asked.path.removeprefix(f"/storage/v1/b/{BUCKET}/o").removeprefix("/")
        if key:
            return content(objects[key], asked) if key in objects else Reply(404)
        query = asked.query
        names = listed(
            objects,
            query.get("prefix", ""),
            query.get("delimiter", ""),
            query.get("startOffset", ""),
            query.get("endOffset", ""),
        )
        first = int(query.get("pageToken", "0"))
        part = names[first : first + IN_A_PAGE]
        document: dict[str, Any] = {
            "kind": "storage#objects",
            "prefixes": [name for name, is_prefix in part if is_prefix],
            "items": [
                {"name": name, "size": str(len(objects[name])), "updated": "2024-02-03T04:05:06.789Z"}
                for name, is_prefix in part
                if not is_prefix
            ],
        }
        if first + IN_A_PAGE < len(names):
            document["nextPageToken"] = str(first + IN_A_PAGE)
        return Reply(200, json.dumps(document).encode(), {"Content-Type": "application/json"})

    return answer


def azure(objects: dict[str, bytes]) -> Callable[[Asked], Reply]:
    """The Blob service: List Blobs, and Get Blob."""
    time = "Sat, 03 Feb 2024 04:05:06 GMT"

    def answer(asked: Asked) -> Reply:
        if not asked.path.startswith(f"/account/{BUCKET}"):
            return Reply(404, headers={"x-ms-error-code": "ContainerNotFound"})
        key = asked.path.removeprefix(f"/account/{BUCKET}").removeprefix("/")
        if key:
            if key not in objects:
                return Reply(404, headers={"x-ms-error-code": "BlobNotFound"})
            reply = content(objects[key], asked, "x-ms-range")
            reply.headers |= {
                "Last-Modified": time,
                "ETag": '"0x1"',
                "x-ms-blob-type": "BlockBlob",
                "Content-Type": "a/b",
            }
            if reply.status == 416:
                reply.headers["x-ms-error-code"] = "InvalidRange"
            return reply
        names = listed(objects, asked.query.get("prefix", ""), asked.query.get("delimiter", ""), "", "")
        first = int(asked.query.get("marker", "0"))
        part = names[first : first + IN_A_PAGE]
        blobs = "".join(
            f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>"
            if is_prefix
            else f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{time}</Last-Modified><Etag>0x1</Etag>"
            f"<Content-Length>{len(objects[name])}</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>"
            for name, is_prefix in part
        )
        more = str(first + IN_A_PAGE) if first + IN_A_PAGE < len(names) else ""
        body = (
            f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="{BUCKET}">'
            f"<Prefix>{escape(asked.query.get('prefix', ''))}</Prefix><Blobs>{blobs}</Blobs>"
            f"<NextMarker>{more}</NextMarker></EnumerationResults>"
        )
        return Reply(200, body.encode(), {"Content-Type": "application/xml"})

    return answer


SPEAKERS = {"gs": gcs, "az": azure}


def options(scheme: str, url: str) -> dict[str, Any]:
    if scheme == "gs":
        return {"anon": True, "endpoint_url": url}
    login = f"AccountName=account;AccountKey={AZURE_KEY}"
    return {"connection_string": f"DefaultEndpointsProtocol=http;{login};BlobEndpoint={url}/account;"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "storage")
    made.image("team/app", [b"base", b"app"], "1.0", "latest")
    made.image("team/worker", [b"base", b"worker"], "1.0")
    made.linked_blob("team/worker", b"")
    return made


@pytest.fixture(params=[*SPEAKERS])
def served(request: pytest.FixtureRequest, store: Store) -> Iterator[tuple[str, str]]:
    """A protocol, and where a server speaks it that has the storage."""
    objects = {
        f"prod/{path.relative_to(store.root)}": path.read_bytes() for path in store.root.rglob("*") if path.is_file()
    }
    with serving(SPEAKERS[request.param](objects)) as server:
        yield request.param, server.url


def test_the_tables_are_those_of_the_folder(served: tuple[str, str], store: Store) -> None:
    scheme, url = served
    read = rv.read(f"{scheme}://{BUCKET}/prod", times=False, storage_options=options(scheme, url))
    assert_same_tables(read, rv.read(store.root, times=False))
    assert read.source.uri == f"{scheme}://{BUCKET}/prod"


def test_what_these_keep_besides_their_objects_is_not_known(served: tuple[str, str], store: Store) -> None:
    scheme, url = served
    read = rv.read(f"{scheme}://{BUCKET}/prod", measure=True, storage_options=options(scheme, url))
    table = rv.reconcile(read).set_index("step")
    files = sum(path.stat().st_size for path in store.root.rglob("*") if path.is_file())
    assert table.loc["other", ["running_bytes", "subtotal"]].tolist() == [files, "objects"]
    assert table.loc[["unfinished multipart uploads", "noncurrent versions"], ["rows", "bytes"]].isna().all(axis=None)


def test_times_come_from_the_listing(served: tuple[str, str]) -> None:
    scheme, url = served
    read = rv.read(f"{scheme}://{BUCKET}/prod", times=True, storage_options=options(scheme, url))
    times = {str(time)[:19] for _, time in rows(read.tags, "tag", "pushed_at")}
    assert times == {"2024-02-03 04:05:06"}


def test_no_such_bucket(served: tuple[str, str]) -> None:
    scheme, url = served
    with pytest.raises(SourceNotFoundError, match="there is no bucket nowhere"):
        rv.read(f"{scheme}://nowhere/prod", storage_options=options(scheme, url))


@pytest.mark.parametrize("scheme", [*SPEAKERS])
def test_access_denied(scheme: str) -> None:
    with (
        serving(lambda _: Reply(403, headers={"x-ms-error-code": "AuthorizationFailure"})) as server,
        pytest.raises(AccessDeniedError, match=r"may not be read by whom the credentials are for"),
    ):
        rv.read(f"{scheme}://{BUCKET}/prod", storage_options=options(scheme, server.url))


def test_azure_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RegvizError, match=r"credentials are given by the environment .AZURE_STORAGE_ACCOUNT_NAME"):
        rv.read(f"az://{BUCKET}/prod")
    with pytest.raises(RegvizError, match="Azure's endpoint is a part of the connection string"):
        rv.read(f"az://{BUCKET}/prod", storage_options={"endpoint_url": "http://127.0.0.1:1"})
