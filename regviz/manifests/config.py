"""Image configurations: platform, diff IDs, history, labels (image-spec config.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from regviz.manifests.batches import batches
from regviz.manifests.json import load_object, mapping, objects
from regviz.manifests.memo import Memo, without

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regviz.columns import Key
    from regviz.facts import Facts
    from regviz.manifests.json import Document

_ARRAY = (b"", b"[")
_SPILL_AFTER = 256  # documents that come one by one
_COLUMNS = (
    *("config", "os", "architecture", "variant", "os_version", "created", "author"),
    *("diff_count", "history_count"),
)


class _RootFS(msgspec.Struct, gc=False):
    diff_ids: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


class _Runtime(msgspec.Struct, gc=False):
    Labels: dict[str, Any] | None = None


class _Config(msgspec.Struct, gc=False):
    """A configuration as nearly all are: all else in it is passed over, steps of history are looked at once."""

    os: Any = None
    architecture: Any = None
    variant: Any = None
    os_version: Any = msgspec.field(default=None, name="os.version")
    created: Any = None
    author: Any = None
    rootfs: _RootFS = msgspec.field(default_factory=_RootFS)
    history: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    config: _Runtime | None = None


class ConfigReader:
    """Puts image configurations into `configs`, `diffs`, `history` and `labels`."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._decode = msgspec.json.Decoder(_Config).decode
        self._words = History(facts)
        self._diff_ids = Memo(self._add_diff_ids)
        self._diffs = facts.diffs.column("diff_id")
        self._staged_ids = facts.diff_ids.column("diff_id").staged

    def read(self, digest: Key, data: bytes) -> None:
        """Take one configuration; one that is no JSON object becomes a problem."""
        if self._facts.configs.numbered % _SPILL_AFTER == 0:
            self._facts.spill()
        self._take([(digest, data)])

    def read_many(self, documents: Iterable[tuple[Key, bytes]]) -> None:
        """Take configurations as :meth:`read` takes one; each of many costs half as much."""
        for some in batches(documents):
            self._take(some)
            self._facts.spill()

    def _take(self, documents: list[tuple[Key, bytes]]) -> None:
        plain, others = [], []
        for digest, data in documents:
            try:
                config = self._decode(data)
                diff_ids, history = bytes(config.rootfs.diff_ids), bytes(config.history)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                others.append((digest, data))
                continue
            if diff_ids[:1] in _ARRAY and history[:1] in _ARRAY:
                plain.append((digest, config, diff_ids, history))
            else:
                others.append((digest, data))
        self._add_plain(plain)
        for digest, data in others:
            self._read_leniently(digest, data)

    def _add_plain(self, configs: list[tuple[Key, _Config, bytes, bytes]]) -> None:
        if not configs:
            return
        digests, decoded, diff_ids, histories = zip(*configs, strict=True)
        numbers, counts = self._diff_ids.numbers(diff_ids)
        self._diffs.extend_numbers(numbers)
        diff_counts = [count if raw else -1 for count, raw in zip(counts.tolist(), diff_ids, strict=True)]
        rows = self._add(digests, decoded, diff_counts, self._words.add_raw(histories))
        self._add_labels(
            [
                (row, config.config.Labels)
                for row, config in zip(rows, decoded, strict=True)
                if config.config is not None and config.config.Labels
            ]
        )

    def _read_leniently(self, digest: Key, data: bytes) -> None:
        document = load_object(data)
        if document is None:
            self._facts.problem("config-unreadable", blob=digest, detail=f"{len(data)} bytes")
            return
        count = -1
        diff_ids = mapping(document.get("rootfs")).get("diff_ids")
        if isinstance(diff_ids, list):
            count = len(diff_ids)
            self._diffs.staged += self._add_diff_ids(diff_ids)
        config = _Config()
        for name in ("os", "architecture", "variant", "created", "author"):
            setattr(config, name, document.get(name))
        config.os_version = document.get("os.version")
        [row] = self._add([digest], [config], [count], [self._words.add(objects(document.get("history")))])
        self._add_labels([(row, mapping(mapping(document.get("config")).get("Labels")))])

    def _add(
        self, digests: Sequence[Key], configs: Sequence[_Config], diff_counts: list[int], history_counts: list[int]
    ) -> range:
        said = (
            digests,
            [config.os for config in configs],
            [config.architecture for config in configs],
            [config.variant for config in configs],
            [config.os_version for config in configs],
            [config.created for config in configs],
            [config.author for config in configs],
            diff_counts,
            history_counts,
        )
        for name, values in zip(_COLUMNS, said, strict=True):
            self._facts.configs.column(name).staged.extend(values)
        return self._facts.configs.numbers(len(configs))

    def _add_diff_ids(self, diff_ids: list[Any]) -> range:
        self._staged_ids += diff_ids
        return self._facts.diff_ids.numbers(len(diff_ids))

    def _add_labels(self, of_rows: list[tuple[int, dict[str, Any]]]) -> None:
        labels = self._facts.labels
        labels.column("config").staged.extend(row for row, said in of_rows for _ in said)
        labels.column("key").staged.extend(key for _, said in of_rows for key in said)
        labels.column("value").staged.extend(value for _, said in of_rows for value in said.values())


class History:
    """Puts steps of history into `words` and `history`, those that images share once."""

    def __init__(self, facts: Facts) -> None:
        self._numbers = facts.words.numbers
        self._columns = [
            facts.words.column(name).staged for name in ("created", "created_by", "author", "comment", "empty")
        ]
        self._memo = Memo(self._read)
        self._column = facts.history.column("word")

    def add_raw(self, arrays: Sequence[bytes]) -> list[int]:
        """Take the steps of some configurations, as they are written; returns how many each has."""
        words, counts = without(*self._memo.numbers(arrays))
        self._column.extend_numbers(words)
        how_many: list[int] = counts.tolist()
        return how_many

    def add(self, steps: list[Document]) -> int:
        """Take the steps of one configuration; returns how many there are."""
        self._column.staged += self._add(steps)
        return len(steps)

    def add_word(self, step: Document, created_by: str | None, *, empty: bool) -> None:
        """Take one step, of which the instruction is known."""
        self._column.staged += self._add([step | {"created_by": created_by, "empty_layer": empty}])

    def _read(self, steps: list[Any]) -> list[int]:
        numbers = iter(self._add([step for step in steps if isinstance(step, dict)]))
        return [next(numbers) if isinstance(step, dict) else -1 for step in steps]

    def _add(self, steps: list[Document]) -> range:
        created, created_by, author, comment, empty = self._columns
        created += [step.get("created") for step in steps]
        created_by += [step.get("created_by") for step in steps]
        author += [step.get("author") for step in steps]
        comment += [step.get("comment") for step in steps]
        empty += [step.get("empty_layer") is True for step in steps]
        return self._numbers(len(steps))
