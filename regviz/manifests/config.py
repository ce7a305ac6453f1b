"""Image configurations: platform, diff IDs, history, labels (image-spec config.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.manifests.json import every, load_object, mapping, objects

if TYPE_CHECKING:
    from regviz.columns import Facts

_SPILL_AFTER = 256


class ConfigReader:
    """Puts image configurations into `configs`, `diffs`, `history` and `labels`."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._count = len(facts.configs)
        names = ("config", "created", "created_by", "author", "comment", "empty")
        self._history = tuple(facts.history.column(name).staged for name in names)
        self._diffs = facts.diffs.column("config").staged, facts.diffs.column("diff_id").staged

    def read(self, digest: str, data: bytes) -> None:
        """Take one configuration; one that is no JSON object becomes a problem."""
        facts = self._facts
        if self._count % _SPILL_AFTER == 0:
            facts.spill()
        document = load_object(data)
        if document is None:
            facts.problem("config-unreadable", blob=digest, detail=f"{len(data)} bytes")
            return
        row = self._count
        self._count += 1
        rootfs = document.get("rootfs")
        diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        count = -1
        if isinstance(diff_ids, list):
            count = len(diff_ids)
            self._diffs[0].extend([row] * count)
            self._diffs[1].extend(diff_ids)
        facts.configs.add(
            digest,
            document.get("os"),
            document.get("architecture"),
            document.get("variant"),
            document.get("os.version"),
            document.get("created"),
            document.get("author"),
            count,
        )
        steps = document.get("history")
        if type(steps) is not list or {*map(type, steps)} - {dict}:
            steps = objects(steps)
        config, created, created_by, author, comment, empty = self._history
        config += [row] * len(steps)
        created += every(steps, "created")
        created_by += every(steps, "created_by")
        author += [step.get("author") for step in steps]
        comment += [step.get("comment") for step in steps]
        empty += [step.get("empty_layer") is True for step in steps]
        labels = mapping(document.get("config")).get("Labels")
        if isinstance(labels, dict):
            for key, value in labels.items():
                facts.labels.add(row, key, value)
