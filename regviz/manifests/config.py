"""Image configurations: platform, diff IDs, history, labels (image-spec config.md; Docker's older fields are ignored)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.manifests.json import load_object, mapping, objects, optional_text, text
from regviz.text import clean

if TYPE_CHECKING:
    from regviz.columns import Facts


class ConfigReader:
    """Puts image configurations into `configs`, `diffs`, `history` and `labels`."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        history = facts.history
        self._add_history = (
            history.number("config").append,
            history.number("created").append,
            history.number("created_by").append,
            history.number("author").append,
            history.number("comment").append,
            history.number("empty").append,
        )
        self._rows = facts.configs.number("os")

    def read(self, digest: str, data: bytes) -> bool:
        """Take one configuration; False where it is no JSON object, which becomes a problem."""
        facts = self._facts
        document = load_object(data)
        if document is None:
            facts.problem("config-unreadable", blob=digest, detail=f"{len(data)} bytes")
            return False
        name, said, stamp = facts.names.code, facts.texts.code, facts.stamps.code
        row = len(self._rows)
        rootfs = document.get("rootfs")
        diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        has_diffs = isinstance(diff_ids, list)
        facts.configs.add(
            digest,
            name(_clean(document.get("os"))),
            name(_clean(document.get("architecture"))),
            name(_clean(document.get("variant"))),
            name(_clean(document.get("os.version"))),
            stamp(optional_text(document.get("created"))),
            said(_clean(document.get("author"))),
            len(diff_ids) if isinstance(diff_ids, list) else -1,
        )
        if isinstance(diff_ids, list):
            to_config, to_diff = facts.diffs.number("config").append, facts.diffs.key("diff_id").append
            for diff_id in diff_ids:
                to_config(row)
                to_diff(diff_id if isinstance(diff_id, str) and len(diff_id) < 256 else "")  # noqa: PLR2004
        to_config, to_created, to_created_by, to_author, to_comment, to_empty = self._add_history
        for step in objects(document.get("history")):
            to_config(row)
            to_created(stamp(optional_text(step.get("created"))))
            to_created_by(said(_clean(step.get("created_by"))))
            to_author(said(_clean(step.get("author"))))
            to_comment(said(_clean(step.get("comment"))))
            to_empty(step.get("empty_layer") is True)
        labels = mapping(document.get("config")).get("Labels")
        if isinstance(labels, dict):
            for key, value in labels.items():
                facts.labels.add(row, name(clean(key)), said(clean(text(value))))
        return has_diffs


def _clean(value: object) -> str | None:
    if type(value) is not str or not value:
        return None
    return value if value.isascii() and "\x00" not in value else clean(value)
