"""Which entries of Distribution's storage a tree shows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from regviz.layouts.distribution.grammar import BLOBS, HEX_LENGTHS, LAYERS, MANIFESTS, REVISIONS, TAGS, UPLOADS
from regviz.text import decode_name
from regviz.tree.distribution_words import DistributionWords
from regviz.tree.gather import Kind, Total, Unit
from regviz.tree.known import NO_ROWS
from regviz.tree.layout import HIDDEN, KINDS, REPOSITORIES
from regviz.tree.listing import join

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.tree.known import Known

_BUCKET = 2
_BLOBS_OF_A_KIND = 2
_BLOB_KINDS = {"manifest": "manifest", "config": "config", "layer": "layer", "other": "content", "": "unnamed"}
"""What each kind of `blobs` is called among the kinds below."""


def _blob(noun: str, plural: str) -> Kind:
    return Kind(noun, plural, _BLOBS_OF_A_KIND, weight=b"/data")


class Distribution(DistributionWords):
    """The layout of Distribution's storage; its root is the directory ``v2``."""

    kinds = KINDS | {
        "manifest": _blob("manifest", "manifests"),
        "config": _blob("configuration", "configurations"),
        "layer": _blob("layer", "layers"),
        "content": _blob("content of an artifact", "contents of artifacts"),
        "unnamed": _blob("unreferenced blob", "unreferenced blobs"),
        "broken": Kind("empty directory", "empty directories"),
        "layer link": Kind("layer link", "layer links", main=b"/link", lacking="without a link"),
        "revision": Kind("revision link", "revision links", main=b"/link", lacking="of deleted manifests"),
        "signature": Kind("signature", "signatures", main=b"/link"),
        "tag": Kind("tag", "tags", 6, b"/current/link", "without a current link"),
        "history": Kind("manifest it pointed to", "manifests it pointed to", main=b"/link", lacking="without a link"),
        "upload": Kind("upload", "uploads", main=b"/startedat", lacking="that never expire"),
        "state": Kind("state", "states"),
        "referrer": Kind("subject", "subjects"),
    }

    def __init__(self, root: bytes, known: Known, chosen: Callable[[str], bool] | None = None) -> None:
        super().__init__(root, known, chosen)
        self._blobs: dict[bytes, dict[bytes, str]] = {}
        self._limit = _BLOBS_OF_A_KIND + 1

    def tell_all(self) -> None:
        """See `RootedLayout`."""
        super().tell_all()
        self._limit = sys.maxsize

    # --- what is shown

    def units_inside(self, path: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002
        """See `RootedLayout`."""
        head, _, rest = path.partition(b"/")
        if head == BLOBS:
            return (HIDDEN,) if self.only_repositories else self._blob_units(rest.split(b"/"))
        if head == REPOSITORIES:
            return self._repository_units(rest, type) if rest else ()
        return (self.stray(self.root, path),)

    def _blob_units(self, parts: list[bytes]) -> tuple[Unit, ...]:
        """``<algorithm>/<first two digits>/<digits>/data``."""
        algorithm, bucket, name, *_ = [*parts, b"", b"", b""]
        if not bucket:
            return ()
        directory = BLOBS + b"/" + algorithm
        if len(bucket) != _BUCKET or (name and name[:_BUCKET] != bucket):
            odd = bucket if len(bucket) != _BUCKET else bucket + b"/" + name
            return (self.unit("stray", directory, odd),)
        shown = self._shown_blobs(algorithm)
        if not name:
            return () if bucket in shown else (HIDDEN,)
        kind = shown.get(name)
        return (self.unit(kind, directory, bucket + b"/" + name),) if kind else (HIDDEN,)

    def _shown_blobs(self, algorithm: bytes) -> dict[bytes, str]:
        """Kinds of the blobs to show, by their digits; of each kind the first few. And their first two digits."""
        shown = self._blobs.get(algorithm)
        if shown is None:
            shown = self._blobs[algorithm] = {}
            for kind, rows in self.known.blobs(decode_name(algorithm)).items():
                for row in rows[: self._limit].tolist():
                    digits = self.known.text("blobs", "blob", row).partition(":")[2].encode()
                    shown |= {digits: _BLOB_KINDS[kind], digits[:_BUCKET]: ""}
            for digest in self._broken(decode_name(algorithm))[: self._limit]:
                digits = digest.partition(":")[2].encode()
                shown |= {digits: "broken", digits[:_BUCKET]: ""}
        return shown

    def _broken(self, algorithm: str) -> list[str]:
        """Digests whose directories hold no data."""
        return [
            digest for digest in self.known.concerned("blob-truncated", "blob") if digest.startswith(f"{algorithm}:")
        ]

    def _repository_units(self, rest: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002
        at = rest.find(b"/_")
        if at < 0:
            return self.on_the_way(rest, type)
        if decode_name(rest[:at]) not in self.opened:
            return (HIDDEN,)
        section = join(REPOSITORIES, rest[: at + 1]) + rest[at + 1 :].split(b"/", 1)[0]
        parts = rest[at + 1 :].split(b"/")
        if parts[0] == LAYERS:
            return self._digest_units("layer link", section, parts[1:])
        if parts[0] == UPLOADS:
            return self._upload_units(section, parts[1:])
        if parts[0] == b"_referrers":
            return self._digest_units("referrer", section, parts[1:])
        if parts[0] == MANIFESTS and parts[1:2] == [REVISIONS]:
            return self._digest_units("revision", section + b"/" + REVISIONS, parts[2:])
        if parts[0] == MANIFESTS and parts[1:2] == [TAGS]:
            return self._tag_units(section + b"/" + TAGS, parts[2:])
        if parts[0] == MANIFESTS:
            return (self.stray(self.root + section, parts[1]),) if parts[1:] else ()
        return (self.stray(self.root + section.rpartition(b"/")[0], parts[0]),)

    def _digest_units(self, kind: str, directory: bytes, parts: list[bytes]) -> tuple[Unit, ...]:
        """``<algorithm>/<digits>/…``; an algorithm may take several parts."""
        at = next((number for number, part in enumerate(parts) if part in HEX_LENGTHS), len(parts))
        above = join(directory, b"/".join(parts[: at + 1]))
        if at + 1 >= len(parts):
            return ()
        units = (self.unit(kind, above, parts[at + 1]),)
        if kind == "revision" and parts[at + 2 : at + 3] == [b"signatures"]:
            inner = above + b"/" + parts[at + 1] + b"/signatures"
            return (*units, *self._digest_units("signature", inner, parts[at + 3 :]))
        return units

    def _tag_units(self, directory: bytes, parts: list[bytes]) -> tuple[Unit, ...]:
        if not parts:
            return ()
        tag = self.unit("tag", directory, parts[0])
        if parts[1:2] != [b"index"]:
            return (tag,)
        return (tag, *self._digest_units("history", directory + b"/" + parts[0] + b"/index", parts[2:]))

    def _upload_units(self, directory: bytes, parts: list[bytes]) -> tuple[Unit, ...]:
        if not parts:
            return ()
        upload = self.unit("upload", directory, parts[0])
        if parts[1:2] != [b"hashstates"] or len(parts) < 4:
            return (upload,)
        return upload, self.unit("state", directory + b"/" + b"/".join(parts[:3]), parts[3])

    def total(self, kind: str, directory: bytes) -> Total | None:
        """See `regviz.tree.gather.Layout`."""
        algorithm = decode_name(directory.rpartition(b"/")[2])
        for name, called in _BLOB_KINDS.items():
            if kind == called:
                rows = self.known.blobs(algorithm).get(name, NO_ROWS)
                return Total(len(rows), self.known.bytes_of(rows))
        return Total(len(self._broken(algorithm))) if kind == "broken" else None
