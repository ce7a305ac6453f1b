"""A bucket of any size that exists as a rule only, and those who list it: ``python -m benchmarks.objects NAME COUNT``.

It answers where s3fs would ask a server, in pages of 1,000 keys as S3 does; so what is measured is what the reader
does with a listing, and with its many small reads, not a network.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import Any

from benchmarks.work import Counted

ROOT = "registry/docker/registry/v2/"
IN_A_PAGE = 1000
LAYERS = 8
BLOB = 5000
TIME = datetime(2026, 1, 1, tzinfo=UTC)
_MEDIA = "application/vnd.oci.image."
_SPREAD = 7919


class Bucket:
    """A Distribution storage of about so many objects: key number `n` is told by the number alone.

    Each repository has 450 blobs of its own: configurations and layers, with links to them, and manifests with a tag
    each.
    """

    links, images = 400, 50

    def __init__(self, objects: int) -> None:
        self.repositories = max(objects // 1000, 1)
        self.own = self.links + 3 * self.images
        self.blobs = self.repositories * (self.links + self.images)
        self.keys = self.blobs + self.repositories * self.own
        self._back = pow(_SPREAD, -1, self.blobs)
        self._repository = -1

    def digits(self, number: int) -> str:
        """Hex digits of a blob's digest; they rise with its number."""
        return f"{number * ((1 << 32) // self.blobs):08x}{number * 0x9E3779B97F4A7C15 % (1 << 64):056x}"

    def of(self, repository: int, number: int) -> int:
        """A blob of a repository: first its images' configurations, then layers, then manifests."""
        return (repository * (self.links + self.images) + number) * _SPREAD % self.blobs

    def sorted_of(self, repository: int, first: int, count: int) -> list[int]:
        """Such blobs, in the order of their digests."""
        return sorted(self.of(repository, first + number) for number in range(count))

    def key(self, number: int) -> str:
        """Key of an object, by its place in the listing."""
        if number < self.blobs:
            digits = self.digits(number)
            return f"{ROOT}blobs/sha256/{digits[:2]}/{digits}/data"
        repository, rest = divmod(number - self.blobs, self.own)
        if repository != self._repository:
            self._repository = repository
            self._names = self._keys_of(repository)
        return self._names[rest]

    def _keys_of(self, repository: int) -> list[str]:
        head = f"{ROOT}repositories/app-{repository:06}/"
        layers = self.sorted_of(repository, 0, self.links)
        revisions = self.sorted_of(repository, 400, self.images)
        made = [f"{head}_layers/sha256/{self.digits(layer)}/link" for layer in layers]
        made += [f"{head}_manifests/revisions/sha256/{self.digits(each)}/link" for each in revisions]
        for tag, each in enumerate(revisions):
            lead = f"{head}_manifests/tags/{tag:03}/"
            made += [f"{lead}current/link", f"{lead}index/sha256/{self.digits(each)}/link"]
        return made

    def content(self, key: str) -> bytes:
        """What an object holds."""
        parts = key.removeprefix(ROOT).split("/")
        if parts[-2] == "current":
            repository, tag = int(parts[1][4:]), int(parts[4])
            return f"sha256:{self.digits(self.sorted_of(repository, 400, self.images)[tag])}".encode()
        number = int(parts[3][:8], 16) // ((1 << 32) // self.blobs)
        repository, place = divmod(number * self._back % self.blobs, self.links + self.images)
        if place < self.images:
            own = range(self.images + place, self.images + place + LAYERS)
            diff_ids = [f"sha256:{self.digits(self.of(repository, each))}" for each in own]
            document: Any = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        else:
            image = place - self.links
            layers = [self.of(repository, self.images + image + n) for n in range(LAYERS)]
            document = {
                "schemaVersion": 2,
                "mediaType": _MEDIA + "manifest.v1+json",
                "config": self._descriptor("config.v1+json", self.of(repository, image)),
                "layers": [self._descriptor("layer.v1.tar+gzip", layer) for layer in layers],
            }
        return json.dumps(document).encode().ljust(BLOB)

    def _descriptor(self, kind: str, blob: int) -> dict[str, Any]:
        return {"mediaType": _MEDIA + kind, "digest": f"sha256:{self.digits(blob)}", "size": BLOB}

    def first(self, key: str) -> int:
        """Place of the first object whose key is not before this one."""
        low, high = 0, self.keys
        while low < high:
            middle = (low + high) // 2
            if self.key(middle) < key:
                low = middle + 1
            else:
                high = middle
        return low

    async def call(self, method: str, **asked: Any) -> Any:
        """What s3fs asks its client."""
        if method == "get_object":
            return {"Body": Body(self.content(asked["Key"]))}
        prefix, delimiter = asked["Prefix"], asked.get("Delimiter")
        after = asked.get("ContinuationToken") or asked.get("StartAfter", "")
        at = max(self.first(prefix), self.first(after + "\0") if after else 0)
        contents: list[dict[str, Any]] = []
        prefixes: list[dict[str, str]] = []
        last = after
        while at < self.keys and len(contents) + len(prefixes) < IN_A_PAGE:
            key = self.key(at)
            if not key.startswith(prefix):
                at = self.keys
                break
            name, slash, _ = key[len(prefix) :].partition("/")
            if delimiter and slash:
                prefixes.append({"Prefix": prefix + name + slash})
                last = prefix + name + "/\U0010ffff"
                at = self.first(last)
            else:
                size = 71 if key.endswith("/link") else BLOB
                contents.append(
                    {"Key": key, "Size": size, "LastModified": TIME, "ETag": '"x"', "StorageClass": "STANDARD"}
                )
                at, last = at + 1, key
        more = at < self.keys and self.key(at).startswith(prefix)
        return {"Contents": contents, "CommonPrefixes": prefixes, "IsTruncated": more, "NextContinuationToken": last}


class Body:
    """The body of an answer."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, count: int = -1) -> bytes:
        data, self._data = (self._data, b"") if count < 0 else (self._data[:count], self._data[count:])
        return data

    def close(self) -> None:
        pass


def _filesystem(bucket: Bucket) -> Any:
    import s3fs

    filesystem = s3fs.S3FileSystem(anon=True, use_listings_cache=False, skip_instance_cache=True)
    filesystem._call_s3 = bucket.call
    return filesystem


def regviz(objects: int) -> None:
    """The tables of the registry."""
    import pandas  # noqa: F401, ICN001
    import pyarrow  # noqa: F401, ICN001

    bucket = Bucket(objects)
    with Counted(wall=True):
        from regviz.read import read
        from regviz.storage.objects import connect

        connect._filesystem = lambda *_: _filesystem(bucket)
        registry = read("s3://bucket/registry")
    tags, links = bucket.repositories * bucket.images, bucket.repositories * bucket.links
    for table, expected in {"tags": tags, "manifests": tags, "blobs": bucket.blobs, "repository_blobs": links}.items():
        found = len(next(iter(registry.columns(table).values())))
        if found != expected:
            raise SystemExit(f"{table} has {found} rows, not {expected}")


def find(objects: int) -> None:
    """The listing alone, as s3fs gives it: a dictionary an object."""
    bucket = Bucket(objects)
    filesystem = _filesystem(bucket)
    with Counted(wall=True):
        found = filesystem.find("bucket/registry", detail=True)
    if len(found) != bucket.keys:
        raise SystemExit(f"{len(found)} objects, not {bucket.keys}")


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m benchmarks.objects")
    words.add_argument("name", choices=["regviz", "find"])
    words.add_argument("count", type=int)
    given = words.parse_args()
    {"regviz": regviz, "find": find}[given.name](given.count)


if __name__ == "__main__":
    main()
