"""Where readers put what they find.

A reader appends facts to the tables of :class:`Facts`, in any order; :mod:`regviz.assemble` makes the tables of a
Registry from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.columns import STAGED, Key, Rows
from regviz.pool import SHA256, KeyPool
from regviz.problems import RULES
from regviz.texts import NamePool, TextPool

if TYPE_CHECKING:
    from collections.abc import Container


class Facts:
    """Everything a reader finds.

    ``key`` columns are taken as they are, ``digest`` and ``id`` columns come out of documents, and what is no digest
    (no id of a v1 image) there is set aside. ``row`` columns hold row numbers of another table (named in the comment
    beside it) or small counts, ``stamp`` columns times as text, ``value`` columns texts that may be empty. Numbers
    that are not known are `NA_INT`, flags -1, texts None, keys empty.
    """

    def __init__(self, manifest_prefix: bytes = SHA256, blob_prefix: bytes = SHA256) -> None:
        self.keys = KeyPool()
        self.manifests_are_blobs = (
            manifest_prefix == blob_prefix
        )  # v1 keeps documents beside its layers, not among them
        self.names, self.texts = NamePool(), TextPool()
        self.repositories = Rows(
            self, name="name", raw_name="name", private="flag", has_layers="flag", has_manifests="flag", complete="flag"
        )
        self.tags = Rows(
            self, manifest_prefix, repository="row", tag="name", manifest="key", pushed_at="int", state="name"
        )
        self.tag_history = Rows(
            self, manifest_prefix, repository="row", tag="name", manifest="key", last_pushed_at="int", current="flag"
        )
        self.revisions = Rows(
            self, manifest_prefix, repository="row", manifest="key", state="name", linked_at="int", is_root="flag"
        )
        self.links = Rows(self, repository="row", link="key", blob="key", state="name", linked_at="int")
        self.uploads = Rows(self, repository="row", upload="name", upload_bytes="int", started="stamp")
        self.stored = Rows(
            self,
            blob_prefix,
            blob="key",
            stored_bytes="int",
            allocated_bytes="int",
            stored_at="int",
            compression="name",
        )
        self.verified = Rows(self, blob="key", good="flag")
        self.manifests = Rows(
            self,
            manifest="key",
            kind="name",
            media_type="name",
            artifact_type="name",
            config="digest",
            config_bytes="size",
            config_media_type="name",
            subject="digest",
            image="flag",  # its configuration is to be read
            own_config="row",  # of configs: what schema 1 carries itself, else -1
            step_count="row",
        )
        self.references = Rows(
            self,
            manifest="row",  # of manifests
            position="row",
            child="digest",
            role="name",
            os="name",
            architecture="name",
            variant="name",
            media_type="name",
            attests="digest",
            declared_bytes="size",
        )
        self.descriptors = Rows(  # of layers; those that were long not met stand here again
            self,
            digest="digest",
            media_type="name",
            declared_bytes="size",
            foreign="flag",
            throwaway="flag",  # schema 1: it stands in the list, and makes no layer
        )
        self.steps = Rows(self, descriptor="row")  # of descriptors; grouped by manifest, from the base up
        self.configs = Rows(
            self,
            config="key",
            os="name",
            architecture="name",
            variant="name",
            os_version="name",
            created="stamp",
            author="text",
            diff_count="row",  # -1: no rootfs
            history_count="row",
        )
        self.diff_ids = Rows(self, diff_id="digest")
        self.diffs = Rows(self, diff_id="row")  # of diff_ids; grouped by configuration
        self.words = Rows(self, created="stamp", created_by="text", author="text", comment="text", empty="flag")
        self.history = Rows(self, word="row")  # of words; grouped by configuration
        self.nameless = Rows(self, blob="key", digest="key")  # blobs under no digest; what they had elsewhere
        self.layer_bytes = Rows(self, layer="key", uncompressed_bytes="int")
        self.labels = Rows(self, config="row", key="name", value="value")
        self.problems = Rows(
            self,
            rule="name",
            severity="name",
            repository="name",
            manifest="key",
            blob="key",
            path="text",
            detail="text",
        )
        self.storage = Rows(self, category="name", files="int", apparent_bytes="int", allocated_bytes="int")

    def spill(self, most: int = STAGED) -> None:
        """Turn what is staged into numbers, where it is much; readers call it now and then."""
        for rows in vars(self).values():
            if isinstance(rows, Rows):
                rows.spill(most)

    def free(self, *, but: Container[str] = ()) -> None:
        """Forget all rows, or all `but` those of some tables; the pools stay."""
        for name, rows in vars(self).items():
            if isinstance(rows, Rows) and name not in but:
                rows.free()

    def problem(
        self,
        rule: str,
        *,
        repository: str | None = None,
        manifest: Key = "",
        blob: Key = "",
        path: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Add a row of ``problems``; KeyError for a rule that is not in the catalogue."""
        self.problems.add(rule, RULES[rule].severity, repository, manifest, blob, path, detail)

    def repository(
        self, name: str, raw_name: str, *, private: int = -1, has_layers: int = -1, has_manifests: int = -1
    ) -> int:
        """Add a repository; returns its row."""
        self.repositories.add(name, raw_name, private, has_layers, has_manifests, 1)
        return self.repositories.numbers(1)[0]
