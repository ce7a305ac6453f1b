"""What a bucket keeps and does not list, against boto3's own listings; reconcile ends at what the store says."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest

import regviz as rv
from regviz.analysis import reconcile
from regviz.storage.objects import kept
from tests.cli.running import START
from tests.helpers import Store
from tests.real.object_storage import LOGIN, s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.object_storage import S3Server

pytestmark = pytest.mark.real

_PART = 5 << 20
"""Bytes of the smallest part that S3 takes where another follows."""
_READER = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": "*"}],
}


@pytest.fixture(autouse=True)
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    with s3_server(tmp_path) as running:
        yield running


@pytest.fixture
def storage(tmp_path: Path) -> Store:
    store = Store(tmp_path / "storage")
    store.image("team/app", [b"base" * 100, b"1"], "1", "2")
    store.image("team/other", [b"base" * 100], "1")
    store.image("team/other", [b"untagged"])
    store.file("repositories/team/app/_uploads/0a1b/startedat", b"2024-05-01T12:00:00Z")
    return store


def listed(client: Any, bucket: str, prefix: str) -> int:
    """Bytes of the store's own listing."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return sum(each["Size"] for page in pages for each in page.get("Contents", []))


def old_versions(client: Any, bucket: str, prefix: str) -> list[int]:
    pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    return [each["Size"] for page in pages for each in page.get("Versions", []) if not each["IsLatest"]]


def parts(client: Any, bucket: str, prefix: str) -> list[list[int]]:
    found = []
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        for upload in page.get("Uploads", []):
            asked = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            pages = client.get_paginator("list_parts").paginate(**asked)
            found.append([each["Size"] for page in pages for each in page.get("Parts", [])])
    return found


def begin_upload(client: Any, bucket: str, key: str, *lengths: int) -> None:
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    for number, length in enumerate(lengths, 1):
        client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=b"p" * length)


def steps(place: str, server: S3Server | None, **options: Any) -> dict[str, tuple[Any, Any, Any]]:
    """Rows, bytes and running bytes of each step; None is NA."""
    table = reconcile(rv.read(place, measure=True, storage_options=(server.options if server else {}) | options))
    columns = (
        table[["rows", "bytes", "running_bytes"]]
        .astype(object)
        .where(table[["rows", "bytes", "running_bytes"]].notna(), None)
    )
    return dict(zip(table["step"], columns.itertuples(index=False, name=None), strict=True))


def test_a_bucket_ends_at_its_listing_with_uploads_and_old_versions(server: S3Server, storage: Store) -> None:
    client = server.client()
    server.upload(storage.root, "registry", "prod/")
    below = "prod/docker/registry/v2/"
    client.put_bucket_versioning(Bucket="registry", VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket="registry", Key=f"{below}repositories/team/app/lost", Body=b"old" * 50)
    client.put_object(Bucket="registry", Key=f"{below}repositories/team/app/lost", Body=b"new")
    client.put_object(Bucket="registry", Key=f"{below}repositories/team/app/gone", Body=b"g" * 999)
    client.delete_object(Bucket="registry", Key=f"{below}repositories/team/app/gone")
    begin_upload(client, "registry", f"{below}repositories/team/app/_uploads/0a1b/data", _PART, 777)
    begin_upload(client, "registry", f"{below}repositories/team/app/_uploads/2c3d/data")
    begin_upload(client, "registry", "elsewhere/x", 55)  # nothing of the registry's
    found = steps("s3://registry/prod", server)
    assert found["other"][2] == listed(client, "registry", below)
    uploads, versions = parts(client, "registry", below), old_versions(client, "registry", below)
    assert sorted(map(sum, uploads)) == [0, _PART + 777]
    assert sorted(versions) == [150, 999]
    assert found["unfinished multipart uploads"][:2] == (2, _PART + 777)
    assert found["noncurrent versions"][:2] == (2, 150 + 999)
    assert found["noncurrent versions"][2] == listed(client, "registry", below) + _PART + 777 + 150 + 999
    assert "directories" not in found
    blobs = sum(path.stat().st_size for path in storage.root.rglob("data"))
    assert sum(found[name][1] for name in list(found)[: list(found).index("copies")]) == blobs


def test_more_uploads_parts_and_versions_than_a_page_has(
    server: S3Server, storage: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, pages = server.client(), kept._pages
    server.upload(storage.root, "many", "")
    client.put_bucket_versioning(Bucket="many", VersioningConfiguration={"Status": "Enabled"})
    for number in range(11):
        client.put_object(Bucket="many", Key="docker/registry/v2/lost", Body=b"o" * number)
    for number in range(7):
        begin_upload(client, "many", f"docker/registry/v2/repositories/a/_uploads/{number}/data", number)
    begin_upload(client, "many", "docker/registry/v2/repositories/a/_uploads/8/data", 10, 20, 30, 40, 50)
    limits, asked = {"list_multipart_uploads": "MaxUploads", "list_parts": "MaxParts"}, []

    def small(call: Any, method: str, markers: Any, **more: Any) -> Any:
        async def noted(name: str, **words: Any) -> Any:
            asked.append(name)
            return await call(name, **words)

        return pages(noted, method, markers, **more, **{limits.get(method, "MaxKeys"): 2})

    monkeypatch.setattr(kept, "_pages", small)
    found = steps("s3://many", server)
    assert found["noncurrent versions"][:2] == (10, sum(range(10)))
    assert found["unfinished multipart uploads"][:2] == (8, sum(range(7)) + 150)
    assert asked.count("list_object_versions") > 6
    assert asked.count("list_multipart_uploads") == 1  # moto gives them on one page; tests/storage has more
    assert asked.count("list_parts") == 7 + 3


def test_what_may_not_be_listed_is_not_known(server: S3Server, storage: Store) -> None:
    server.upload(storage.root, "registry", "")
    begin_upload(server.client(), "registry", "docker/registry/v2/repositories/a/_uploads/1/data", 10)
    iam = boto3.client("iam", endpoint_url=server.url, **_credentials(LOGIN))
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(_READER))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    address = urlsplit(server.url)
    moto = http.client.HTTPConnection(str(address.hostname), address.port)
    moto.request("POST", "/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
    assert moto.getresponse().status == 200  # from now on it looks at who may do what
    moto.close()
    found = steps("s3://registry", server, key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert found["other"][2] == sum(path.stat().st_size for path in storage.root.rglob("*") if path.is_file())
    assert found["unfinished multipart uploads"] == (None, None, None)
    assert found["noncurrent versions"] == (None, None, None)


def _credentials(login: dict[str, str]) -> dict[str, str]:
    return {
        "aws_access_key_id": login["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": login["AWS_SECRET_ACCESS_KEY"],
        "region_name": login["AWS_DEFAULT_REGION"],
    }


def test_a_storage_that_has_no_such_things(storage: Store) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    for path in storage.root.rglob("*"):
        if path.is_file():
            memory.pipe_file(f"/kept/{path.relative_to(storage.root)}", path.read_bytes())
    found = steps("memory://kept", None)
    assert found["other"][2] == sum(path.stat().st_size for path in storage.root.rglob("*") if path.is_file())
    assert "noncurrent versions" not in found
    assert found["holes"] == (None, None, None)


def test_the_command(server: S3Server, storage: Store) -> None:
    import subprocess

    server.upload(storage.root, "registry", "")
    asked = [*START, "reconcile", "s3://registry", "--endpoint-url", server.url, "--format", "csv"]
    printed = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.splitlines()[-1].startswith("noncurrent versions,0,")
