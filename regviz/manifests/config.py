"""Image configurations: platform, diff IDs, history, labels (image-spec config.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from regviz.manifests.json import load_object, load_objects, mapping, objects
from regviz.manifests.memo import Memo

if TYPE_CHECKING:
    from regviz.columns import Facts, Key
    from regviz.manifests.json import Document

_SPILL_AFTER = 256


class _RootFS(msgspec.Struct, gc=False):
    diff_ids: list[str] | None = None


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
    history: list[msgspec.Raw] | None = None
    config: _Runtime | None = None


class ConfigReader:
    """Puts image configurations into `configs`, `diffs`, `history` and `labels`."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._decode = msgspec.json.Decoder(_Config).decode
        self._stage, self._stage_label = facts.configs.stage, facts.labels.stage
        self._words = History(facts)
        self._diff_ids: Memo[str] = Memo(self._add_diff_ids)
        self._staged_diffs = facts.diffs.column("diff_id").staged
        self._staged_ids = facts.diff_ids.column("diff_id").staged

    def read(self, digest: Key, data: bytes) -> None:
        """Take one configuration; one that is no JSON object becomes a problem."""
        if self._facts.configs.numbered % _SPILL_AFTER == 0:
            self._facts.spill()
        try:
            config = self._decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._read_leniently(digest, data)
            return
        diff_ids, steps = config.rootfs.diff_ids, config.history
        count = -1
        if diff_ids is not None:
            count = len(diff_ids)
            self._staged_diffs += self._diff_ids.numbers(diff_ids)
        row = self._add(digest, config, count, self._words.add_raw(steps) if steps else 0)
        if config.config is not None and config.config.Labels:
            self._add_labels(row, config.config.Labels)

    def _read_leniently(self, digest: Key, data: bytes) -> None:
        document = load_object(data)
        if document is None:
            self._facts.problem("config-unreadable", blob=digest, detail=f"{len(data)} bytes")
            return
        count = -1
        diff_ids = mapping(document.get("rootfs")).get("diff_ids")
        if isinstance(diff_ids, list):
            count = len(diff_ids)
            self._staged_diffs += self._add_diff_ids(diff_ids)
        config = _Config()
        for name in ("os", "architecture", "variant", "created", "author"):
            setattr(config, name, document.get(name))
        config.os_version = document.get("os.version")
        row = self._add(digest, config, count, self._words.add(objects(document.get("history"))))
        self._add_labels(row, mapping(mapping(document.get("config")).get("Labels")))

    def _add(self, digest: Key, config: _Config, diff_count: int, history_count: int) -> int:
        self._stage(
            (
                digest,
                config.os,
                config.architecture,
                config.variant,
                config.os_version,
                config.created,
                config.author,
                diff_count,
                history_count,
            )
        )
        return self._facts.configs.numbers(1)[0]

    def _add_diff_ids(self, diff_ids: list[Any]) -> range:
        self._staged_ids += diff_ids
        return self._facts.diff_ids.numbers(len(diff_ids))

    def _add_labels(self, row: int, labels: dict[str, Any]) -> None:
        stage = self._stage_label
        for key, value in labels.items():
            stage((row, key, value))


class History:
    """Puts steps of history into `words` and `history`, those that images share once."""

    def __init__(self, facts: Facts) -> None:
        self._numbers, self._stage = facts.words.numbers, facts.words.stage
        self._memo = Memo(self._read)
        self._staged = facts.history.column("word").staged

    def add_raw(self, steps: list[msgspec.Raw]) -> int:
        """Take the steps of one configuration, as they are written; returns how many there are."""
        numbers = self._memo.numbers(map(bytes, steps))
        if -1 in numbers:
            numbers = [number for number in numbers if number >= 0]
        self._staged += numbers
        return len(numbers)

    def add(self, steps: list[Document]) -> int:
        """Take the steps of one configuration; returns how many there are."""
        for step in steps:
            self._stage_word(step, step.get("created_by"))
        self._staged += self._numbers(len(steps))
        return len(steps)

    def add_word(self, step: Document, created_by: str | None, *, empty: bool) -> None:
        """Take one step, of which the instruction is known."""
        self._stage_word(step | {"empty_layer": empty}, created_by)
        self._staged += self._numbers(1)

    def _read(self, data: list[bytes]) -> list[int]:
        numbers = []
        for step in load_objects(data):
            if step is None:
                numbers.append(-1)
            else:
                self._stage_word(step, step.get("created_by"))
                numbers += self._numbers(1)
        return numbers

    def _stage_word(self, step: Document, created_by: object) -> None:
        get = step.get
        self._stage((get("created"), created_by, get("author"), get("comment"), get("empty_layer") is True))
