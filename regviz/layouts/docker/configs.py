"""Configurations, read one by one as they pass by."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from regviz.manifests.config import ConfigReader
from regviz.manifests.json import load_object, mapping
from regviz.storage.base import MANIFEST_LIMIT

if TYPE_CHECKING:
    from regviz.facts import Facts
    from regviz.layouts.common import Options


class Configs:
    """Reads configurations into facts."""

    def __init__(self, facts: Facts, options: Options) -> None:
        self._facts, self._verify = facts, options.verify
        self._reader = ConfigReader(facts)

    def fits(self, digest: str, size: int) -> bool:
        """Whether a configuration is no longer than it may be."""
        if size > MANIFEST_LIMIT:
            self._facts.problem("manifest-oversized", blob=digest, detail=f"{size} bytes")
        return size <= MANIFEST_LIMIT

    def read(self, digest: str, data: bytes | None) -> list[Any]:
        """Take one; returns its diff IDs, as they are written."""
        if not data:
            self._facts.problem("unreadable" if data is None else "blob-empty", blob=digest)
            return []
        if self._verify:
            found = "sha256:" + hashlib.sha256(data).hexdigest()
            self._facts.verified.add(digest, found == digest)
            if found != digest:
                self._facts.problem("digest-mismatch", blob=digest, detail=f"its content has {found}")
        self._reader.read(digest, data)
        diff_ids = mapping((load_object(data) or {}).get("rootfs")).get("diff_ids")
        return diff_ids if isinstance(diff_ids, list) else []
